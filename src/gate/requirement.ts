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
import { isDependent } from './dependence.ts';
import type { JudgedMetric } from './judged-metric.ts';
import { pointIdOf, pointOf } from './metric-key.ts';
import { armValues } from './metric-values.ts';
import { type Observations, observationsOf, ofLaunches } from './observation.ts';
import { numberOf } from './reading.ts';
import { exceeds, mustDetectInUnit, worseBy, worseOnScale, worseSign } from './scale.ts';
import { excludes } from './screen.ts';
import { comparesMetric } from './tested-metric.ts';

/** A requirement with what there is to decide it by. */
interface RequiredMetric {
  readonly cellState: CellState;
  readonly spec: MetricSpec;
  readonly require: Requirement;
  readonly observations: Observations;
  readonly head: readonly number[];
  /** Empty where there is no base to hold it too. */
  readonly base: readonly number[];
  /** By how much each launch of head misses it, on the scale that its numbers have; null: few numbers, which no test decides. */
  readonly tested: { readonly misses: readonly number[]; readonly mustDetect: number } | null;
  /** Why it cannot be decided; null where it can. */
  readonly gap: string | null;
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
  head: readonly number[],
  { mustDetect }: GatePolicy,
): RequiredMetric['tested'] => {
  const better = sideOf(require);
  const log = spec.scale === 'log' && require.bound > 0 && head.every((value) => value > 0);
  const scaled = { scale: log ? ('log' as const) : ('linear' as const), better };
  return {
    misses: head.map((value) => worseBy(scaled, value, require.bound) ?? 0),
    mustDetect: log ? worseOnScale(scaled, mustDetect) : mustDetectInUnit(spec, mustDetect, require.bound),
  };
};

const requiredOf = (cellState: CellState, spec: MetricSpec, require: Requirement, samples: Samples, policy: GatePolicy): RequiredMetric => {
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
  const gap = short === null ? (head.status === 'absent' ? head.reason : null) : gapReason(samples, short);
  const values = numberOf(head) ?? [];
  return {
    cellState,
    spec,
    require,
    observations,
    head: values,
    base: cellState.status === 'new' || cellState.onlyBase ? [] : (numberOf(valuesOf('base')) ?? []),
    tested: timed && gap === null ? missesOf(spec, require, values, policy) : null,
    gap,
  };
};

/** Numbers that no test decides: all of them beyond the bound, or none. */
const compared = ({ head, require }: RequiredMetric): Decided => {
  const missed = head.filter((value) => isMissedBy(require, value)).length;
  if (missed === 0) return met;
  if (missed === head.length) return { ...met, outcome: 'unmet' };
  return undecided(`${missed} of ${head.length} launches miss it`);
};

const tested = ({ misses, mustDetect }: NonNullable<RequiredMetric['tested']>, p: number, { alpha, looks }: GatePolicy): Decided => {
  const excluded = excludes(misses, mustDetect);
  if (looks.length === 0) return undecided('first impression (`quick`): not confirmed', true);
  if (p <= alpha)
    return isDependent(misses, 0)
      ? undecided('it looks missed, but the launches drift or resemble their neighbours: measure again on a quiet machine')
      : { outcome: 'unmet', p, reason: null, holdsRun: false };
  if (!excluded) return { ...undecided('too noisy: it may be missed by more than must-detect'), p };
  if (hodgesLehmann(misses).estimate <= 0) return { ...met, p };
  return { ...undecided('it may be missed, but by less than must-detect', false), p };
};

const verdictOf = (required: RequiredMetric, decided: Decided): RequirementVerdict => {
  const { spec, require, head, base } = required;
  const numbers = { base: base.length === 0 ? null : median(base), head: head.length === 0 ? null : median(head) };
  const byBase = numbers.base !== null && isMissedBy(require, numbers.base) && decided.outcome !== 'met';
  return {
    metric: spec.id,
    point: pointIdOf(spec),
    unit: spec.unit,
    ...require,
    ...numbers,
    launches: head.length,
    ...decided,
    ...(byBase ? { outcome: 'unmet-by-base' as const, reason: null, holdsRun: false } : {}),
  };
};

/** Of what base and head have alike: a bound that both miss is no fault of head. */
const unchangedOf = (spec: MetricSpec, require: Requirement, { verdict }: JudgedMetric): readonly RequirementVerdict[] => {
  const { head, launches } = verdict;
  if (head === null) return [];
  const missed = isMissedBy(require, head);
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
      outcome: missed ? 'unmet-by-base' : 'met',
      reason: null,
      holdsRun: false,
    },
  ];
};

/** What this model cannot have is not required of it. */
const isExcused = ({ verdict }: JudgedMetric): boolean => verdict.head === null && verdict.state === 'not-applicable';

/**
 * Whether head holds what base's policy requires of it, cell by cell. A number that varies is tested over launches of its own: one
 * exact one-sided signed rank of head against the bound, Holm over all of the pull request at alpha; so a head that lies at its bounds
 * is called `unmet` in at most a share `alpha` of runs. A pass excludes a miss by must-detect. Exact numbers are compared. What base misses
 * too is no fault of head; its own worsening is the tolerance's to find.
 * @param metrics of each cell, those over other metrics included
 */
export const judgeRequirements = (
  cells: readonly { readonly cellState: CellState; readonly metrics: readonly JudgedMetric[] }[],
  { policy }: Pick<Plan, 'policy'>,
  samples: Samples,
): ReadonlyMap<CellId, readonly RequirementVerdict[]> => {
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
  const required = found.filter(isJudged).map(({ cellState, spec, require }) => requiredOf(cellState, spec, require, samples, policy));
  const family = required.flatMap((each) => (each.tested === null ? [] : [{ each, misses: each.tested.misses }]));
  const adjusted = holm(
    family.map(({ misses }) => signedRankGreater(misses, 0)),
    family.length,
  );
  const probability = new Map(family.map(({ each }, at) => [each, adjusted[at] ?? 1]));
  const decidedOf = (each: RequiredMetric): Decided => {
    if (each.gap !== null) return undecided(each.gap);
    return each.tested === null ? compared(each) : tested(each.tested, probability.get(each) ?? 1, policy);
  };
  const all = [
    ...required.map((each) => ({ cell: each.cellState.cell.id, verdicts: [verdictOf(each, decidedOf(each))] })),
    ...found
      .filter((each) => !isJudged(each))
      .map(({ cellState, spec, require, judged }) => ({ cell: cellState.cell.id, verdicts: unchangedOf(spec, require, judged) })),
  ];
  return new Map([...Map.groupBy(all, ({ cell }) => cell)].map(([cell, group]) => [cell, group.flatMap(({ verdicts }) => verdicts)]));
};
