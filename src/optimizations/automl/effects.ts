import type { Configuration } from './space.ts';

/** A trial's outcome: how long a request takes, and from how many. */
export interface Timed {
  readonly configuration: Configuration;
  readonly latency: number;
  readonly calls: number;
}

/** Requests' worth of belief that an option changes nothing. */
const shrinkage = 0.3;

/** x of A·x = b for a symmetric, positive definite A, whose pivots need no exchange of rows; both are overwritten. */
const solved = (a: Float64Array[], b: Float64Array): Float64Array => {
  for (const [k, pivot] of a.entries())
    for (const [i, row] of a.entries()) {
      if (i === k) continue;
      const factor = (row[k] ?? 0) / (pivot[k] ?? 1);
      for (let j = k; j < row.length; j++) row[j] = (row[j] ?? 0) - factor * (pivot[j] ?? 0);
      b[i] = (b[i] ?? 0) - factor * (b[k] ?? 0);
    }
  return b.map((value, k) => value / (a[k]?.[k] ?? 1));
};

/**
 * Expected logarithm of the latency of any configuration: a mean and one effect for each value of each option, no interactions, fitted to the
 * trials by their number of requests and shrunk towards no effect (ridge regression, by its normal equations).
 */
export const additiveModel = (trials: readonly Timed[]): ((configuration: Configuration) => number) => {
  const total = trials.reduce((sum, { calls }) => sum + calls, 0);
  const mean = trials.reduce((sum, { latency, calls }) => sum + calls * Math.log(latency), 0) / Math.max(1, total);
  const keysOf = (configuration: Configuration): readonly string[] => Object.entries(configuration).map((each) => JSON.stringify(each));
  const indices = new Map([...new Set(trials.flatMap(({ configuration }) => keysOf(configuration)))].map((key, at) => [key, at]));
  const normal = Array.from(indices, (_, at) => new Float64Array(indices.size).fill(shrinkage, at, at + 1));
  const right = new Float64Array(indices.size);
  for (const { configuration, latency, calls } of trials) {
    const present = keysOf(configuration).map((key) => indices.get(key) ?? 0);
    for (const i of present) {
      right[i] = (right[i] ?? 0) + calls * (Math.log(latency) - mean);
      const row = normal[i];
      if (row !== undefined) for (const j of present) row[j] = (row[j] ?? 0) + calls;
    }
  }
  const effects = solved(normal, right);
  const effectOf = (key: string): number => effects[indices.get(key) ?? -1] ?? 0;
  return (configuration) => keysOf(configuration).reduce((sum, key) => sum + effectOf(key), mean);
};
