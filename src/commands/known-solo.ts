import type { LaunchDemand } from '../gate/demand.ts';
import { digestOf } from '../records/decode.ts';
import type { Plan } from '../records/plan.ts';
import type { LaunchRequest } from '../records/protocol.ts';
import type { SampleLine, Samples } from '../records/sample.ts';
import type { SoloRecord } from '../records/stored.ts';

/** Changes whenever what an earlier run recorded must not be used again. */
const soloContract = 1;

/**
 * What a solo launch rests on: the bytes and the call, the runtime and the class of runner, and which of the repetitions it is. Null for any other
 * launch.
 */
export const soloKey = (request: LaunchRequest, index: number, runnerClass: string): string | null => {
  const [arm, ...others] = request.arms;
  const artefact = arm === undefined ? undefined : request.artefacts[arm]?.['main'];
  if (request.purpose !== 'solo' || others.length > 0 || artefact === undefined) return null;
  const { points, repeated, modelDigest, runtime, seed } = request;
  const calls = [points.map((point) => ({ ...point, arms: [] })), repeated === null ? null : { ...repeated, arms: [] }];
  return digestOf(JSON.stringify([soloContract, artefact.digest, artefact.serve, calls, index, modelDigest, runtime, seed, runnerClass]));
};

interface Run {
  readonly plan: Pick<Plan, 'event'>;
  readonly energyMeter: boolean;
  readonly seen: () => Pick<Samples, 'settled'>;
}

/**
 * Whether a solo launch is only shown, so that what an earlier run recorded is as good. What is compared is measured in the run that compares it,
 * and what becomes a baseline anew; energy too, which is no property of the bytes.
 */
export const isOnlyShown = ({ cell, arms }: Pick<LaunchDemand, 'cell' | 'arms'>, { plan, energyMeter, seen }: Run): boolean =>
  plan.event === 'change' && !energyMeter && (arms.join() === 'reference' || seen().settled.get(cell)?.status === 'unchanged');

/** The lines of a solo launch that is known from an earlier run on this class of runner. */
export const soloBefore = (
  { launch, cell, index, arms, points }: Pick<LaunchDemand, 'launch' | 'cell' | 'index' | 'arms' | 'points'>,
  { series, warnings }: SoloRecord,
): readonly SampleLine[] => [
  { line: 'launch', launch, cell, purpose: 'solo', index, control: 'none' },
  ...points.map(({ id }): SampleLine => {
    const values = Object.fromEntries(arms.map((arm) => [arm, { ...series }]));
    return { line: 'point', launch, point: id, values, warnings: [...warnings] };
  }),
  { line: 'end', launch, status: 'complete', error: null, process: null },
];

/** What a solo launch gave, for later runs; null where it did not end well. */
export const soloRecorded = (lines: readonly SampleLine[]): SoloRecord | null => {
  const end = lines.find((line) => line.line === 'end');
  const point = lines.find((line) => line.line === 'point');
  const [series] = Object.values(point?.values ?? {});
  return end?.status !== 'complete' || point === undefined || series === undefined ? null : { series, warnings: point.warnings };
};
