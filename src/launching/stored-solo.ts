import { equalCode } from '../gate/cell-state.ts';
import type { LaunchDemand } from '../gate/launch-demand.ts';
import { soloSlots } from '../gate/solo.ts';
import { digestOf } from '../records/decode.ts';
import type { Plan, PlannedCell } from '../records/plan.ts';
import type { LaunchRequest } from '../records/protocol.ts';
import type { SampleLine, Samples } from '../records/sample.ts';
import { seriesWarningText } from '../records/series-warning.ts';
import type { SoloRecord } from '../records/stored.ts';

/** Said of a value that was not measured for this launch. */
const takenOver = (arm: string, series: string, at: string): string =>
  seriesWarningText({ series, text: `${arm} measured on ${at.slice(0, 'YYYY-MM-DD'.length)}, on this class of runner` });

/** Everything that a run's solo launches have in common. */
export interface SoloRun {
  readonly plan: Pick<Plan, 'event' | 'cells'>;
  readonly runnerClass: string;
  /** Version of Node. */
  readonly node: string;
  /** Energy is no property of the bytes, and is read over seconds: with a meter nothing is kept or taken over. */
  readonly energyMeter: boolean;
  readonly seen: () => Pick<Samples, 'settled'>;
}

const cellOf = ({ plan }: Pick<SoloRun, 'plan'>, id: string): PlannedCell | undefined => plan.cells.find((cell) => cell.id === id);

/**
 * What a solo launch rests on: the bytes and the call, the runtime, Node and the class of runner, and which repetition of its arm it is. Null where
 * nothing is kept: for any other launch, and with a meter of energy.
 */
export const soloKey = (request: LaunchRequest, { cell: id, index }: Pick<LaunchDemand, 'cell' | 'index'>, run: SoloRun): string | null => {
  const [arm, ...others] = request.arms;
  const artefact = arm === undefined ? undefined : request.artefacts[arm]?.['main'];
  const cell = cellOf(run, id);
  if (run.energyMeter || request.purpose !== 'solo' || others.length > 0 || artefact === undefined || cell === undefined) return null;
  const slot = soloSlots(cell).find((each) => each.arm === arm && index >= each.start && index < each.end);
  if (slot === undefined) return null;
  const { points, repeated, modelDigest, runtime, seed } = request;
  const calls = [points, repeated === null ? [] : [repeated]].map((of) => of.map((point) => ({ ...point, arms: [] })));
  // Two launches of one run are two measurements, even where an optimization leaves the model as it is.
  const rests = [arm === 'reference', artefact.digest, calls, index - slot.start, modelDigest, runtime, seed, run.node, run.runnerClass];
  return digestOf(JSON.stringify(rests));
};

/**
 * Whether a solo launch is only shown, so that what another launch or an earlier run recorded is as good: of the reference model, or of a cell that is
 * unchanged in its code too. What is compared is measured in the run that compares it, and what becomes a baseline anew.
 */
export const isOnlyShown = ({ cell: id, arms }: Pick<LaunchDemand, 'cell' | 'arms'>, run: SoloRun): boolean => {
  if (run.plan.event !== 'change') return false;
  const cell = cellOf(run, id);
  return arms.join() === 'reference' || (cell !== undefined && run.seen().settled.get(id)?.status === 'unchanged' && equalCode(cell));
};

/** The lines of a solo launch that is known from before, of another launch or an earlier run on this class of runner; they say when it was measured. */
export const soloBefore = (
  { launch, cell, index, arms, points }: Pick<LaunchDemand, 'launch' | 'cell' | 'index' | 'arms' | 'points'>,
  { at, series, warnings }: SoloRecord,
): readonly SampleLine[] => [
  { line: 'launch', launch, cell, purpose: 'solo', index, selfCheck: false },
  ...points.map(({ id }): SampleLine => {
    const values = Object.fromEntries(arms.map((arm) => [arm, { ...series }]));
    const said = arms.flatMap((arm) => Object.keys(series).map((each) => takenOver(arm, each, at)));
    return { line: 'point', launch, point: id, values, warnings: [...warnings, ...said] };
  }),
  { line: 'end', launch, status: 'complete', error: null, process: null },
];

/**
 * What a solo launch gave, for later ones; null where it did not end well.
 * @param at when it was measured
 */
export const soloRecorded = (lines: readonly SampleLine[], at: Date): SoloRecord | null => {
  const end = lines.find((line) => line.line === 'end');
  const point = lines.find((line) => line.line === 'point');
  const [series] = Object.values(point?.values ?? {});
  return end?.status !== 'complete' || point === undefined || series === undefined
    ? null
    : { at: at.toISOString(), series, warnings: point.warnings };
};
