import type { PlannedBuild } from '../records/plan.ts';
import { workerProgram } from '../run/context.ts';
import { openSharedWorker, type SharedWorker } from '../run/worker-process.ts';
import type { BuildStore } from './build.ts';
import type { Making } from './making.ts';
import { storeLimits } from './stored-build.ts';

/** Opens the worker that checks and keeps what was built. It starts with the first build. */
export const openSealer = (making: Pick<Making, 'context'>): SharedWorker => openSharedWorker(workerProgram(making.context));

/**
 * The folders that a build writes into, and what makes artefacts of them.
 * @param given digests of the files that the build starts from; null for a built-in
 */
export const sealedOutput = (
  { context, plan, store, trees, folders, program, sealer }: Making,
  { arm }: PlannedBuild,
  given: readonly string[] | null,
): BuildStore => ({
  output: async () => {
    const folder = await folders.empty();
    trees.sides.give(arm, folder);
    return folder;
  },
  discard: async (folder) => {
    trees.sides.take(folder);
    await folders.discard(folder);
  },
  seal: async (folder, answer, where) => {
    trees.sides.take(folder);
    program.requireUnmodified();
    const taken = await store.takeOver(folder);
    const request = {
      type: 'seal' as const,
      folder: taken,
      stages: answer.stages,
      serve: answer.serve ?? {},
      facts: answer.facts ?? {},
      runtime: { provider: plan.runtime.provider, threads: plan.runtime.threads },
      store: context.storeRoot,
      views: folders.root,
      given,
    };
    try {
      return await sealer.ask(request, 'stored', storeLimits(plan), where);
    } catch (thrown) {
      await store.discard(taken);
      throw thrown;
    }
  },
});
