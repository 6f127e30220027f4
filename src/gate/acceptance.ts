import type { MetricSpec } from '../records/metric.ts';
import type { Acceptance, GatePolicy, PlannedCell } from '../records/plan.ts';
import type { MetricVerdict } from '../records/verdict.ts';
import type { JudgedMetric } from './judged-metric.ts';
import { names, pointIdOf } from './metric-key.ts';
import { beyondTolerance, exceeds, worsening } from './scale.ts';

type Retirement = Extract<Acceptance, { retire: true }>;
type AcceptedRegression = Exclude<Acceptance, Retirement>;

/** Whether base's acceptance is of this cell, which base may know under another name: then that one counts. */
const isOf = (entry: Acceptance, cell: PlannedCell): boolean => entry.cell === (cell.renamedFrom ?? cell.id);

const dayOf = (at: string): string => at.slice(0, 'YYYY-MM-DD'.length);

/**
 * Whether it is worse by no more than the bound, which is in the terms of the plan's specification:
 * a share of base's size also where differences had to be taken. An exact metric is held to it by
 * its numbers too, the means of one that varies: a few launches that are far worse move these alone.
 */
const isWithin = ({ spec, verdict }: JudgedMetric, change: number, { metrics }: PlannedCell, bound: number): boolean => {
  const planned = metrics.find((each) => each.id === spec.id && pointIdOf(each) === verdict.point) ?? spec;
  const [head, base] = [verdict.head ?? 0, verdict.base ?? 0];
  const worse = worsening(spec, change) / (planned.scale === spec.scale ? 1 : Math.abs(base));
  if (exceeds(worse, bound, planned.scale === 'linear' ? Math.max(Math.abs(head), Math.abs(base)) : 1)) return false;
  return spec.kind === 'timing' || beyondTolerance({ ...planned, tolerance: bound }, head, base) !== 'worse';
};

const acceptedWords = 'accepted until';

/** Whether a metric passed only since base's policy accepts its regression. */
export const isAccepted = ({ verdict, reason }: Pick<MetricVerdict, 'verdict' | 'reason'>): boolean =>
  verdict === 'passed' && reason?.startsWith(`${acceptedWords} `) === true;

/** What base's policy accepts of a metric, not after its last day. `at`: as for `accepted`. */
const acceptancesOf = (
  metric: { readonly id: string; readonly point: string },
  cell: PlannedCell,
  policy: GatePolicy,
  at: string | null,
): readonly AcceptedRegression[] =>
  policy.accepted.filter(
    (each): each is AcceptedRegression =>
      each.retire !== true && isOf(each, cell) && names(each.metric, metric) && at !== null && dayOf(at) <= each.expires,
  );

/** The largest worsening of a metric that base's policy accepts, a fraction or in its unit; 0 where it accepts none. */
export const acceptedBound = (spec: MetricSpec, cell: PlannedCell, policy: GatePolicy, at: string | null): number =>
  Math.max(0, ...acceptancesOf({ id: spec.id, point: pointIdOf(spec) }, cell, policy, at).map(({ bound }) => bound));

/**
 * Turns a regression that base's policy accepts (within its bound, not after its last day) into
 * `passed`, with the reason shown. `at`: when measuring began (ISO datetime, UTC), so that the
 * verdict is the same whenever it is computed; null accepts nothing.
 */
export const accepted = (judged: JudgedMetric, cell: PlannedCell, policy: GatePolicy, at: string | null): JudgedMetric => {
  const { verdict } = judged;
  const { change } = verdict;
  if (verdict.verdict !== 'regressed' || change === null) return judged;
  const entry = acceptancesOf(verdict, cell, policy, at).find(({ bound }) => isWithin(judged, change.estimate, cell, bound));
  if (entry === undefined) return judged;
  const reason = `${acceptedWords} ${entry.expires} up to ${entry.bound}: ${entry.reason}`;
  return { ...judged, verdict: { ...verdict, verdict: 'passed', reason } };
};

/** Why a cell that head lacks is no loss, or null where base retires it not, or no longer. `at`: as for `accepted`. */
export const retired = (cell: PlannedCell, policy: GatePolicy, at: string | null): string | null => {
  const entry = retirementOf(cell, policy);
  return entry === null || at === null || dayOf(at) > entry.expires ? null : `retired until ${entry.expires}: ${entry.reason}`;
};

/** The one that lasts longest. */
const retirementOf = (cell: PlannedCell, policy: GatePolicy): Retirement | null => {
  const found = policy.accepted.filter((each): each is Retirement => each.retire === true && isOf(each, cell));
  return found.toSorted((one, other) => (one.expires > other.expires ? -1 : 1))[0] ?? null;
};

const grantedDays = 30;

/** Why a cell that head lacks is missing, with the entry that would retire it. */
export const lossReason = (cell: PlannedCell, policy: GatePolicy, at: string | null): string => {
  const ended = retirementOf(cell, policy);
  const loss =
    ended === null
      ? 'base has this model and optimization, and head does not'
      : `base has this model and optimization, and head does not; its retirement ended on ${ended.expires}`;
  const last = dayOf(new Date(Date.parse(at ?? '1970-01-01T00:00:00Z') + grantedDays * 86_400_000).toISOString());
  const expires = at === null ? 'YYYY-MM-DD' : last;
  // With blanks, where a narrow report may break it; on a line of its own, which a summary leaves out.
  const entry = `{ "cell": "${cell.id}", "retire": true, "expires": "${expires}", "reason": "why" }`;
  return `${loss}\nTo retire it, first merge this entry of "accepted" in baselines/accepted.json: ${entry}`;
};
