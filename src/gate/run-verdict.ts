import type { GatePolicy } from '../records/plan.ts';
import type { CellVerdict, RunVerdict, Verdict, VerdictKind } from '../records/verdict.ts';
import type { JudgedMetric } from './judged-metric.ts';
import type { SelfCheckOutcome } from './self-check.ts';

export interface RunOutcome {
  readonly verdict: Exclude<RunVerdict, 'error'>;
  readonly exitCode: Verdict['exitCode'];
}

/** Cells in which something that decides has this verdict, or that have it as a whole. */
const has = (cells: readonly CellVerdict[], kind: VerdictKind): boolean =>
  cells.some(
    (cell) =>
      cell.verdict === kind ||
      cell.metrics.some((metric) => metric.role === 'gate' && metric.verdict === kind) ||
      cell.requirements.some(({ outcome }) => outcome === kind),
  );

/** Whether the optimization does not apply to the model, so that nothing of the cell can be judged. */
const isSkipped = ({ verdict, metrics }: CellVerdict): boolean =>
  verdict === 'unchanged' &&
  metrics.every((metric) => metric.verdict === null && metric.head === null && metric.state === 'not-applicable');

/**
 * The verdict of the run. `unfit` (exit 3): the outcome of a self-check is too unlikely on a working
 * machine, so nothing is decided. `regressed` (exit 1): a gating metric regressed, or something
 * expected is missing and `failOn` lists that. `failed` (exit 1): nothing is worse than that
 * something failed, and `failOn` lists that. `unmet` (exit 1): nothing is worse than that a requirement is
 * not met. `inconclusive` (exit 3): a gating metric may have
 * worsened by more than must-detect, or what is missing or failed is not in `failOn`, which is no
 * reason to say that it passed. `nothing-to-compare` (exit 0): no optimization applies to its model.
 * Else `passed` (exit 0).
 */
export const runOutcome = (
  cells: readonly CellVerdict[],
  metrics: readonly JudgedMetric[],
  selfChecks: readonly SelfCheckOutcome[],
  policy: GatePolicy,
): RunOutcome => {
  if (selfChecks.some((each) => each.outcome === 'withheld')) return { verdict: 'unfit', exitCode: 3 };
  const requirements = cells.flatMap((cell) => cell.requirements);
  const gaps = (['missing', 'failed'] as const).filter((kind) => has(cells, kind));
  const [missing, failed] = (['missing', 'failed'] as const).map((kind) => gaps.includes(kind) && policy.failOn.includes(kind));
  if (has(cells, 'regressed') || missing) return { verdict: 'regressed', exitCode: 1 };
  if (failed) return { verdict: 'failed', exitCode: 1 };
  if (requirements.some(({ outcome }) => outcome === 'unmet')) return { verdict: 'unmet', exitCode: 1 };
  const held = metrics.some(({ verdict, holdsRun }) => holdsRun && verdict.role === 'gate' && verdict.verdict === 'inconclusive');
  const undecided =
    held || requirements.some(({ holdsRun }) => holdsRun) || cells.some((cell) => cell.verdict === 'inconclusive' && cell.reason !== null);
  if (undecided || gaps.length > 0) return { verdict: 'inconclusive', exitCode: 3 };
  return { verdict: cells.every(isSkipped) ? 'nothing-to-compare' : 'passed', exitCode: 0 };
};

/**
 * Whether a job that ends with this verdict fails: what `failOn` lists does, and always a run that could not be trusted
 * (`unfit`, `error`). The exit status of the command line does not depend on it.
 */
export const failsJob = (verdict: Pick<Verdict, 'verdict' | 'cells'>, failOn: GatePolicy['failOn']): boolean => {
  switch (verdict.verdict) {
    case 'passed':
    case 'nothing-to-compare':
      return false;
    case 'inconclusive':
      return failOn.includes('inconclusive');
    case 'regressed':
    case 'failed':
    case 'unmet':
      return failOn.some((kind) => kind !== 'inconclusive' && has(verdict.cells, kind));
    case 'unfit':
    case 'error':
      return true;
  }
};
