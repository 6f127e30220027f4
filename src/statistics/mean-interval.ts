import { mean, standardDeviation } from './describe.ts';
import { studentQuantile } from './student.ts';

export interface MeanInterval {
  readonly mean: number;
  /** Null with fewer than two clusters. */
  readonly lower: number | null;
  readonly upper: number | null;
}

/**
 * Mean with a two-sided t interval over clusters: give ONE value per cluster (a held-out window's mean), because the tokens
 * inside a window are not independent. `level` in (0, 1), 0.95 by default. Throws `document-invalid` on no or non-finite values.
 */
export const meanInterval = (clusters: readonly number[], level = 0.95): MeanInterval => {
  const centre = mean(clusters);
  if (clusters.length < 2) return { mean: centre, lower: null, upper: null };
  const half = (studentQuantile((1 + level) / 2, clusters.length - 1) * standardDeviation(clusters)) / Math.sqrt(clusters.length);
  return { mean: centre, lower: centre - half, upper: centre + half };
};
