import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { asSentence, GateError } from '../errors.ts';
import { copyModelSource, type ModelSource } from '../models/model-source.ts';
import type { Plan } from '../records/plan.ts';
import type { NeededFiles } from '../repository/filters.ts';
import type { Repository } from '../repository/repository.ts';
import type { CommandContext } from '../run/context.ts';
import { faultOf } from '../run/machine-fault.ts';
import { workingFolder } from '../run/working-folder.ts';
import { findModelFolder, openModel, openModelFolder } from './model-folder.ts';
import { isSamePlace, type ModelOrigin, type ModelOrigins, modelsBelow } from './model-origin.ts';

export interface JudgedModels {
  readonly sources: readonly ModelSource[];
  /** Head's edits of models, as sentences. */
  readonly edits: readonly string[];
}

/** The files of models in a tree, and the folder that they lie in. */
interface NeededModels extends NeededFiles {
  readonly below: string;
}

export interface JudgedSides {
  readonly event: Plan['event'];
  /** Base's commit and the folder that it works in. */
  readonly base: { readonly commit: string; readonly folder: string };
  /** Ids that base's configuration lists. */
  readonly listedByBase: readonly string[];
  readonly origins: ModelOrigins;
  /** Whether Git LFS is asked for the models' files. */
  readonly lfs: boolean;
}

/**
 * The models that both sides are made from and judged on. A change is judged on base's: else it
 * could bring a model that is easier to compress, or other windows. Where base's files are not
 * those of the working tree they are copied into `copies`. A run of the default branch takes what
 * is merged. Throws what opening a model throws; where only base's is broken, head's is taken.
 */
export const openJudgedModels = async (
  ids: readonly string[],
  { event, base, listedByBase, origins, lfs }: JudgedSides,
  copies: string,
  repository: Repository,
  context: CommandContext,
): Promise<JudgedModels> => {
  rmSync(copies, { recursive: true, force: true });
  await repository.fillCheckout(neededModels(modelsBelow(workingFolder(context, repository)), ids, lfs));
  const needed = neededModels(modelsBelow(base.folder), ids, lfs);
  const sources: ModelSource[] = [];
  const edits: string[] = [];
  for (const id of ids) {
    const here = findModelFolder(id, context.root, context.packageRoot);
    const shipped = findModelFolder(id, context.packageRoot, context.packageRoot);
    const was = await origins.base(id);
    const isSame = async (): Promise<boolean> => {
      if (was.kind === 'nowhere') return shipped === null || shipped === here;
      if (here === null) return false;
      if (was.kind !== 'files') return isSamePlace(was, await origins.head(id));
      return readFileSync(join(here, 'card.json'), 'utf8') === (await repository.fileAt(base.commit, `${needed.below}/${id}/card.json`));
    };
    if ((await isSame()) || (event === 'default-branch' && here !== null)) {
      sources.push(openModel(id, context.root, context.packageRoot));
      const unknown = event === 'change' && was.kind === 'nowhere' && shipped === null && listedByBase.includes(id);
      if (unknown && (await origins.head(id)).kind !== 'nowhere')
        edits.push(`model ${id} was put under version control; base's commit does not hold it, so head's is in force.`);
      continue;
    }
    const before = await openBase(id, was, shipped, base.commit, needed, copies, repository).catch(faultOf);
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

/** Base's own files of a model: out of its commit or its submodule, where its link leads, or from the folder that the gate ships. */
const openBase = async (
  id: string,
  origin: ModelOrigin,
  shipped: string | null,
  base: string,
  needed: NeededModels,
  copies: string,
  repository: Repository,
): Promise<ModelSource> => {
  if (origin.kind === 'nowhere' && shipped !== null) return openModelFolder(id, shipped);
  if (origin.kind === 'outside') return openModelFolder(id, resolve(repository.folder, origin.folder));
  const to = join(copies, id);
  const within = origin.kind === 'submodule' ? [`${origin.root}/**`] : [];
  const worktree = await repository.worktree(base, { ...needed, possible: [...needed.possible, ...within] });
  try {
    mkdirSync(to, { recursive: true });
    copyModelSource(join(worktree.folder, needed.below, id), to);
  } finally {
    await worktree.release();
  }
  return openModelFolder(id, to);
};
