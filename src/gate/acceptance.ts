import type { GatePolicy, PlannedCell } from '../records/plan.ts';
import type { JudgedMetric } from './judged-metric.ts';
import { names, pointIdOf } from './metric-key.ts';
import { worsening } from './scale.ts';

/**
 * How much worse it is in the terms of the plan's specification: a share of base's size also where
 * differences had to be taken.
 */
const boundedWorsening = ({ spec, verdict }: JudgedMetric, change: number, { metrics }: PlannedCell): number => {
  const planned = metrics.find((each) => each.id === spec.id && pointIdOf(each) === verdict.point) ?? spec;
  const worse = worsening(spec, change);
  return planned.scale === spec.scale ? worse : worse / Math.abs(verdict.base ?? 0);
};

/**
 * Turns a regression that base's policy accepts (within its bound, not after its last day) into
 * `passed`, with the reason shown. `at`: when measuring began (ISO datetime, UTC), so that the
 * verdict is the same whenever it is computed; null accepts nothing.
 */
export const accepted = (judged: JudgedMetric, cell: PlannedCell, policy: GatePolicy, at: string | null): JudgedMetric => {
  const { verdict } = judged;
  if (verdict.verdict !== 'regressed' || verdict.change === null || at === null) return judged;
  const day = at.slice(0, 10);
  const worse = boundedWorsening(judged, verdict.change.estimate, cell);
  const entry = policy.accepted.find(
    (each) => each.cell === cell.id && names(each.metric, verdict) && day <= each.expires && worse <= each.bound,
  );
  if (entry === undefined) return judged;
  const reason = `accepted until ${entry.expires} up to ${entry.bound}: ${entry.reason}`;
  return { ...judged, verdict: { ...verdict, verdict: 'passed', reason } };
};
