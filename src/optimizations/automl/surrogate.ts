import { type Configuration, keyOf } from './space.ts';

/** A trial's outcome: how long a request takes, and from how many. */
export interface Timed {
  readonly configuration: Configuration;
  readonly latency: number;
  readonly calls: number;
}

/** What is thought of the logarithm of a latency. */
export interface Belief {
  readonly mean: number;
  readonly deviation: number;
}

/** Standard deviations of logarithms: of the level of all, … */
const level = 1;
/** … of what a value of one option changes, … */
const optionEffect = 0.1;
/** … of what a combination has to itself, … */
const ownEffect = 0.06;
/** … and of the median of n timed requests, times √n. */
const requestNoise = 0.125;

/** Covariance of two configurations, noise apart. */
const covariance = (one: Configuration, other: Configuration): number => {
  const shared = Object.entries(one).filter(([id, value]) => other[id] === value).length;
  const same = keyOf(one) === keyOf(other);
  return level ** 2 + shared * optionEffect ** 2 + (same ? ownEffect ** 2 : 0);
};

/** The lower triangle L of a symmetric, positive definite matrix L·Lᵀ; row i has i + 1 entries. */
const cholesky = (matrix: readonly (readonly number[])[]): readonly Float64Array[] => {
  const lower: Float64Array[] = [];
  for (const [i, entries] of matrix.entries()) {
    const row = new Float64Array(i + 1);
    for (let j = 0; j <= i; j++) {
      const other = j === i ? row : (lower[j] ?? row);
      let rest = entries[j] ?? 0;
      for (let k = 0; k < j; k++) rest -= (row[k] ?? 0) * (other[k] ?? 0);
      row[j] = j === i ? Math.sqrt(rest) : rest / (other[j] ?? 1);
    }
    lower.push(row);
  }
  return lower;
};

/** x of L·x = b. */
const forward = (lower: readonly Float64Array[], b: readonly number[]): Float64Array => {
  const x = new Float64Array(b.length);
  for (const [i, row] of lower.entries()) {
    let rest = b[i] ?? 0;
    for (let k = 0; k < i; k++) rest -= (row[k] ?? 0) * (x[k] ?? 0);
    x[i] = rest / (row[i] ?? 1);
  }
  return x;
};

const product = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, k) => sum + value * (b[k] ?? 0), 0);

/**
 * What trials let one expect of any configuration, tried or not: a Gaussian process over ln(milliseconds) (Rasmussen and Williams 2006,
 * algorithm 2.1) whose covariance is a level common to all, an effect for each value of each option, and one that every combination has to
 * itself. Without trials the mean is 0. n³ for n trials.
 */
export const surrogate = (trials: readonly Timed[]): ((configuration: Configuration) => Belief) => {
  const logs = trials.map(({ latency }) => Math.log(latency));
  const middle = logs.reduce((sum, log) => sum + log, 0) / Math.max(1, logs.length);
  const lower = cholesky(
    trials.map((one, i) =>
      trials.map((other, j) => covariance(one.configuration, other.configuration) + (i === j ? requestNoise ** 2 / one.calls : 0)),
    ),
  );
  const whitened = forward(
    lower,
    logs.map((log) => log - middle),
  );
  return (configuration) => {
    const known = forward(
      lower,
      trials.map((each) => covariance(configuration, each.configuration)),
    );
    const variance = covariance(configuration, configuration) - product(known, known);
    return { mean: middle + product(known, whitened), deviation: Math.sqrt(Math.max(0, variance)) };
  };
};
