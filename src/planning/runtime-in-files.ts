import { realpathSync } from 'node:fs';
import { join, posix, relative } from 'node:path';
import type { Config } from '../config/config.ts';
import { digestOf } from '../records/decode.ts';
import type { Plan, RuntimeSpec } from '../records/plan.ts';
import { textBehind } from '../repository/on-disk.ts';
import type { Repository } from '../repository/repository.ts';
import type { CommandContext } from '../run/context.ts';
import { describeRuntime, locateRuntime } from '../run/runtime-description.ts';
import { servingDigest } from '../run/serving-code.ts';
import { ownWorker, type Read } from './subjects.ts';

/** Says which version lies in the `node_modules` of its folder, or of one below. */
const manifests = ['package.json', 'package-lock.json', 'npm-shrinkwrap.json', 'yarn.lock', 'pnpm-lock.yaml', 'bun.lock'];

/** The name and a version behind it, in one line or in an entry of `package-lock.json`. */
const versionNamed = /(?<![\w-])onnxruntime-node(?!\w|-[a-z])(?:": \{\s*"version": "|[^\n]*?)(\d+\.\d+\.\d+(?:-[\w.]+)?)/g;

/** What stands behind the name where no version does: a tag, a variable, an expression of a workflow, a command. */
const otherSpec = /(?<![\w-])onnxruntime-node@["']?(\$\{\{[^}]*\}\}|\$\([^)]*\)|[^\s"'`,;)]+)/g;

const hasVersion = /\d+\.\d+\.\d+/;

const specsIn = (texts: readonly (string | null)[]): readonly string[] =>
  texts.flatMap((text) => [...(text ?? '').matchAll(otherSpec)].map(([, spec = '']) => spec)).filter((spec) => !hasVersion.test(spec));

/** Names that a spec reads, and words of the command that gives it. */
const readBy = (spec: string): { readonly names: readonly string[]; readonly words: readonly string[] } => {
  if (spec.startsWith('$(')) {
    const words = spec.slice(2, -1).split(/\s+/);
    // One alone is a variable of a Makefile.
    return words.length === 1 ? { names: words.filter((word) => /^\w+$/.test(word)), words: [] } : { names: [], words };
  }
  const expression = /^\$\{\{(.*)\}\}$/.exec(spec)?.[1];
  if (expression !== undefined) return { names: [...expression.matchAll(/[.'"]([\w-]+)/g)].map(([, name = '']) => name), words: [] };
  return { names: [...spec.matchAll(/\$(?:env:|\{)?(\w+)|%(\w+)%/g)].map(([, name, quoted]) => name ?? quoted ?? ''), words: [] };
};

/** What some texts assign to a name, as it is written. */
const assigned = (name: string, texts: readonly (string | null)[]): readonly string[] => {
  const assignment = new RegExp(`(?<![\\w-])${name}["']?\\s*:?[=:]\\s*([^\\n#]+(?:\\n\\s*-[^\\n#]*)*)`, 'g');
  return texts.flatMap((text) => [...(text ?? '').matchAll(assignment)].map(([, value = '']) => value.trim()));
};

/**
 * What some manifests, lock files, workflows or scripts say of the version of onnxruntime-node, each
 * once: versions, tags, and what is assigned to the variables that stand in their place.
 */
export const namedVersions = (texts: readonly (string | null)[]): readonly string[] => {
  const versions = texts.flatMap((text) => [...(text ?? '').matchAll(versionNamed)].map(([, version = '']) => version));
  const others = specsIn(texts).flatMap((spec) => [spec, ...readBy(spec).names.flatMap((name) => assigned(name, texts))]);
  return [...new Set([...versions, ...others])].sort();
};

/** More bytes than any lock file has. */
const largestText = 64 * 1024 * 1024;

const upwards = (folder: string): readonly string[] => (folder === '.' ? ['.'] : [folder, ...upwards(posix.dirname(folder))]);

/** Files that hold commands; and those that hold values of their variables. */
const scripts = [
  ...['.github/**', '**/*.yml', '**/*.yaml', '**/*.sh', '**/*.bash', '**/*.ps1', '**/*.cmd', '**/*.bat'],
  ...['**/*.mk', '**/[Mm]akefile', '**/GNUmakefile', '**/[Jj]ustfile', '**/Dockerfile*', '**/*.Dockerfile', '**/Containerfile*'],
];
const values = ['**/*.env', '**/.env*', '**/*.txt', '**/*.toml', '**/*.cfg', '**/*.ini', '**/*.json', '**/*.properties'];

/** Manifests of either side in the folder that holds the runtime, and those above it; null where the checkout does not hold it. */
const decidingManifests = (context: CommandContext, repository: Repository, folder: string): readonly string[] | null => {
  const inside = relative(realpathSync(repository.folder), realpathSync(folder)).split('/');
  const at = inside.indexOf('node_modules');
  if (inside[0] !== '..')
    return at === -1
      ? []
      : upwards(inside.slice(0, at).join('/') || '.').flatMap((each) => manifests.map((name) => posix.join(each, name)));
  // That of the gate itself is not the user's.
  return relative(realpathSync(context.packageRoot), realpathSync(folder)).startsWith('..') ? null : [];
};

/** Texts in which workflows and scripts of one side install the runtime, and those that say with which version. */
export const installing = async (repository: Repository, commit: string, read: Read): Promise<readonly (string | null)[]> => {
  const named = (await repository.filesWith(commit, 'onnxruntime-node', scripts)).filter(
    (path) => !manifests.includes(posix.basename(path)),
  );
  const texts = await read(named);
  const wanted = specsIn(texts).map(readBy);
  // A name as common as `version` stands for others elsewhere.
  const names = [...new Set(wanted.flatMap((each) => each.names))].filter((name) => assigned(name, texts).length === 0);
  const words = [...new Set(wanted.flatMap((each) => each.words))];
  const assigning =
    names.length === 0
      ? []
      : await repository.filesWith(commit, `(^|[^[:alnum:]_-])(${names.join('|')})["']?[[:space:]]*:?[=:]`, [...scripts, ...values]);
  const further = assigning.filter((path) => !named.includes(path));
  const files = await read(words.map((word) => posix.normalize(word)).filter((path) => !/^(\/|\.\.)/.test(path)));
  return [...texts, ...(await read(further)), ...files.map((text) => (text === null ? null : `onnxruntime-node@${text.trim()}`))];
};

/** What base is measured with, and by which program; `baseWorker` as in the plan. */
export type BaseRuntime = Pick<Plan, 'baseWorker'> & { readonly baseRuntime: RuntimeSpec };

/**
 * What base would be measured with. Its library is not installed: where base's commit names another
 * version of it than the files on disk, the runtime is another one. What serves is base's own only
 * where base's tree holds it. Throws `runtime-not-found`.
 * @param library whether ONNX Runtime is needed
 */
export const describeBaseRuntime = async (
  context: CommandContext,
  repository: Repository,
  commits: { readonly base: string; readonly head: string },
  settings: Config['runtime'],
  library: boolean,
): Promise<BaseRuntime> => {
  const [running, located] = await Promise.all([describeRuntime(context, settings, library), library ? locateRuntime(context) : null]);
  const atBase: Read = (paths) => repository.textsAt(commits.base, paths, largestText);
  const entry = await ownWorker(context, repository, atBase);
  const serving = (entry === null ? null : await servingDigest(entry, atBase)) ?? running.serving;
  const runtime = { ...running, serving };
  const baseWorker = serving === running.serving ? null : entry;
  if (located === null) return { baseRuntime: runtime, baseWorker };
  const deciding = decidingManifests(context, repository, located.folder);
  const onDisk: Read = async (paths) => paths.map((path) => textBehind(join(repository.folder, path)));
  let [was, is] = [namedVersions(await atBase(deciding ?? [])), namedVersions(await onDisk(deciding ?? []))];
  // Manifests that name none: it was installed beside them.
  if (deciding?.length !== 0 && was.length + is.length === 0)
    [was, is] = [
      namedVersions(await installing(repository, commits.base, atBase)),
      namedVersions(await installing(repository, commits.head, onDisk)),
    ];
  if (was.join() === is.join()) return { baseRuntime: runtime, baseWorker };
  const other = { ort: was.join(', ') || 'of no name', digest: digestOf(JSON.stringify([runtime.digest, was])) };
  return { baseRuntime: { ...runtime, ...other }, baseWorker };
};
