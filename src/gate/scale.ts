import type { MetricSpec } from '../records/metric.ts';

type Scaled = Pick<MetricSpec, 'scale' | 'better'>;

/** +1 where more is worse, −1 where less is. */
export const worseSign = (spec: Scaled): 1 | -1 => (spec.better === 'lower' ? 1 : -1);

/** A tolerance (fraction or unit) on the scale of launch values: ln(1 + tolerance), or itself. */
export const onScale = (spec: Scaled, amount: number): number => (spec.scale === 'log' ? Math.log1p(amount) : amount);

/** Back from the scale of launch values to a fraction or unit. */
export const offScale = (spec: Scaled, amount: number): number => (spec.scale === 'log' ? Math.expm1(amount) : amount);

/** How much worse a change (head against base, as measured) is: a fraction or unit, positive is worse. */
export const worsening = (spec: Scaled, change: number): number => {
  if (spec.better === 'lower') return change;
  return spec.scale === 'log' ? 1 / (1 + change) - 1 : -change;
};

/**
 * Head against base with positive worse: ln(head ÷ base) or the difference, sign by the better direction. Equal values are 0
 * on either scale, zeros included. Null where the logarithm does not exist.
 */
export const worseBy = (spec: Scaled, head: number, base: number): number | null => {
  if (head === base) return 0;
  if (spec.scale === 'linear') return worseSign(spec) * (head - base);
  return head > 0 && base > 0 ? worseSign(spec) * Math.log(head / base) : null;
};
