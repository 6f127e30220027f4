import { describe, expect, it } from 'vitest';
import { studentQuantile } from '../../src/statistics/student.ts';
import { halfOfSum } from '../../src/statistics/sum-interval.ts';

describe('halfOfSum', () => {
  it('is that of one number with its own degrees of freedom, and 0 without noise', () => {
    expect(halfOfSum([{ error: 0.5, freedom: 4 }])).toBeCloseTo(0.5 * studentQuantile(0.975, 4), 12);
    expect(halfOfSum([])).toBe(0);
    expect(halfOfSum([{ error: 0, freedom: 4 }])).toBe(0);
  });

  it('adds squares of errors, and takes the degrees of freedom of Welch and Satterthwaite', () => {
    // Two alike have twice the degrees of freedom of one.
    expect(
      halfOfSum([
        { error: 3, freedom: 4 },
        { error: 3, freedom: 4 },
      ]),
    ).toBeCloseTo(Math.sqrt(18) * studentQuantile(0.975, 8), 9);
    expect(
      halfOfSum([
        { error: 3, freedom: 4 },
        { error: 4, freedom: 40 },
      ]),
    ).toBeCloseTo(5 * studentQuantile(0.975, 23), 9);
  });
});
