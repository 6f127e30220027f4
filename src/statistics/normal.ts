import { errorFunction } from 'simple-statistics';

/** Density of the standard normal distribution. */
export const normalDensity = (z: number): number => Math.exp(-0.5 * z ** 2) / Math.sqrt(2 * Math.PI);

/** P(Z ≤ z) of the standard normal distribution; off by less than 1e-6, never outside 0 to 1. */
export const normalProbability = (z: number): number => Math.min(1, Math.max(0, 0.5 * (1 + errorFunction(z / Math.SQRT2))));
