import { type Absence, absenceText } from '../records/absence.ts';
import type { CallPoint, OperatingPoint } from '../records/metric.ts';
import type { LoadedModel } from '../runtime/decoder.ts';
import type { LaunchTools } from './launch-tools.ts';

type SoloPoint = Extract<OperatingPoint, { kind: 'solo' }>;

/** Steps that bring the resident set to its peak; more change nothing. */
const settlingSteps = 8;

/** A number that no meter gave is not missing. */
const unmetered: readonly Absence[] = [
  { state: 'no-meter', series: 'joules-per-token', reason: 'no energy meter on this machine' },
  { state: 'no-meter', series: 'peak-bytes', reason: 'this system does not tell the peak resident set' },
];

/**
 * One arm, alone in its process, repeats a call: for the point's seconds where a meter counts energy, else a few times. Series: `peak-bytes` (largest resident set of the
 * process, absent where the system does not tell) and `joules-per-token` (absent without a meter).
 */
export const repeatAlone = async (
  point: SoloPoint,
  call: CallPoint,
  model: LoadedModel,
  seed: number,
  tools: LaunchTools,
): Promise<{ series: Record<string, number[]>; warnings: string[] }> => {
  const step = await model.prepareCall(call, seed);
  const meter = tools.energy();
  const started = tools.clock.wall();
  const before = meter?.joules() ?? null;
  let steps = 0;
  while (steps < settlingSteps || (before !== null && tools.clock.wall() - started < point.seconds * 1000)) {
    await step();
    steps++;
    tools.beat(point.id);
  }
  const after = meter?.joules() ?? null;
  const series: Record<string, number[]> = {};
  const { vmHwmBytes } = tools.processFacts(0);
  if (vmHwmBytes !== null) series['peak-bytes'] = [vmHwmBytes];
  const tokens = steps * call.batch * (call.phase === 'prefill' ? call.length : 1);
  if (before !== null && after !== null && tokens > 0) series['joules-per-token'] = [(after - before) / tokens];
  return { series, warnings: unmetered.filter((absence) => !(absence.series in series)).map(absenceText) };
};
