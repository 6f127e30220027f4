import type { CallPoint, MetricSpec } from '../records/metric.ts';
import type { Plan, PlannedCell } from '../records/plan.ts';
import type { Launch, Samples } from '../records/sample.ts';
import type { Verdict } from '../records/verdict.ts';
import type { ArmId } from '../records/words.ts';
import { median } from '../statistics/describe.ts';
import { deriveSeed } from '../statistics/random.ts';
import { serialDependence } from '../statistics/serial-dependence.ts';
import { signedRankGreater, signedRankTwoSided } from '../statistics/signed-rank.ts';
import { allSettled, type CellState } from './cell-state.ts';
import { launchChange } from './launch-change.ts';
import { pointOf } from './metric-key.ts';
import { ofLaunches } from './observation.ts';
import { readAll } from './reading.ts';
import type { LaunchColumns } from './reduction.ts';
import { worseOnScale } from './scale.ts';

export const selfCheckKinds = ['a-a', 'planted', 'dependence'] as const;
type SelfCheckKind = (typeof selfCheckKinds)[number];
export type SelfCheckOutcome = Verdict['selfChecks'][number];

/** Launches that hold both self-checks; 12 is the fewest at which a two-sided p below .001 exists (2 ÷ 4096). */
export const selfCheckLaunches = 12;

/** Where the indices of self-checks begin, far from those of launches that are judged. */
export const selfCheckStart = 1000;

/** Arms of a self-check, all of base's artefact: two as they are, and one that is slowed. */
const plantedArm = 'self-check:planted';
export const liveArms: readonly ArmId[] = ['base', 'head', plantedArm];

/** What a measuring run tests itself with: one call point of one changed cell, and the latency that is read there. */
export interface SelfCheckTarget {
  readonly cellState: CellState;
  readonly point: CallPoint;
  readonly spec: MetricSpec;
}

const cost = (point: CallPoint): number => (point.phase === 'decode' ? point.batch : 1e6 * point.length * point.batch);

const targetIn = (cell: PlannedCell): Omit<SelfCheckTarget, 'cellState'> | null => {
  const targets = cell.metrics.flatMap((spec) => {
    const point = pointOf(cell, spec);
    return point?.kind === 'call' && spec.kind === 'timing' && spec.scale === 'log' && spec.from.of === 'series' ? [{ point, spec }] : [];
  });
  return targets.toSorted((a, b) => cost(a.point) - cost(b.point))[0] ?? null;
};

/**
 * The point of a cell that holds the self-checks, where they are drawn for it; null where it has none.
 */
export const selfCheckPoint = (cell: PlannedCell): CallPoint | null => {
  const point = targetIn(cell)?.point;
  return point === undefined ? null : { ...point, arms: [...liveArms] };
};

/**
 * The target, drawn by the plan's seed from all changed cells with a timed call point of which nothing failed; null without one,
 * before all cells are settled, or where nothing is confirmed. Each cell draws its own lot, so that a failure moves no other's.
 */
export const selfCheckTarget = (plan: Plan, cells: readonly CellState[]): SelfCheckTarget | null => {
  if (!allSettled(cells) || plan.policy.looks.length === 0) return null;
  const lot = ({ cellState }: SelfCheckTarget): number => deriveSeed(plan.seed, 'self-check', cellState.cell.id);
  return cells
    .flatMap((cellState): SelfCheckTarget[] => {
      const target = cellState.status === 'changed' && cellState.failure === null ? targetIn(cellState.cell) : null;
      return target === null ? [] : [{ cellState, ...target }];
    })
    .reduce<SelfCheckTarget | null>((first, each) => (first === null || lot(each) < lot(first) ? each : first), null);
};

/** Launches of the self-checks of the target's cell. */
export const selfChecksOf = (samples: Samples, target: SelfCheckTarget): readonly Launch[] =>
  samples.launches.filter((launch) => launch.cell === target.cellState.cell.id && launch.selfCheck);

export interface SelfCheckReading {
  readonly kind: SelfCheckKind;
  readonly target: SelfCheckTarget;
  /** Launch values, positive is slower; null where the self-check did not run to its end. */
  readonly values: readonly number[] | null;
}

/** The values of the self-checks, from their first 12 complete launches by index. */
export const readSelfChecks = (target: SelfCheckTarget, samples: Samples): readonly SelfCheckReading[] => {
  const complete = selfChecksOf(samples, target)
    .filter((launch) => launch.status === 'complete')
    .toSorted((a, b) => a.index - b.index);
  const { columns } = ofLaunches(complete.slice(0, selfCheckLaunches), target.point.id);
  return selfCheckKinds.map((kind) => {
    const values = readAll(columns, (each) => launchChange(kind === 'planted' ? asHead(each, plantedArm) : each, target.spec));
    return { kind, target, values: values.status === 'read' && values.value.length === selfCheckLaunches ? values.value : null };
  });
};

/** The columns with another arm in the place of head. */
const asHead = ({ head: _, ...others }: LaunchColumns, arm: ArmId): LaunchColumns => ({
  ...others,
  ...(others[arm] === undefined ? {} : { head: others[arm] }),
});

/**
 * What a self-check says of the machine. `a-a` (base against itself): the exact two-sided p that nothing differs; `withheld` below
 * .001, the chance of that on a fit machine. `planted` (a third arm, slowed by 25 %): `withheld` when the signed rank leans the other way
 * (one-sided p > .5), which a working gate shows with a chance below .001 as long as a launch's noise has an sd below 23 %;
 * `unlikely` when the slowdown is not found at .05. `dependence`: p that the launches of `a-a` are independent, as for `a-a`.
 */
export const selfCheckOutcome = (reading: SelfCheckReading): SelfCheckOutcome | null => {
  if (reading.values === null) return null;
  const cell = reading.target.cellState.cell.id;
  const byChance = (p: number): SelfCheckOutcome['outcome'] => (p < 0.001 ? 'withheld' : p < 0.05 ? 'unlikely' : 'as-expected');
  if (reading.kind === 'dependence') {
    const p = serialDependence(reading.values);
    const found = p < 0.05 ? 'drifts, or resembles its neighbours,' : 'has no order';
    return {
      kind: 'dependence',
      cell,
      outcome: byChance(p),
      detail: `base against itself ${found} over the launches (p = ${p.toPrecision(2)})`,
    };
  }
  const percent = `${(100 * Math.expm1(median(reading.values))).toFixed(2)} %`;
  if (reading.kind === 'a-a') {
    const p = signedRankTwoSided(reading.values);
    return { kind: 'a-a', cell, outcome: byChance(p), detail: `base against itself differs by ${percent} (p = ${p.toPrecision(2)})` };
  }
  const p = signedRankGreater(reading.values);
  const outcome = p > 0.5 ? 'withheld' : p > 0.05 ? 'unlikely' : 'as-expected';
  return { kind: 'planted', cell, outcome, detail: `a planted slowdown of 25 % was read as ${percent} (p = ${p.toPrecision(2)})` };
};

/** Whether the A/A self-check would have been called a regression of its metric at the policy's alpha: 1 or 0, null without it. */
export const falseAlarms = (readings: readonly SelfCheckReading[], alpha: number): number | null => {
  const reading = readings.find((each) => each.kind === 'a-a');
  if (reading === undefined || reading.values === null) return null;
  return signedRankGreater(reading.values, worseOnScale(reading.target.spec, reading.target.spec.tolerance)) <= alpha ? 1 : 0;
};
