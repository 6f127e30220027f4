import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ResolvedConfig, ResolvedOptimization } from '../config/resolve.ts';
import { digestOf } from '../records/decode.ts';
import type { SubjectRef } from '../records/plan.ts';
import type { Repository } from '../repository/repository.ts';
import type { CommandContext } from './context.ts';
import type { Side } from './plan-cells.ts';

/** The file that holds the built-in subjects, in the tree of this repository itself. */
const ownEntry = 'dist/worker.js';

/**
 * How each entry's code is started on one side, and its digest. `commit` null: the working tree.
 *
 * Built-in code is the running program's, the same on both sides, unless the tree is this project itself: then each side
 * runs its own committed `dist/worker.js`, so that the gate can judge changes to its own optimizations.
 */
export const subjectResolver = async (
  tree: 'head' | 'base',
  config: ResolvedConfig,
  context: CommandContext,
  repository: Repository,
  commit: string | null,
): Promise<Pick<Side, 'subjectOf' | 'builtin'>> => {
  const own = await bringsItsOwn(repository, commit);
  const builtinCode = own
    ? await repository.inputsDigest(commit === null ? 'working-tree' : { commit }, [ownEntry])
    : digestOf(readFileSync(context.worker, 'utf8'));
  const codes = new Map<string, string>();
  for (const entry of config.optimizations) {
    if (entry.door.kind === 'builtin') continue;
    const patterns = patternsOf(entry);
    codes.set(entry.id, await repository.inputsDigest(commit === null ? 'working-tree' : { commit }, patterns));
  }
  const builtin = (optimization: string): SubjectRef => ({
    door: { kind: 'builtin', optimization, entry: own ? ownEntry : null },
    tree,
    inputs: own ? [ownEntry] : [],
    code: builtinCode,
  });
  const subjectOf = (entry: ResolvedOptimization): SubjectRef => {
    switch (entry.door.kind) {
      case 'builtin':
        return builtin(entry.like ?? entry.id);
      case 'command':
      case 'serve':
      case 'module':
      case 'measure':
        return { door: entry.door, tree, inputs: [...patternsOf(entry)], code: codes.get(entry.id) ?? builtinCode };
    }
  };
  return { subjectOf, builtin };
};

/** A user's code that declares no inputs depends on the whole tree. */
const patternsOf = (entry: ResolvedOptimization): readonly string[] => (entry.inputs.length > 0 ? entry.inputs : ['**']);

const bringsItsOwn = async (repository: Repository, commit: string | null): Promise<boolean> => {
  const read = async (path: string): Promise<string | null> => {
    if (commit !== null) return repository.fileAt(commit, path);
    const file = join(repository.folder, path);
    return existsSync(file) ? readFileSync(file, 'utf8') : null;
  };
  const manifest = await read('package.json');
  return manifest !== null && /"name":\s*"optimization-gate"/.test(manifest) && (await read(ownEntry)) !== null;
};
