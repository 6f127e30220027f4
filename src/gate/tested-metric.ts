import { busyHeadText, busyHeadWarning } from '../records/busy-head.ts';
import type { MetricSpec } from '../records/metric.ts';
import type { GatePolicy } from '../records/plan.ts';
import type { Samples } from '../records/sample.ts';
import type { ArmId } from '../records/words.ts';
import { median } from '../statistics/describe.ts';
import { acceptedBound } from './acceptance.ts';
import { type CellState, equalCode, isTimed } from './cell-state.ts';
import { type ClockStep, foreignClockOf, onScaleStep } from './clock.ts';
import { launchChange, meanLaunchChange } from './launch-change.ts';
import { metricKey, pointIdOf, pointOf } from './metric-key.ts';
import { observationsOf, ofLaunches } from './observation.ts';
import { absent, numberOf, type Reading, readAll } from './reading.ts';
import { type LaunchColumns, launchValue, roundsOf, type SampledReduction } from './reduction.ts';
import { betterOnScale, beyondTolerance, linearSpec, passBound, rangeOf, tolerancePasses, worseOnScale } from './scale.ts';

/**
 * A metric that gates and varies, with its launch values: positive is worse, on the metric's scale.
 */
export interface TestedMetric {
  readonly key: string;
  readonly cellState: CellState;
  /**
   * Of an exact metric that varies: with differences in the place of logarithms, which numbers of
   * either sign have.
   */
  readonly spec: MetricSpec;
  /**
   * The tolerance on the scale of launch values, and what the step of a clock can add to it: in the
   * worse and in the better direction. Of means over rounds must-detect takes the tolerance's place
   * where it is larger, and so does what base accepts.
   */
  readonly margins: { readonly worse: number; readonly better: number; readonly mean: number };
  /** What must be excluded for `passed`, on the same scale, and which setting says it. */
  readonly bound: number;
  readonly boundBy: 'must-detect' | 'tolerance';
  /** Whether the clock behind the numbers can decide. */
  readonly clock: ClockStep;
  /** Why its times cannot be compared, whatever clock reads them; null where they can. */
  readonly busy: string | null;
  /** By how much an exact metric varies within an arm, in its unit; 0 for timing. */
  readonly variation: number;
  /**
   * Whether the confirming launches of an exact metric agree on a regression: all have one number
   * per arm.
   */
  readonly agreed: boolean;
  /** The screening launches; absent until all are in. */
  readonly screen: Reading<readonly number[]>;
  /** The fresh launches so far, by index; absent when one of them cannot be read. */
  readonly confirm: Reading<readonly number[]>;
  /** The same launches by the means of their rounds. */
  readonly means: { readonly screen: Reading<readonly number[]>; readonly confirm: Reading<readonly number[]> };
}

/** Whether base and head of this metric are compared (rather than known to be identical). */
export const comparesMetric = (cellState: CellState, spec: MetricSpec): boolean =>
  cellState.status === 'changed' || (cellState.status === 'unchanged' && spec.identity === 'code' && !equalCode(cellState.cell));

/** The largest difference between two numbers of one arm, over rounds and launches. */
const variationOf = (columns: readonly LaunchColumns[], { from }: MetricSpec): number => {
  if (from.of !== 'series' && from.of !== 'against') return 0;
  return Math.max(
    ...(['base', 'head'] as const).map((arm) => rangeOf(columns.flatMap((each) => numberOf(roundsOf(each, from, arm)) ?? []))),
  );
};

/**
 * Whether the two-stage test can decide this metric: only points that are measured launch by launch
 * can be repeated at will. It decides timing always, and an exact metric where its launches vary,
 * the confirming ones of another metric included: then it is not exact.
 */
const isTestable = (cellState: CellState, spec: MetricSpec): boolean => {
  const point = pointOf(cellState.cell, spec);
  return spec.role === 'gate' && point !== null && isTimed(point) && comparesMetric(cellState, spec);
};

/** Whether head was busy while base was asked in most screening launches, in words. */
const busyHead = ({ screen }: CellState, spec: MetricSpec, policy: GatePolicy): string | null => {
  const launches = screen.complete.slice(0, policy.screen);
  const busy = launches.filter(({ points }) => points[pointIdOf(spec)]?.warnings.includes(busyHeadWarning) === true);
  return spec.kind === 'timing' && busy.length > launches.length / 2
    ? `${busyHeadText}, in ${busy.length} of ${launches.length} launches; let it rest between its answers`
    : null;
};

const launchValues = (columns: readonly LaunchColumns[], from: SampledReduction, arm: ArmId): readonly number[] =>
  numberOf(readAll(columns, (each) => launchValue(each, from, arm))) ?? [];

/** Whether every round of these launches has the same numbers, and head's is worse. */
const agreeOnWorse = (columns: readonly LaunchColumns[], spec: MetricSpec, from: SampledReduction): boolean => {
  const [base, head] = [launchValues(columns, from, 'base'), launchValues(columns, from, 'head')];
  if (base.length === 0 || head.length === 0 || variationOf(columns, spec) > 0) return false;
  return beyondTolerance(spec, median(head), median(base)) === 'worse';
};

const testedOf = (cellState: CellState, declared: MetricSpec, samples: Samples, policy: GatePolicy): TestedMetric | null => {
  const { columns } = observationsOf(cellState, declared, samples, policy.screen);
  const { from } = declared;
  if (from.of !== 'series' && from.of !== 'against') return null;
  const confirming = ofLaunches(cellState.confirm.complete, pointIdOf(declared)).columns;
  const base = launchValues(columns, from, 'base');
  const level = base.length > 0 ? median(base) : 0;
  const variation = declared.kind === 'exact' ? variationOf([...columns, ...confirming], declared) : 0;
  const spec = declared.kind === 'exact' ? linearSpec(declared, level) : declared;
  const confirm = readAll(confirming, (each) => launchChange(each, spec));
  const firstLook = policy.looks[0]?.launches ?? Number.POSITIVE_INFINITY;
  if (declared.kind === 'exact') {
    // Numbers that cannot be read are no equal ones.
    if (variation === 0 && confirm.status === 'read') return null;
    // Screening launches that agree on a regression show it, whatever the confirming launches of another metric do.
    if (agreeOnWorse(columns, declared, from)) return null;
  }
  const amount = spec.scale === 'log' ? Math.max(policy.mustDetect, spec.tolerance) : passBound(declared, policy.mustDetect, level);
  const bound = worseOnScale(spec, amount);
  const clock = foreignClockOf(pointOf(cellState.cell, spec), columns, spec, amount);
  const step = onScaleStep(spec, clock.step);
  const tolerated = worseOnScale(spec, spec.tolerance);
  const screened = (change: typeof launchChange): Reading<readonly number[]> =>
    columns.length < policy.screen
      ? absent('missing', `only ${columns.length} of ${policy.screen} screening launches are complete`)
      : readAll(columns, (each) => change(each, spec));
  return {
    key: metricKey(cellState.cell, spec),
    cellState,
    spec,
    margins: {
      worse: tolerated + step,
      better: betterOnScale(spec, spec.tolerance) + step,
      mean: Math.max(bound, worseOnScale(spec, acceptedBound(declared, cellState.cell, policy, samples.at))) + step,
    },
    bound,
    boundBy: tolerancePasses(declared, policy.mustDetect) ? 'tolerance' : 'must-detect',
    clock,
    busy: busyHead(cellState, spec, policy),
    variation,
    agreed: declared.kind === 'exact' && confirming.length >= firstLook && agreeOnWorse(confirming, declared, from),
    screen: screened(launchChange),
    confirm,
    means: { screen: screened(meanLaunchChange), confirm: readAll(confirming, (each) => meanLaunchChange(each, spec)) },
  };
};

/** All metrics of the plan that the two-stage test decides, in the plan's order. */
export const testedMetrics = (cells: readonly CellState[], samples: Samples, policy: GatePolicy): readonly TestedMetric[] =>
  cells.flatMap((cellState) =>
    cellState.cell.metrics
      .filter((spec) => isTestable(cellState, spec))
      .flatMap((spec) => testedOf(cellState, spec, samples, policy) ?? []),
  );
