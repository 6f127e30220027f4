import { describe, expect, it } from 'vitest';
import { GateError } from '../../src/errors.ts';
import { mean, median, medianAbsoluteDeviation, quantile } from '../../src/statistics/describe.ts';
import { hodgesLehmann } from '../../src/statistics/hodges-lehmann.ts';
import { holm } from '../../src/statistics/holm.ts';
import { meanInterval } from '../../src/statistics/mean-interval.ts';
import { signedRankGreater, signedRankTwoSided } from '../../src/statistics/signed-rank.ts';
import { studentProbability, studentQuantile } from '../../src/statistics/student.ts';
import oracle from '../oracles/statistics.json' with { type: 'json' };

const difference = (name: string): number[] => {
  const found = oracle.paired.find((each) => each.name === name)!;
  return found.y.map((y, i) => y - found.x[i]!);
};

describe('against R and SciPy', () => {
  it.each(['pos_shift_10', 'n3', 'n60'])('signed rank p of %s', (name) => {
    const found = oracle.paired.find((each) => each.name === name)!;
    const values = difference(name);
    const relative = (got: number, want: number) => expect(Math.abs(got / want - 1)).toBeLessThan(1e-9);
    relative(signedRankGreater(values), found.scipy['wilcox_exact_greater']!);
    relative(signedRankTwoSided(values), found.scipy['wilcox_exact_two-sided']!);
  });

  it('Hodges-Lehmann estimate and 95 % interval', () => {
    const found = oracle.paired.find((each) => each.name === 'pos_shift_10')!;
    const centre = hodgesLehmann(difference('pos_shift_10'), 0.025);
    expect(centre.estimate).toBeCloseTo(found.R.hl_est, 9);
    expect(centre.lower).toBeCloseTo(found.R.hl_ci95[0]!, 9);
    expect(centre.upper).toBeCloseTo(found.R.hl_ci95[1]!, 9);
    expect(hodgesLehmann(difference('n60')).estimate).toBeCloseTo(0.286244775, 9);
  });

  it('gives no bound where three launches allow none (R gives one of level .75)', () => {
    expect(hodgesLehmann(difference('n3'), 0.025)).toMatchObject({ lower: null, upper: null });
  });

  it.each(oracle.adjust)('Holm of $name', ({ p, holm: adjusted }) => {
    holm(p).forEach((value, i) => {
      expect(value).toBeCloseTo(adjusted[i]!, 12);
    });
  });

  it.each(oracle.quantiles)('type 7 quantiles and raw MAD of $name', ({ x, probs, type7, mad }) => {
    probs.forEach((p, i) => {
      expect(quantile(x, p)).toBeCloseTo(type7[i]!, 9);
    });
    expect(medianAbsoluteDeviation(x)).toBeCloseTo(mad, 9);
  });

  it.each(oracle.t)("Student's t with $df degrees of freedom to 1e-8", ({ df, p, t, cdfAt, cdf }) => {
    p.forEach((each, i) => {
      expect(Math.abs(studentQuantile(each, df) / t[i]! - 1)).toBeLessThan(1e-8);
      expect(Math.abs(studentQuantile(1 - each, df) / -t[i]! - 1)).toBeLessThan(1e-8);
    });
    cdfAt.forEach((at, i) => {
      expect(Math.abs(studentProbability(at, df) - cdf[i]!)).toBeLessThan(1e-10 + 1e-8 * cdf[i]!);
    });
  });
});

describe('interval of a mean over windows', () => {
  it('equals the t interval computed by hand', () => {
    // mean 2, sd 1, n 3: half width 4.302652729911 / √3
    const { mean: centre, lower, upper } = meanInterval([1, 2, 3]);
    expect(centre).toBe(2);
    expect(upper! - 2).toBeCloseTo(4.302652729911275 / Math.sqrt(3), 9);
    expect(2 - lower!).toBeCloseTo(4.302652729911275 / Math.sqrt(3), 9);
  });

  it('has no bounds for one window', () => {
    expect(meanInterval([4])).toEqual({ mean: 4, lower: null, upper: null });
  });
});

describe('hostile numbers', () => {
  const hostile = [[], [1, Number.NaN], [Number.POSITIVE_INFINITY, 1]];
  it.each([median, mean, medianAbsoluteDeviation, (v: readonly number[]) => quantile(v, 0.5), hodgesLehmann, meanInterval])(
    '%o refuses them',
    (f) => {
      for (const values of hostile) expect(() => f(values)).toThrow(GateError);
    },
  );

  it('refuses impossible arguments', () => {
    expect(() => quantile([1, 2], 1.1)).toThrow(GateError);
    expect(() => holm([0.1, 1.2])).toThrow(GateError);
    expect(() => holm([0.1, 0.2], 1)).toThrow(GateError);
    expect(() => studentQuantile(1, 4)).toThrow(GateError);
    expect(() => studentQuantile(0.9, 0)).toThrow(GateError);
    expect(() => signedRankGreater(new Array(401).fill(1))).toThrow(GateError);
    expect(() => signedRankGreater([1, Number.NaN])).toThrow(GateError);
  });
});
