import type { MetricSpec, Requirement } from '../records/metric.ts';
import type { GatePolicy, Plan } from '../records/plan.ts';
import type { Samples } from '../records/sample.ts';
import type { RequirementVerdict } from '../records/verdict.ts';
import type { ArmId, CellId } from '../records/words.ts';
import { median } from '../statistics/describe.ts';
import { hodgesLehmann } from '../statistics/hodges-lehmann.ts';
import { holm } from '../statistics/holm.ts';
import { signedRankGreater } from '../statistics/signed-rank.ts';
import { gapReason } from './absent-metric.ts';
import { outcomeBeforeMetrics } from './cell.ts';
import { type CellState, isTimed, requirementLaunches } from './cell-state.ts';
import { type ClockStep, foreignClockOf, onScaleStep } from './clock.ts';
import { isDependent } from './dependence.ts';
import type { JudgedMetric } from './judged-metric.ts';
import { pointIdOf, pointOf } from './metric-key.ts';
import { armValues } from './metric-values.ts';
import { type Observations, observationsOf, ofLaunches } from './observation.ts';
import { numberOf, reasonOf } from './reading.ts';
import { runtimeChange } from './runtime-change.ts';
import { allowance, beyondTolerance, exceeds, mustDetectInUnit, worseBy, worseOnScale, worseSign } from './scale.ts';
import { excludes } from './screen.ts';
import { comparesMetric } from './tested-metric.ts';

/** Launches of head, on the scale that their numbers have. */
interface TestedMiss {
  /** By how much each misses the bound. */
  readonly misses: readonly number[];
  /** By how much base misses it in the same launches, and how much worse head is; empty without a base. */
  readonly ofBase: readonly number[];
  readonly beyondBase: readonly number[];
  readonly mustDetect: number;
  readonly tolerance: number;
  /** How far the truth may lie from a reading. */
  readonly reach: number;
}

/** A requirement with what there is to decide it by. */
interface RequiredMetric {
  readonly cellState: CellState;
  readonly spec: MetricSpec;
  readonly require: Requirement;
  readonly observations: Observations;
  readonly head: readonly number[];
  /** Empty where there is no base to hold it too. */
  readonly base: readonly number[];
  /** Of a number that varies; null: few numbers, which no test decides. */
  readonly tested: TestedMiss | null;
  /** Why it cannot be decided; null where it can. */
  readonly gap: string | null;
  /** Why base's numbers are not those that base has by itself; null where they are. */
  readonly foreign: string | null;
}

type Decided = Pick<RequirementVerdict, 'outcome' | 'p' | 'reason' | 'holdsRun'>;

const met: Decided = { outcome: 'met', p: null, reason: null, holdsRun: false };
const undecided = (reason: string, holdsRun = true): Decided => ({ outcome: 'undecided', p: null, reason, holdsRun });

/** What is worse than the bound lies on this side of it. */
const sideOf = ({ must }: Requirement): 'lower' | 'higher' => (must === 'at-most' ? 'lower' : 'higher');

/** Whether a number misses the bound, and not only by rounding. */
const isMissedBy = (require: Requirement, value: number): boolean =>
  exceeds(worseSign({ better: sideOf(require) }) * (value - require.bound), 0, Math.max(Math.abs(value), Math.abs(require.bound)));

const missesOf = (
  spec: MetricSpec,
  require: Requirement,
  { head, base }: Pick<RequiredMetric, 'head' | 'base'>,
  clockOf: (bound: number) => ClockStep,
  { mustDetect }: GatePolicy,
): TestedMiss => {
  const better = sideOf(require);
  const log = spec.scale === 'log' && require.bound > 0 && [...head, ...base].every((value) => value > 0);
  const scaled = { scale: log ? ('log' as const) : ('linear' as const), better };
  const missOf = (value: number): number => worseBy(scaled, value, require.bound) ?? 0;
  const bound = mustDetectInUnit(spec, mustDetect, require.bound);
  const { reach } = clockOf(spec.scale === 'log' ? mustDetect : bound);
  return {
    misses: head.map(missOf),
    ofBase: base.map(missOf),
    beyondBase: base.map((value, at) => worseBy(scaled, head[at] ?? value, value) ?? 0),
    mustDetect: log ? worseOnScale(scaled, mustDetect) : bound,
    tolerance: log ? worseOnScale(scaled, spec.tolerance) : allowance(spec, require.bound),
    reach: onScaleStep(scaled, log || spec.scale === 'linear' ? reach : reach * median(head)),
  };
};

/** Both sides are measured with head's runtime, on which every number may depend but those of files and builds. */
const foreignOf = ({ cell, status }: CellState, spec: MetricSpec, change: string | null): string | null => {
  const kind = pointOf(cell, spec)?.kind;
  return status === 'new' || kind === undefined || kind === 'inspection' || kind === 'build' ? null : change;
};

const requiredOf = (
  cellState: CellState,
  spec: MetricSpec,
  require: Requirement,
  samples: Samples,
  policy: GatePolicy,
  change: string | null,
): RequiredMetric => {
  const point = pointOf(cellState.cell, spec);
  const timed = spec.kind === 'timing' && point !== null && isTimed(point);
  const wanted = requirementLaunches(policy);
  const launches = cellState.requirement.complete.slice(0, wanted);
  const observations = timed
    ? ofLaunches(launches, pointIdOf(spec))
    : observationsOf(cellState.onlyBase ? { ...cellState, compared: [] } : cellState, spec, samples, policy.screen);
  const valuesOf = (arm: ArmId) => armValues(observations, spec, arm, point?.kind === 'solo');
  const head = valuesOf('head');
  const short = timed && launches.length < wanted ? `only ${launches.length} of ${wanted} launches for it are complete` : null;
  const values = numberOf(head) ?? [];
  const zero = timed && spec.scale === 'log' ? values.find((value) => value <= 0) : undefined;
  const unread =
    zero === undefined ? reasonOf(head) : `clock: head has the value ${zero} ${spec.unit}, expected more than 0; read a finer clock`;
  const gap = short === null ? unread : gapReason(samples, short);
  const base = cellState.status === 'new' || cellState.onlyBase ? [] : (numberOf(valuesOf('base')) ?? []);
  return {
    cellState,
    spec,
    require,
    observations,
    head: values,
    base,
    tested:
      timed && gap === null
        ? missesOf(spec, require, { head: values, base }, (bound) => foreignClockOf(point, observations.columns, spec, bound), policy)
        : null,
    gap,
    foreign: foreignOf(cellState, spec, change),
  };
};

/** Numbers that no test decides: all of them beyond the bound, or none. */
const compared = ({ head, require }: RequiredMetric): Decided => {
  const missed = head.filter((value) => isMissedBy(require, value)).length;
  if (missed === 0) return met;
  if (missed === head.length) return { ...met, outcome: 'unmet' };
  return undecided(`${missed} of ${head.length} launches miss it`);
};

const tested = ({ misses, mustDetect, reach }: TestedMiss, p: number, { alpha, looks }: GatePolicy): Decided => {
  const excluded = excludes(
    misses.map((miss) => miss + reach),
    mustDetect,
  );
  if (looks.length === 0) return undecided('first impression (`quick`): not confirmed', true);
  if (p <= alpha)
    return isDependent(misses, 0)
      ? undecided('it looks missed, but the launches drift or resemble their neighbours: measure again on a quiet machine')
      : { outcome: 'unmet', p, reason: null, holdsRun: false };
  if (!excluded)
    return {
      ...undecided(`too ${excludes(misses, mustDetect) ? 'coarse a clock' : 'noisy'}: it may be missed by more than must-detect`),
      p,
    };
  if (hodgesLehmann(misses).estimate <= 0) return { ...met, p };
  return { ...undecided('it may be missed, but by less than must-detect', false), p };
};

/**
 * Whether base misses the bound too, so that head is at no fault. A base near its bound misses it by noise in every second run: where
 * that is all, head must not be shown to be worse. A number that gates may then get worse within its tolerance; of any other, which
 * nothing else judges, that is the limit here.
 */
const isMissedByBase = ({ spec, require, head, base, tested, gap }: RequiredMetric, { alpha }: GatePolicy): boolean => {
  if (gap !== null || base.length === 0 || !isMissedBy(require, median(base))) return false;
  const gates = spec.role === 'gate';
  if (tested === null) return gates || beyondTolerance({ ...spec, better: sideOf(require) }, median(head), median(base)) !== 'worse';
  const shown = signedRankGreater(tested.ofBase, 0) <= alpha;
  return (gates && shown) || signedRankGreater(tested.beyondBase, shown ? tested.tolerance : 0) > alpha;
};

const excused = (foreign: string | null): Pick<RequirementVerdict, 'outcome' | 'reason' | 'holdsRun'> =>
  foreign === null
    ? { outcome: 'unmet-by-base', reason: null, holdsRun: false }
    : { outcome: 'undecided', reason: `base misses it too, but ${foreign}`, holdsRun: true };

const verdictOf = (required: RequiredMetric, decided: Decided, policy: GatePolicy): RequirementVerdict => {
  const { spec, require, head, base, foreign } = required;
  const numbers = { base: base.length === 0 ? null : median(base), head: head.length === 0 ? null : median(head) };
  const byBase = decided.outcome !== 'met' && isMissedByBase(required, policy);
  return {
    metric: spec.id,
    point: pointIdOf(spec),
    unit: spec.unit,
    ...require,
    ...numbers,
    launches: head.length,
    ...decided,
    ...(byBase ? excused(foreign) : {}),
  };
};

/** Of what base and head have alike: a bound that both miss is no fault of head. */
const unchangedOf = (
  spec: MetricSpec,
  require: Requirement,
  { verdict }: JudgedMetric,
  foreign: string | null,
): readonly RequirementVerdict[] => {
  const { head, launches } = verdict;
  if (head === null) return [];
  return [
    {
      metric: spec.id,
      point: pointIdOf(spec),
      unit: spec.unit,
      ...require,
      base: head,
      head,
      launches,
      p: null,
      ...(isMissedBy(require, head) ? excused(foreign) : { outcome: 'met', reason: null, holdsRun: false }),
    },
  ];
};

/** What this model cannot have is not required of it. */
const isExcused = ({ verdict }: JudgedMetric): boolean => verdict.head === null && verdict.state === 'not-applicable';

/**
 * Whether head holds what base's policy requires of it, cell by cell. A number that varies is tested over launches of its own: one
 * exact one-sided signed rank of head against the bound, Holm over all of the pull request at alpha; so a head that lies at its bounds
 * is called `unmet` in at most a share `alpha` of runs. A pass excludes a miss by must-detect. Exact numbers are compared. What base misses
 * too is no fault of head, whose worsening the tolerance bounds.
 * @param metrics of each cell, those over other metrics included
 */
export const judgeRequirements = (
  cells: readonly { readonly cellState: CellState; readonly metrics: readonly JudgedMetric[] }[],
  plan: Plan,
  samples: Samples,
): ReadonlyMap<CellId, readonly RequirementVerdict[]> => {
  const { policy } = plan;
  const change = runtimeChange(plan);
  const found = cells.flatMap(({ cellState, metrics }) =>
    outcomeBeforeMetrics(cellState, samples, policy) !== null
      ? []
      : cellState.cell.metrics.flatMap((spec, at) => {
          const judged = metrics[at];
          return spec.require === undefined || judged === undefined || isExcused(judged)
            ? []
            : [{ cellState, spec, require: spec.require, judged }];
        }),
  );
  const isJudged = ({ cellState, spec }: (typeof found)[number]): boolean =>
    cellState.status === 'new' || cellState.onlyBase || comparesMetric(cellState, spec);
  const required = found
    .filter(isJudged)
    .map(({ cellState, spec, require }) => requiredOf(cellState, spec, require, samples, policy, change));
  const family = required.flatMap((each) => (each.tested === null ? [] : [{ each, ...each.tested }]));
  const adjusted = holm(
    family.map(({ misses, reach }) => signedRankGreater(misses, reach)),
    family.length,
  );
  const probability = new Map(family.map(({ each }, at) => [each, adjusted[at] ?? 1]));
  const decidedOf = (each: RequiredMetric): Decided => {
    if (each.gap !== null) return undecided(each.gap);
    return each.tested === null ? compared(each) : tested(each.tested, probability.get(each) ?? 1, policy);
  };
  const all = [
    ...required.map((each) => ({ cell: each.cellState.cell.id, verdicts: [verdictOf(each, decidedOf(each), policy)] })),
    ...found
      .filter((each) => !isJudged(each))
      .map(({ cellState, spec, require, judged }) => ({
        cell: cellState.cell.id,
        verdicts: unchangedOf(spec, require, judged, foreignOf(cellState, spec, change)),
      })),
  ];
  return new Map([...Map.groupBy(all, ({ cell }) => cell)].map(([cell, group]) => [cell, group.flatMap(({ verdicts }) => verdicts)]));
};
