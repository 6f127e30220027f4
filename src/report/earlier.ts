/** Numbers of base that the gate's own code, changed since the baselines were stored, has measured anew. */
import type { Verdict } from '../records/verdict.ts';
import { type ListedMetric, metricName } from './listed-metric.ts';

const byName = (a: ListedMetric, b: ListedMetric): number => {
  const [one, other] = [a, b].map(({ cell, metric }) => `${cell.id} ${metricName(metric)}`);
  return (one ?? '') < (other ?? '') ? -1 : 1;
};

/** Metrics that gate, with the number of either code; those that moved beyond their tolerance first. */
export const remeasured = (verdict: Verdict): readonly (ListedMetric & { readonly moved: boolean })[] =>
  verdict.cells
    .flatMap((cell) => cell.metrics.map((metric) => ({ cell, metric })))
    .filter(({ metric }) => metric.role === 'gate' && metric.earlier !== null && metric.base !== null)
    .map((listed) => ({ ...listed, moved: isBeyond(listed.metric) }))
    .sort((a, b) => Number(b.moved) - Number(a.moved) || byName(a, b));

const isBeyond = ({ earlier, base, scale, tolerance }: ListedMetric['metric']): boolean => {
  if (earlier === null || base === null) return false;
  const difference = Math.abs(base - earlier);
  return difference > (scale === 'log' ? tolerance * Math.abs(earlier) : tolerance);
};

/** What the two numbers are; the same sentence in every report. */
export const remeasuredWords = (count: number, moved: number): string =>
  `The gate's own measuring code is another than the one that measured the baselines, so base was measured anew. ${
    moved === 0 ? 'No metric' : moved === 1 ? '1 metric' : `${moved} metrics`
  } of ${count} moved beyond the tolerance; what moved is the gate's doing, not the code's.`;
