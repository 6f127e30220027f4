import type { CellVerdict, MetricVerdict, Verdict } from '../records/verdict.ts';

/** Why a metric is not judged; nothing where it is. */
const gapOf = ({ state, head }: MetricVerdict): readonly MetricVerdict['state'][] => {
  if (state === 'unchanged') return [];
  if (state !== 'measured' && state !== 'baseline') return [state];
  return head === null ? ['missing'] : [];
};

/**
 * How many metrics have a number of head, of this run or of the baseline, or are known to have had
 * it in an earlier run of the same arm; and why the others do not: counted by state, never by name.
 */
export const coverageOf = (cells: readonly CellVerdict[]): Verdict['coverage'] => {
  const metrics = cells.flatMap((cell) => cell.metrics);
  const lacking = metrics.flatMap(gapOf).sort();
  const byReason: Record<string, number> = {};
  for (const state of lacking) byReason[state] = (byReason[state] ?? 0) + 1;
  return { judged: metrics.length - lacking.length, total: metrics.length, byReason };
};
