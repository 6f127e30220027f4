/** How much better an arm is than the reference arm: the untouched model, or the fair baseline of a policy. */
import type { CellVerdict, MetricVerdict } from '../records/verdict.ts';
import { hodgesLehmann } from '../statistics/hodges-lehmann.ts';

/** A factor above 1 is better than the reference, whatever the metric's direction. */
export interface Gain {
  readonly metric: MetricVerdict;
  readonly factor: number;
  /** 90 % interval over launches (`confidence`) from five launches on, below that their `range`; null where one number is all there is. */
  readonly interval: { readonly kind: 'confidence' | 'range'; readonly lower: number; readonly upper: number } | null;
}

/** The arm's number: head's, or base's where both are the same artefact. */
export const postOf = (metric: MetricVerdict): number | null => {
  const post = metric.head ?? (metric.state === 'unchanged' ? metric.base : null);
  return post !== null && Number.isFinite(post) ? post : null;
};

const isPositive = (value: number): boolean => value > 0 && Number.isFinite(value);

const intervalOf = (factors: readonly number[]): Gain['interval'] => {
  if (factors.length < 2 || !factors.every(isPositive)) return null;
  const { lower, upper } = factors.length < 5 ? { lower: null, upper: null } : hodgesLehmann(factors.map(Math.log));
  return lower === null || upper === null
    ? { kind: 'range', lower: Math.min(...factors), upper: Math.max(...factors) }
    : { kind: 'confidence', lower: Math.exp(lower), upper: Math.exp(upper) };
};

/**
 * The gain of `decode-latency` from `decode-speedup` of the same point: rounds that ran both arms side by side; null for a metric that has none
 * beside it, or where it was not measured.
 */
export const pairedSpeedUp = (metric: MetricVerdict, cell: CellVerdict): Gain | null => {
  if (!metric.id.endsWith('-latency')) return null;
  const beside = metric.id.replace(/latency$/, 'speedup');
  const paired = cell.metrics.find(({ id, point }) => id === beside && point === metric.point);
  const factor = paired === undefined ? null : postOf(paired);
  return paired === undefined || factor === null || !isPositive(factor)
    ? null
    : { metric, factor, interval: intervalOf(paired.samples.head) };
};

/** The gain of one metric of a cell; null for metrics that can be zero or negative, and where a side has no number. */
export const gainOf = (metric: MetricVerdict, cell: CellVerdict): Gain | null => {
  const paired = pairedSpeedUp(metric, cell);
  if (paired !== null) return paired;
  const pre = metric.reference;
  const post = postOf(metric);
  if (metric.scale !== 'log' || pre === null || post === null || !isPositive(pre) || !isPositive(post)) return null;
  const better = (before: number, after: number): number => (metric.better === 'lower' ? before / after : after / before);
  const { reference, head } = metric.samples;
  const factors = reference.length === head.length ? head.map((value, launch) => better(reference[launch] ?? 0, value)) : [];
  const factor = better(pre, post);
  return isPositive(factor) ? { metric, factor, interval: intervalOf(factors) } : null;
};
