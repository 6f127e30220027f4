import type { GatePolicy, PlannedCell } from '../records/plan.ts';
import type { JudgedMetric } from './judged-metric.ts';
import { names } from './metric-key.ts';
import { worsening } from './scale.ts';

/**
 * Turns a regression that base's policy accepts (within its bound, not after its last day) into `passed`, with the reason shown.
 * `at`: when measuring began (ISO datetime, UTC), so that the verdict is the same whenever it is computed; null accepts nothing.
 */
export const accepted = (judged: JudgedMetric, cell: PlannedCell, policy: GatePolicy, at: string | null): JudgedMetric => {
  const { verdict, spec } = judged;
  if (verdict.verdict !== 'regressed' || verdict.change === null || at === null) return judged;
  const day = at.slice(0, 10);
  const worse = worsening(spec, verdict.change.estimate);
  const entry = policy.accepted.find(
    (each) => each.cell === cell.id && names(each.metric, verdict) && day <= each.expires && worse <= each.bound,
  );
  if (entry === undefined) return judged;
  const reason = `accepted until ${entry.expires} up to ${entry.bound}: ${entry.reason}`;
  return { ...judged, verdict: { ...verdict, verdict: 'passed', reason } };
};
