import { absenceText } from '../records/absence.ts';
import type { CallPoint, OperatingPoint } from '../records/metric.ts';
import { providerFacts } from '../records/provider.ts';
import { everySeries } from '../records/series-note.ts';
import type { LoadedModel } from '../runtime/decoder.ts';
import type { LaunchTools } from './launch-tools.ts';

type SoloPoint = Extract<OperatingPoint, { kind: 'solo' }>;

/** What a solo point gave, and why a series is not there. */
interface Alone {
  readonly series: Record<string, number[]>;
  readonly warnings: readonly string[];
}

const noMeter = (series: string, reason: string): string => absenceText({ state: 'no-meter', series, reason });

/** Steps that bring the resident set to its peak; more change nothing. */
const settlingSteps = 8;

/**
 * One arm, alone in its process, repeats a call: for the point's seconds where a meter counts energy, else a few times, since a peak needs no
 * more. Series: `peak-bytes` (largest resident set of the process, absent where the system does not tell) and `joules-per-token` (absent without a
 * meter). Neither is there on a provider without meters (`providerFacts`).
 */
export const repeatAlone = async (
  point: SoloPoint,
  call: CallPoint,
  model: LoadedModel,
  run: { readonly seed: number; readonly provider: string },
  tools: Pick<LaunchTools, 'clock' | 'beat' | 'energy' | 'processFacts'>,
): Promise<Alone> => {
  if (!providerFacts(run.provider).metered)
    return {
      series: {},
      warnings: [noMeter(everySeries, `memory and energy that a device uses for provider ${run.provider} are not read`)],
    };
  const step = await model.prepareCall(call, run.seed);
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
  if (before !== null && after !== null) series['joules-per-token'] = [(after - before) / tokens];
  const warnings = [
    ...('joules-per-token' in series ? [] : [noMeter('joules-per-token', 'no energy meter on this machine')]),
    ...(vmHwmBytes === null ? [noMeter('peak-bytes', 'this system does not tell the peak resident set')] : []),
  ];
  return { series, warnings };
};
