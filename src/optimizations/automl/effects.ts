import type { Configuration } from './space.ts';

/** A trial's outcome: how long a request takes, and from how many. */
export interface Timed {
  readonly configuration: Configuration;
  readonly latency: number;
  readonly calls: number;
}

/** Requests' worth of belief that an option changes nothing. */
const shrinkage = 0.3;
const sweeps = 100;

/**
 * Expected logarithm of the latency of any configuration: a mean and one effect for each value of each option, no interactions, fitted to the
 * trials by their number of requests and shrunk towards no effect (ridge regression, solved coordinate by coordinate).
 */
export const additiveModel = (trials: readonly Timed[]): ((configuration: Configuration) => number) => {
  const total = trials.reduce((sum, { calls }) => sum + calls, 0);
  const mean = trials.reduce((sum, { latency, calls }) => sum + calls * Math.log(latency), 0) / Math.max(1, total);
  const effects = new Map<string, number>();
  const keysOf = (configuration: Configuration): readonly string[] => Object.entries(configuration).map((each) => JSON.stringify(each));
  const sum = (keys: readonly string[]): number => keys.reduce((all, key) => all + (effects.get(key) ?? 0), 0);
  const rows = trials.map(({ configuration, latency, calls }) => ({ keys: keysOf(configuration), off: Math.log(latency) - mean, calls }));
  const keys = [...new Set(rows.flatMap((row) => row.keys))];
  for (let sweep = 0; sweep < sweeps; sweep++)
    for (const key of keys) {
      let [weight, left] = [shrinkage, 0];
      for (const row of rows) {
        if (!row.keys.includes(key)) continue;
        weight += row.calls;
        left += row.calls * (row.off - sum(row.keys) + (effects.get(key) ?? 0));
      }
      effects.set(key, left / weight);
    }
  return (configuration) => mean + sum(keysOf(configuration));
};
