import { asGateError, formatError } from '../errors.ts';
import { askWorker } from '../measurement/worker-process.ts';
import { machineFacts } from '../telemetry/machine.ts';
import { openEnergyMeter } from '../telemetry/rapl.ts';
import { type CommandContext, workerProgram } from './context.ts';
import { modelIds, openModel } from './model-folder.ts';
import { benchVersion } from './plan.ts';

/** What this machine can measure, in lines for people; what is missing is said, not thrown. */
export const doctor = async (context: CommandContext): Promise<string> => {
  const facts = await machineFacts();
  const runtime = await attempt(async () => {
    const request = { type: 'describe' as const, provider: 'cpu', threads: 1, bench: benchVersion };
    const limits = { seconds: 60, silenceSeconds: 60, memoryBytes: null };
    const { ort, digest } = (await askWorker(workerProgram(context), request, 'described', limits, 'runtime')).runtime;
    return `ONNX Runtime ${ort} (${digest.slice(0, 12)})`;
  });
  const models = await attempt(async () => {
    const ids = modelIds(context.root, context.packageRoot);
    for (const id of ids) openModel(id, context.root, context.packageRoot);
    return `${ids.length} models, all files as on their cards`;
  });
  return [
    `node      ${process.versions.node}`,
    ...Object.entries(facts).map(
      ([name, value]) => `${name.padEnd(9)} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`,
    ),
    `runtime   ${runtime}`,
    `models    ${models}`,
    `energy    ${openEnergyMeter() === null ? 'no meter on this machine' : 'RAPL counters'}`,
    `store     ${context.storeRoot}`,
  ].join('\n');
};

const attempt = async (work: () => Promise<string>): Promise<string> => {
  try {
    return await work();
  } catch (thrown) {
    return formatError(asGateError(thrown));
  }
};
