import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/statistics/random.ts';
import { neighbourDependence, serialDependence, trendWithOrder } from '../../src/statistics/serial-dependence.ts';
import oracle from '../oracles/serial-dependence.json' with { type: 'json' };

const near = (got: number, p: number): void => expect(Math.abs(got - p), `${got} for ${p}`).toBeLessThan(Math.max(0.1 * p, 0.003));

describe('likeness of neighbours', () => {
  it.each(oracle.exact)('has the exact p of all orders of $ranks, within a tenth of it', ({ tail }) => {
    for (const { order, p } of tail) near(neighbourDependence(order), p);
  });

  it.each(oracle.simulated)('has the simulated p of $n values', ({ neighbours }) => {
    for (const { order, p } of neighbours) near(neighbourDependence(order), p);
  });
});

describe('a trend', () => {
  it.each(oracle.spearman)('has the p of SciPy: $p', ({ values, p }) => {
    expect(trendWithOrder(values)).toBeCloseTo(p, 9);
  });

  it.each(oracle.simulated)('has the simulated p of $n values', ({ trend }) => {
    for (const { order, p } of trend) near(trendWithOrder(order), p);
  });

  it('is certain where values only rise', () => {
    expect(trendWithOrder([1, 2, 3, 4, 5, 6, 7])).toBeLessThan(1e-9);
  });
});

describe('serial dependence', () => {
  const random = seededRandom(3);
  const series = (n: number): number[] => Array.from({ length: n }, () => random() + random() - 1);

  it('is the same for values that are shifted, stretched, reversed in time or turned round', () => {
    for (const n of [5, 12, 24, 36]) {
      const values = series(n);
      const p = serialDependence(values);
      expect(p).toBeGreaterThan(0);
      expect(p).toBeLessThanOrEqual(1);
      const others = [values.map((x) => 3 * x - 7), values.toReversed(), values.map((x) => -x), values.map((x) => Math.exp(x))];
      for (const other of others) expect(serialDependence(other)).toBeCloseTo(p, 9);
    }
  });

  it('takes values for ties that rounding alone makes differ', () => {
    const tied = [1, 2, 2, 1, 3, 3, 1, 2, 3, 1, 2, 3];
    expect(serialDependence(tied.map((x, i) => x * (1 + 1e-14 * i)))).toBe(serialDependence(tied));
  });

  it('says nothing of fewer than 5 values, nor of equal ones', () => {
    expect(serialDependence([1, 2, 3, 4])).toBe(1);
    expect(serialDependence(new Array(12).fill(7))).toBe(1);
    expect(() => serialDependence([])).toThrow(/at least one, got none/);
    expect(() => serialDependence([1, Number.NaN, 2])).toThrow(/finite/);
  });

  it.each([12, 24, 36])('keeps its level for %d independent values', (n) => {
    const runs = 1000;
    const below = (level: number, ps: readonly number[]): number => ps.filter((p) => p <= level).length / runs;
    const ps = Array.from({ length: runs }, () => serialDependence(series(n)));
    for (const level of [0.05, 0.1, 0.2]) expect(below(level, ps)).toBeLessThan(level + 3 * Math.sqrt((level * (1 - level)) / runs));
  });
});
