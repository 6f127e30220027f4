import { readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { ResolvedConfig, ResolvedOptimization } from '../config/resolve.ts';
import { GateError } from '../errors.ts';
import { builtinOptimizations } from '../optimizations/registry.ts';
import { digestOf } from '../records/decode.ts';
import type { SubjectRef } from '../records/plan.ts';
import type { Json } from '../records/words.ts';
import { fileBehind, reached, textBehind } from '../repository/on-disk.ts';
import type { Repository } from '../repository/repository.ts';
import type { CommandContext } from '../run/context.ts';
import { programFiles } from '../run/imported-files.ts';
import { configFile } from './configurations.ts';
import { installedFiles, literalPattern, moduleAndImports, namedFiles } from './named-files.ts';
import type { NamingTree } from './naming-tree.ts';
import type { Side } from './plan-cells.ts';

/** The file that holds the built-in subjects, in the tree of this repository itself. */
const ownEntry = 'dist/worker.js';
/** The file of it that holds one built-in's subject, and imports what that needs (scripts/build.ts). */
const ownPart = (optimization: string): string => `dist/worker/${optimization}-subject.js`;

/**
 * How each entry's code is started on one side, and its digest. `commit` null: the working tree.
 * `folder`: where it is started, below the root of the repository.
 *
 * Built-in code is the running program's, the same on both sides, unless the running program is that of the repository under
 * review: then each side runs its own committed `dist/worker.js`, so that the gate can judge changes to its own optimizations.
 */
export const subjectResolver = async (
  tree: 'head' | 'base',
  config: ResolvedConfig,
  context: CommandContext,
  repository: Repository,
  commit: string | null,
  folder: string,
): Promise<Pick<Side, 'subjectOf' | 'builtin'>> => {
  const read = reader(repository, commit);
  const own = (await ownWorker(context, repository, read)) !== null;
  const program = own
    ? await programFiles(ownEntry, read)
    : await programFiles(basename(context.worker), async (paths) => paths.map((path) => textBehind(join(dirname(context.worker), path))));
  const builtinCode = digestOf(JSON.stringify(program));
  const ownCodes = new Map<string, string>();
  for (const { benchmark } of own ? builtinOptimizations : []) {
    const files = await programFiles(ownPart(benchmark.id), read);
    if (files.length > 0) ownCodes.set(benchmark.id, digestOf(JSON.stringify(files)));
  }
  const at = commit === null ? 'working-tree' : { commit };
  const needs = new Map<string, { readonly inputs: readonly string[]; readonly code: string }>();
  let listed: NamingTree | null = null;
  for (const entry of config.optimizations) {
    if (entry.door.kind === 'builtin') continue;
    const patterns = patternsOf(entry);
    const placed = atEntry(context, entry.id);
    let inputs = patterns;
    if (!patterns.includes(anything)) {
      listed ??= { paths: await repository.paths(at), read: referenceReader(repository, commit), folder, root: repository.folder };
      const named = (await filesOf(entry, config.setup, listed)).map(literalPattern);
      const linked = (await placed(() => repository.inputsBehindLinks(at, [...patterns, ...named]))).map(literalPattern);
      inputs = [...new Set([...patterns, ...named, ...linked])];
    }
    needs.set(entry.id, { inputs, code: await placed(() => repository.inputsDigest(at, inputs)) });
  }
  const builtin = (optimization: string): SubjectRef => ({
    door: { kind: 'builtin', optimization, entry: own ? ownEntry : null },
    tree,
    folder: '',
    inputs: own ? program.map(({ path }) => path) : [],
    code: builtinCode,
    ownCode: ownCodes.get(optimization) ?? builtinCode,
  });
  const subjectOf = (entry: ResolvedOptimization): SubjectRef => {
    switch (entry.door.kind) {
      case 'builtin':
        return builtin(entry.like ?? entry.id);
      case 'command':
      case 'serve':
      case 'module':
      case 'measure': {
        const { inputs, code } = needs.get(entry.id) ?? { inputs: patternsOf(entry), code: builtinCode };
        const { metrics } = entry;
        const door = entry.door.kind === 'measure' ? { ...entry.door, reports: metrics.map(({ id }) => id).sort() } : entry.door;
        return { door, tree, folder, inputs: [...inputs], code, ownCode: code };
      }
    }
  };
  return { subjectOf, builtin };
};

/** A wrong pattern, at the place of the entry that has it. */
const atEntry =
  (context: CommandContext, id: string) =>
  async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (thrown) {
      if (!(thrown instanceof GateError) || thrown.where !== 'inputs') throw thrown;
      throw new GateError(thrown.code, thrown.message, { where: `${configFile(context)} (${id}): inputs`, cause: thrown });
    }
  };

/** The pattern of the whole tree: it does not say which files are needed. */
export const anything = '**';

/** A user's code that declares no inputs depends on the whole tree. */
const patternsOf = (entry: ResolvedOptimization): readonly string[] => (entry.inputs.length > 0 ? entry.inputs : [anything]);

/** What an entry of one's own names besides its inputs. */
const filesOf = async (
  { door, options }: Pick<ResolvedOptimization, 'door' | 'options'>,
  setup: string | null,
  tree: NamingTree,
): Promise<readonly string[]> => {
  const lists = [
    door.kind === 'module' ? moduleAndImports(door.module, tree) : [],
    'command' in door ? namedFiles(door.command, tree) : [],
    setup === null ? [] : installedFiles(setup, tree),
    ...textsIn(options).map((text) => namedFiles(text, tree)),
  ];
  return (await Promise.all(lists)).flat();
};

const textsIn = (value: Json): readonly string[] => {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
};

/** More bytes than a file has in which people write the names of others. */
const largestText = 1024 * 1024;

/** Reads what refers to other files; null what is none, whatever it is called. */
const referenceReader =
  (repository: Repository, commit: string | null): NamingTree['read'] =>
  async (paths) => {
    if (commit !== null) return repository.textsAt(commit, paths, largestText);
    return paths.map((path) => {
      const file = join(repository.folder, path);
      const stats = fileBehind(file);
      return stats !== null && stats.size <= largestText ? readFileSync(file, 'utf8') : null;
    });
  };

export type Read = (paths: readonly string[]) => Promise<readonly (string | null)[]>;

/** Reads each file of a tree once. */
const reader = (repository: Repository, commit: string | null): Read => {
  const known = new Map<string, string | null>();
  return async (paths) => {
    const asked = paths.filter((path) => !known.has(path));
    const texts =
      commit === null ? asked.map((path) => textBehind(join(repository.folder, path))) : await repository.textsAt(commit, asked);
    for (const [at, path] of asked.entries()) known.set(path, texts[at] ?? null);
    return paths.map((path) => known.get(path) ?? null);
  };
};

/**
 * The worker program that a tree brings, where it is one of this repository itself: known by where the running program lies, since any package
 * may call itself as it likes. Else null.
 */
export const ownWorker = async ({ packageRoot }: CommandContext, { folder }: Repository, read: Read): Promise<string | null> =>
  reached(() => realpathSync(packageRoot)) === folder && typeof (await read([ownEntry]))[0] === 'string' ? ownEntry : null;
