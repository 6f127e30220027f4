import { medianAbsoluteDeviation } from '../statistics/describe.ts';
import { hodgesLehmann } from '../statistics/hodges-lehmann.ts';

/** How much the shipped prior weighs against the launches in hand, in degrees of freedom. */
const priorWeight = 4;

/**
 * Noise of one launch value for the advance rule: the screen's own robust sd, drawn towards a prior (the margin itself: noise of
 * the size of the tolerance is where the decision is hard). Only power depends on it, never the false-alarm rate.
 */
const screenNoise = (values: readonly number[], margin: number): number => {
  const own = 1.4826 * medianAbsoluteDeviation(values);
  return Math.sqrt((priorWeight * margin ** 2 + (values.length - 1) * own ** 2) / (priorWeight + values.length - 1));
};

/**
 * Whether screening values (positive in the suspected direction) call for confirmation: centre + 0.84 · noise ÷ √n above the
 * margin, so that a change just at the margin is followed up with a chance of about 80 %. `values` must not be empty.
 */
export const advances = (values: readonly number[], margin: number): boolean =>
  hodgesLehmann(values).estimate + (0.84 * screenNoise(values, margin)) / Math.sqrt(values.length) > margin;

/** Whether every screening value exceeds `bound`, which noise around 0 does in fewer than one screen of 2^n. */
export const allExceed = (values: readonly number[], bound: number): boolean => values.every((value) => value > bound);

/** Whether the one-sided 95 % upper bound of the change excludes `bound`, or any worsening at all. */
export const excludes = (values: readonly number[], bound: number): boolean => {
  if (values.length === 0) return false;
  const { upper } = hodgesLehmann(values);
  return upper !== null && (upper < bound || upper <= 0);
};
