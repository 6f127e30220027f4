import { expect, it } from 'vitest';
import { normalDensity, normalProbability } from '../../src/statistics/normal.ts';

it('is the normal distribution of the tables (R: dnorm, pnorm)', () => {
  const known = [
    [-6, 6.075883e-9, 9.865876e-10],
    [-3.5, 0.0008726827, 0.0002326291],
    [-1.96, 0.05844094, 0.0249979],
    [0, 0.3989423, 0.5],
    [0.7, 0.3122539, 0.7580363],
    [2.5, 0.0175283, 0.9937903],
  ] as const;
  for (const [z, density, probability] of known) {
    expect(normalDensity(z)).toBeCloseTo(density, 7);
    expect(normalProbability(z)).toBeCloseTo(probability, 6);
  }
});

it('stays within 0 and 1', () => {
  expect([-60, -9, 9, 60].map(normalProbability).every((value) => value >= 0 && value <= 1)).toBe(true);
});
