import { seededRandom, shuffled } from '../../statistics/random.ts';
import { additiveModel, type Timed } from './effects.ts';
import type { SearchAction, SearchObservation, SearchSetting } from './exchange.ts';
import type { AutomlOptions } from './options.ts';
import { type Configuration, configurationsOf, keyOf } from './space.ts';

/** Requests' worth of belief in what the other trials say of a configuration. */
const trust = 1;

/** How many candidates each rung has: as many as the budget allows, each rung a share of the one before; the second takes what is left. */
export const rungsOf = (trials: number, eta: number): readonly number[] => {
  const from = (first: number): number[] => (first <= 1 ? [1] : [first, ...from(Math.floor(first / eta))]);
  for (let first = trials; first > 1; first--) {
    const rungs = from(first);
    const left = trials - rungs.reduce((sum, each) => sum + each, 0);
    if (left >= 0) return rungs.map((each, at) => (at === 1 ? each + left : each));
  }
  return [trials];
};

/** Combinations in which the values of each option stand about equally often (a Latin hypercube), none of them twice, none of `known`. */
const balanced = (
  space: SearchSetting['options'],
  count: number,
  known: ReadonlySet<string>,
  random: () => number,
): readonly Configuration[] => {
  const drawn = new Map<string, Configuration>();
  const columns = space.map(({ id, values }) => {
    const cycle = shuffled(values, random);
    return {
      id,
      values: shuffled(
        Array.from({ length: count }, (_, at) => cycle[at % cycle.length] ?? ''),
        random,
      ),
    };
  });
  for (let at = 0; at < count; at++) {
    const each: Configuration = Object.fromEntries(columns.map(({ id, values }) => [id, values[at] ?? '']));
    if (!known.has(keyOf(each))) drawn.set(keyOf(each), each);
  }
  const rest = shuffled(configurationsOf(space), random).filter((each) => !known.has(keyOf(each)) && !drawn.has(keyOf(each)));
  return [...drawn.values(), ...rest.slice(0, count - drawn.size)];
};

/**
 * Successive halving (Jamieson and Talwalkar, AISTATS 2016; a bracket of Hyperband, arXiv 1603.06560): many candidates with few timed
 * requests, the best of them again with more. Who reaches the next rung is decided by what is expected of every configuration, tried or not:
 * its own trials, and an additive model of all trials, as BOHB (arXiv 1807.01774) lets a model propose. What is known to lose more than
 * the bound is left out of every rung but the first, and is never the answer. Deterministic for a seed.
 */
export const successiveHalving = (
  setting: SearchSetting,
  { eta, calls }: Pick<AutomlOptions, 'eta' | 'calls'>,
): ((seen: SearchObservation) => SearchAction) => {
  const random = seededRandom(setting.seed);
  const all = configurationsOf(setting.options);
  const trials: Timed[] = [];
  const losses = new Map<Configuration[string] | undefined, number>();
  const rungs = [...rungsOf(setting.trials, eta)];
  let waiting: Configuration[] = [];
  let length = 0;

  const allowed = ({ variant }: Configuration): boolean => (losses.get(variant) ?? 0) <= setting['nll-bound'];
  const estimates = (): ((configuration: Configuration) => number) => {
    const model = additiveModel(trials);
    return (configuration) => {
      const own = trials.filter((each) => keyOf(each.configuration) === keyOf(configuration));
      const count = own.reduce((sum, each) => sum + each.calls, 0);
      const measured = own.reduce((sum, each) => sum + each.calls * Math.log(each.latency), 0);
      return (measured + trust * model(configuration)) / (count + trust);
    };
  };
  const ranked = (candidates: readonly Configuration[]): readonly Configuration[] => {
    const estimate = estimates();
    return candidates.filter(allowed).toSorted((a, b) => estimate(a) - estimate(b));
  };
  const nextRung = (): void => {
    const size = rungs.shift() ?? 0;
    length = length === 0 ? Math.min(calls, setting.calls) : Math.min(Math.ceil(length * eta), setting.calls);
    waiting =
      trials.length === 1
        ? [...balanced(setting.options, size, new Set(trials.map((each) => keyOf(each.configuration))), random)]
        : [...ranked(all).slice(0, size)];
  };
  return ({ configuration, latency, calls: timed, 'nll-delta': loss, left }) => {
    trials.push({ configuration, latency, calls: timed });
    losses.set(configuration['variant'], loss);
    if (waiting.length === 0) nextRung();
    const next = waiting.shift();
    if (left > 0 && next !== undefined) return { try: next, calls: length };
    const tried = new Map(trials.map((each) => [keyOf(each.configuration), each.configuration]));
    return { found: ranked([...tried.values()])[0] ?? configuration };
  };
};
