import { robustDeviation } from './describe.ts';
import { studentQuantile } from './student.ts';

export interface PowerQuestion {
  /** Values of single launches, from which the noise is taken (at least 2). */
  readonly values: readonly number[];
  /** How many launches the test would have. */
  readonly launches: number;
  /** The margin that the test is against, on the scale of the values. */
  readonly margin: number;
  /** One-sided level of the test. */
  readonly alpha: number;
  /** Wanted chance of a rejection; 0.8 by default. */
  readonly power?: number;
}

/**
 * The smallest true change that a one-sided signed rank test against `margin` would find with the given power, on the scale of
 * the values. Closed form: margin + (t[1 − alpha] + t[power]) · s · √(π/3) / √n with n − 1 degrees of freedom, s the robust
 * standard deviation, and π/3 the cost of the signed rank against the mean for normal noise. Null where it cannot be had:
 * fewer than two values, so few launches that no outcome reaches alpha (2^-n > alpha), or values whose squares are beyond all numbers.
 */
export const smallestDetectable = ({ values, launches, margin, alpha, power = 0.8 }: PowerQuestion): number | null => {
  if (values.length < 2 || launches < 2 || 2 ** -launches > alpha) return null;
  const reach = studentQuantile(1 - alpha, launches - 1) + studentQuantile(power, launches - 1);
  const change = margin + (reach * robustDeviation(values) * Math.sqrt(Math.PI / 3)) / Math.sqrt(launches);
  return Number.isFinite(change) ? change : null;
};
