import type { GatePolicy } from '../records/plan.ts';
import type { CellVerdict, RunVerdict, Verdict, VerdictKind } from '../records/verdict.ts';
import type { ControlOutcome } from './control.ts';
import type { JudgedMetric } from './judged-metric.ts';

export interface RunOutcome {
  readonly verdict: Exclude<RunVerdict, 'error'>;
  readonly exitCode: Verdict['exitCode'];
}

/** Cells in which something gating has this verdict, or that have it as a whole. */
const has = (cells: readonly CellVerdict[], kind: VerdictKind): boolean =>
  cells.some((cell) => cell.verdict === kind || cell.metrics.some((metric) => metric.role === 'gate' && metric.verdict === kind));

/**
 * The verdict of the run. `unfit` (exit 3): a control's outcome is too unlikely on a working machine, so nothing is decided.
 * `regressed` (exit 1): a gating metric regressed, or something expected is missing or failed, as far as `failOn` lists them.
 * `inconclusive` (exit 3, or 0 where `failOn` leaves it out): a gating metric may have worsened by more than must-detect, or what
 * is missing or failed is not in `failOn`, which is no reason to say that it passed. Else `passed`.
 */
export const runOutcome = (
  cells: readonly CellVerdict[],
  metrics: readonly JudgedMetric[],
  controls: readonly ControlOutcome[],
  policy: GatePolicy,
): RunOutcome => {
  if (controls.some((control) => control.outcome === 'withheld')) return { verdict: 'unfit', exitCode: 3 };
  const fails = (kind: 'regressed' | 'missing' | 'failed' | 'inconclusive'): boolean => policy.failOn.includes(kind);
  const gaps = (['missing', 'failed'] as const).filter((kind) => has(cells, kind));
  const failing = gaps.some(fails);
  const regressed = has(cells, 'regressed');
  if (regressed || failing) return { verdict: 'regressed', exitCode: failing || fails('regressed') ? 1 : 0 };
  const held = metrics.some(({ verdict, holdsRun }) => holdsRun && verdict.role === 'gate' && verdict.verdict === 'inconclusive');
  const undecided = held || cells.some((cell) => cell.verdict === 'inconclusive' && cell.reason !== null);
  if (undecided) return { verdict: 'inconclusive', exitCode: fails('inconclusive') ? 3 : 0 };
  return gaps.length > 0 ? { verdict: 'inconclusive', exitCode: 0 } : { verdict: 'passed', exitCode: 0 };
};
