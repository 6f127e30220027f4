/** How much better an arm is than the reference arm: the reference model, or the fair baseline of a policy. */
import type { CellVerdict, MetricVerdict } from '../records/verdict.ts';
import { median } from '../statistics/describe.ts';
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
 * The gain of one metric of a cell, from launches that ran both arms: that of the metric which it is paired with, whose rounds ran side by side;
 * else launch by launch. Null where no launch ran both.
 */
export const pairedGain = (metric: MetricVerdict, cell: CellVerdict): Gain | null => {
  const paired = cell.metrics.find(({ id, point }) => id === metric.pairedWith && point === metric.point);
  const factor = paired === undefined ? null : postOf(paired);
  if (paired !== undefined && factor !== null && isPositive(factor)) return { metric, factor, interval: intervalOf(paired.samples.head) };
  const { head } = metric.samples.gains;
  return head.length === 0 ? null : { metric, factor: median(head), interval: intervalOf(head) };
};

/**
 * The gain of one metric of a cell; of numbers that no launch gave together, such as a peak of memory or a baseline, their quotient. Null for metrics
 * that can be zero or negative, and where a side has no number.
 */
export const gainOf = (metric: MetricVerdict, cell: CellVerdict): Gain | null => {
  const paired = pairedGain(metric, cell);
  if (paired !== null) return paired;
  const pre = metric.reference;
  const post = postOf(metric);
  if (metric.scale !== 'log' || pre === null || post === null || !isPositive(pre) || !isPositive(post)) return null;
  const factor = metric.better === 'lower' ? pre / post : post / pre;
  return isPositive(factor) ? { metric, factor, interval: null } : null;
};
