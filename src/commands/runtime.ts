import { askWorker } from '../measurement/worker-process.ts';
import type { RuntimeSpec } from '../records/plan.ts';
import { type CommandContext, workerProgram } from './context.ts';

/** Changes whenever the same artefacts would be measured differently: numbers from before are then not compared. */
const benchVersion = '9';

/** What would measure, asked of a worker process, which does not load it. Throws `runtime-not-found`. */
export const describeRuntime = async (
  context: CommandContext,
  { provider, threads }: { readonly provider: string; readonly threads: number },
): Promise<RuntimeSpec> => {
  const limits = { seconds: 60, silenceSeconds: 60, memoryBytes: null };
  return (
    await askWorker(workerProgram(context), { type: 'describe', provider, threads, bench: benchVersion }, 'described', limits, 'runtime')
  ).runtime;
};
