import { studentQuantile } from './student.ts';

/** The standard error of one of several independent numbers, and the degrees of freedom behind it, at least 1. */
export interface Spread {
  readonly error: number;
  readonly freedom: number;
}

/**
 * Half of the 95 % interval of the sum of independent numbers: Student's, with the degrees of freedom of Welch and Satterthwaite. 0 where none
 * of them spreads.
 */
export const halfOfSum = (spreads: readonly Spread[]): number => {
  const square = spreads.reduce((sum, { error }) => sum + error ** 2, 0);
  if (square === 0) return 0;
  const freedom = square ** 2 / spreads.reduce((sum, { error, freedom: own }) => sum + error ** 4 / own, 0);
  return studentQuantile(0.975, Math.max(1, Math.floor(freedom))) * Math.sqrt(square);
};
