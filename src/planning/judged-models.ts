import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, posix } from 'node:path';
import { asSentence, GateError } from '../errors.ts';
import { copyModelSource, type ModelSource } from '../models/model-source.ts';
import type { Plan } from '../records/plan.ts';
import type { NeededFiles } from '../repository/filters.ts';
import type { Repository } from '../repository/repository.ts';
import type { CommandContext } from '../run/context.ts';
import { faultOf } from '../run/machine-fault.ts';
import { workingFolder } from '../run/working-folder.ts';
import { findModelFolder, openModel, openModelFolder } from './model-folder.ts';

export interface JudgedModels {
  readonly sources: readonly ModelSource[];
  /** Head's edits of models, as sentences. */
  readonly edits: readonly string[];
}

/** The files of models in a tree, and the folder that they lie in. */
interface NeededModels extends NeededFiles {
  readonly below: string;
}

/** Where models lie below a working directory, in paths of the repository. */
const modelsBelow = (folder: string): string => posix.join(folder, 'models');

/** Ids of the models that a commit of the repository brings itself, below the folder that it works in. */
export const modelIdsAt = async (repository: Repository, folder: string, commit: string): Promise<readonly string[]> => {
  const below = modelsBelow(folder);
  const names = (await repository.filesAt(commit, below)).map((path) => path.slice(below.length + 1).split('/'));
  return names.flatMap(([id = '', file, more]) => (file === 'card.json' && more === undefined ? [id] : []));
};

/**
 * The models that both sides are made from and judged on. A change is judged on base's: else it
 * could bring a model that is easier to compress, or other windows. Where base's files are not
 * those of the working tree they are copied into `copies`. A run of the default branch takes what
 * is merged. `base`: its commit and the folder that it works in. `lfs`: whether Git LFS is asked for them. Throws what opening a model throws; where
 * only base's is broken, head's is taken.
 */
export const openJudgedModels = async (
  ids: readonly string[],
  event: Plan['event'],
  { commit: base, folder }: { readonly commit: string; readonly folder: string },
  copies: string,
  repository: Repository,
  context: CommandContext,
  lfs: boolean,
): Promise<JudgedModels> => {
  rmSync(copies, { recursive: true, force: true });
  const below = modelsBelow(folder);
  await repository.fillCheckout(neededModels(modelsBelow(workingFolder(context, repository)), ids, lfs));
  const needed = neededModels(below, ids, lfs);
  const sources: ModelSource[] = [];
  const edits: string[] = [];
  for (const id of ids) {
    const here = findModelFolder(id, context.root, context.packageRoot);
    const card = await cardAt(repository, base, `${below}/${id}/card.json`);
    const shipped = findModelFolder(id, context.packageRoot, context.packageRoot);
    const same =
      card === null ? shipped === null || shipped === here : here !== null && readFileSync(join(here, 'card.json'), 'utf8') === card;
    if (same || (event === 'default-branch' && here !== null)) {
      sources.push(openModel(id, context.root, context.packageRoot));
      continue;
    }
    const before = await openBase(id, card === null ? shipped : null, base, needed, copies, repository).catch(faultOf);
    if (here === null) {
      if (before instanceof GateError) throw before;
      sources.push(before);
      continue;
    }
    const now = openModelFolder(id, here);
    if (before instanceof GateError)
      edits.push(`model ${id} was changed; base's cannot be opened, so head's is in force. ${asSentence(before.message)}`);
    else if (before.digest !== now.digest)
      edits.push(
        `model ${id} was changed (sha256 ${before.digest.slice(0, 12)} to ${now.digest.slice(0, 12)}); base's is in force until the merge.`,
      );
    sources.push(before instanceof GateError || before.digest === now.digest ? now : before);
  }
  return { sources, edits };
};

/** Which of the files a model needs, its card says: opening it refuses those that are not there. */
const neededModels = (below: string, ids: readonly string[], lfs: boolean): NeededModels => ({
  below,
  declared: [],
  possible: ids.map((id) => `${below}/${id}/**`),
  lfs,
});

/** The card of a model that a commit brings itself. Models that lie behind a link out of the repository are no part of any commit. */
const cardAt = async (repository: Repository, commit: string, path: string): Promise<string | null> => {
  try {
    return await repository.fileAt(commit, path);
  } catch (thrown) {
    if (thrown instanceof GateError && thrown.code === 'link-invalid') return null;
    throw thrown;
  }
};

/** Base's own files of a model, from the folder that the gate ships or out of its commit. */
const openBase = async (
  id: string,
  shipped: string | null,
  base: string,
  needed: NeededModels,
  copies: string,
  repository: Repository,
): Promise<ModelSource> => {
  if (shipped !== null) return openModelFolder(id, shipped);
  const to = join(copies, id);
  const worktree = await repository.worktree(base, needed);
  try {
    mkdirSync(to, { recursive: true });
    copyModelSource(join(worktree.folder, needed.below, id), to);
  } finally {
    await worktree.release();
  }
  return openModelFolder(id, to);
};
