import type { MetricSpec } from '../records/metric.ts';

type Scaled = Pick<MetricSpec, 'scale' | 'better'>;

/** What rounding leaves of two numbers that should be equal, as a share of their size … */
const numberDust = 2 ** -50;
/** … and of two logarithms or differences of measured values. */
const changeDust = 1e-12;
/**
 * What rounding leaves of a change that is as large as its tolerance, as a share of the tolerance.
 */
const toleranceDust = 1e-9;

/** A decrease by all of it has no logarithm: the largest that has one. */
const nearlyAll = 1 - 2 ** -52;

/** +1 where more is worse, −1 where less is. */
export const worseSign = (spec: Pick<Scaled, 'better'>): 1 | -1 => (spec.better === 'lower' ? 1 : -1);

/**
 * The size on the scale of launch values of a change by `amount` (fraction or unit, positive) in
 * the worse direction: ln(1 + amount) of an increase, −ln(1 − amount) of a decrease, or itself. So
 * a tolerance of 2 % is 2 % of base, whichever direction is worse.
 */
export const worseOnScale = (spec: Scaled, amount: number): number =>
  spec.scale === 'linear' ? amount : spec.better === 'lower' ? Math.log1p(amount) : -Math.log1p(-Math.min(amount, nearlyAll));

/** The same of a change in the better direction. */
export const betterOnScale = (spec: Scaled, amount: number): number =>
  worseOnScale({ scale: spec.scale, better: spec.better === 'lower' ? 'higher' : 'lower' }, amount);

/**
 * A launch value (positive is worse) as head against base: a fraction or unit, sign as measured. A
 * ratio beyond all numbers is the largest one.
 */
export const asMeasured = (spec: Scaled, value: number): number => {
  const change = worseSign(spec) * value;
  return (spec.scale === 'log' ? Math.min(Number.MAX_VALUE, Math.expm1(change)) : change) + 0;
};

/**
 * How much worse a change (head against base, as measured) is: a fraction or unit, positive is
 * worse.
 */
export const worsening = (spec: Pick<Scaled, 'better'>, change: number): number => worseSign(spec) * change + 0;

/**
 * Head against base with positive worse: ln(head ÷ base) or the difference, sign by the better
 * direction; 0 where only rounding tells the two apart. Null where the logarithm does not exist.
 */
export const worseBy = (spec: Scaled, head: number, base: number): number | null => {
  if (spec.scale === 'linear') {
    const difference = head - base;
    return Math.abs(difference) <= changeDust * Math.max(Math.abs(head), Math.abs(base)) ? 0 : worseSign(spec) * difference;
  }
  if (head <= 0 || base <= 0) return null;
  const ratio = head / base;
  const logarithm = ratio > 0 && Number.isFinite(ratio) ? Math.log(ratio) : Math.log(head) - Math.log(base);
  return Math.abs(logarithm) <= changeDust ? 0 : worseSign(spec) * logarithm;
};

/**
 * The scale of numbers that no logarithm is taken of to judge them: as the specification says where
 * all are positive, else linear, with the tolerance as a share of base's size. Decided once for all
 * numbers of a metric.
 */
export const scaledFor = (spec: MetricSpec, numbers: readonly number[], base: number): MetricSpec => {
  if (spec.scale === 'linear') return spec;
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  return least > 0 && Number.isFinite(most / least) ? spec : linearSpec(spec, base);
};

/**
 * The specification with differences in the place of logarithms: a fraction of the tolerance
 * becomes one of base's size.
 */
export const linearSpec = (spec: MetricSpec, base: number): MetricSpec =>
  spec.scale === 'linear' ? spec : { ...spec, scale: 'linear', tolerance: spec.tolerance * Math.abs(base) };

/**
 * The largest less the smallest of some numbers; 0 for none, and where only rounding tells them
 * apart.
 */
export const rangeOf = (values: readonly number[]): number => {
  const [first = 0] = values;
  const [least, most] = [values.reduce((a, b) => Math.min(a, b), first), values.reduce((a, b) => Math.max(a, b), first)];
  return most - least > numberDust * Math.max(Math.abs(least), Math.abs(most)) ? most - least : 0;
};

/**
 * Must-detect in the metric's unit: its share of base's size. A metric that is declared linear has
 * no natural fraction: at least five tolerances (the ratio of the defaults, 10 % to 2 %).
 */
export const mustDetectInUnit = (declared: MetricSpec, mustDetect: number, base: number): number =>
  Math.max(declared.scale === 'linear' ? 5 * declared.tolerance : 0, mustDetect * Math.abs(base));

/** What a pass must exclude, in the metric's unit: must-detect, or the tolerance where that is larger. */
export const passBound = (declared: MetricSpec, mustDetect: number, base: number): number =>
  Math.max(mustDetectInUnit(declared, mustDetect, base), allowance(declared, base));

/** Whether that is the tolerance. */
export const tolerancePasses = (declared: MetricSpec, mustDetect: number): boolean =>
  declared.scale === 'log' && declared.tolerance > mustDetect;

/** The tolerance in the metric's unit. */
export const allowance = (spec: MetricSpec, base: number): number =>
  spec.scale === 'log' ? spec.tolerance * Math.abs(base) : spec.tolerance;

/**
 * Whether an amount is larger than a limit, and not only by rounding. `size`: of the numbers whose
 * difference or quotient the amount is.
 */
export const exceeds = (amount: number, limit: number, size: number): boolean =>
  amount > limit + toleranceDust * Math.abs(limit) + numberDust * size;

/**
 * Whether head differs from base by more than the tolerance and `spread` (in the unit), and to
 * which side. Differences decide on either scale: they exist for numbers of either sign. A number
 * at the tolerance is on neither side.
 */
export const beyondTolerance = (spec: MetricSpec, head: number, base: number, spread = 0): 'worse' | 'better' | null => {
  const worse = worseSign(spec) * (head - base);
  const limit = allowance(spec, base) + spread;
  const size = Math.max(Math.abs(head), Math.abs(base));
  return exceeds(worse, limit, size) ? 'worse' : exceeds(-worse, limit, size) ? 'better' : null;
};

/** Whether a change (as measured) is larger than the tolerance, in either direction. */
export const moved = (spec: MetricSpec, change: number): boolean => exceeds(Math.abs(change), spec.tolerance, 1);
