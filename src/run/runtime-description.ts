import type { RuntimeSpec } from '../records/plan.ts';
import { type CommandContext, workerProgram } from './context.ts';
import { servingDigestAt } from './serving-code.ts';
import { askWorker, fixedLimits } from './worker-process.ts';

/**
 * What would measure, asked of a worker process, which does not load it. Throws `runtime-not-found`.
 * @param library whether ONNX Runtime is needed
 */
export const describeRuntime = async (
  context: CommandContext,
  { provider, threads }: { readonly provider: string; readonly threads: number },
  library: boolean,
): Promise<RuntimeSpec> => {
  const request = { type: 'describe' as const, library, provider, threads };
  const { runtime } = await askWorker(workerProgram(context), request, 'described', fixedLimits(60), 'runtime');
  return { ...runtime, serving: await servingDigestAt(context.worker) };
};

/** Where the native runtime lies: the folder of its package, and that of its libraries. */
export interface LocatedRuntime {
  readonly folder: string;
  readonly libraries: string;
}

/** Where the native runtime lies that would measure. Throws `runtime-not-found`. */
export const locateRuntime = async (context: CommandContext): Promise<LocatedRuntime> =>
  askWorker(workerProgram(context), { type: 'locate' }, 'located', fixedLimits(60), 'runtime');
