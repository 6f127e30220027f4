import { describe, expect, test } from 'vitest';
import { expOfNegative } from '../../src/runtime/exponential.ts';
import { seededRandom } from '../../src/statistics/random.ts';

describe('expOfNegative', () => {
  test('is Math.exp to a relative 1e-12 down to the smallest normal numbers', () => {
    const random = seededRandom(7);
    let worst = 0;
    for (let i = 0; i < 200_000; i++) {
      const x = -708 * random() ** 3;
      worst = Math.max(worst, Math.abs(expOfNegative(x) / Math.exp(x) - 1));
    }
    expect(worst).toBeLessThan(1e-12);
    expect(worst).toBeGreaterThan(0);
  });

  test('is exact at 0, vanishes far below, and hides no NaN', () => {
    expect(expOfNegative(0)).toBe(1);
    expect(expOfNegative(-0)).toBe(1);
    expect(expOfNegative(-709)).toBe(0);
    expect(expOfNegative(-3.4e38)).toBe(0);
    expect(expOfNegative(Number.NEGATIVE_INFINITY)).toBe(0);
    expect(expOfNegative(Number.NaN)).toBeNaN();
  });
});
