import { normalDensity, normalProbability } from '../../statistics/normal.ts';
import { seededRandom, shuffled } from '../../statistics/random.ts';
import type { SearchAction, SearchObservation, SearchSetting } from './exchange.ts';
import type { AutomlOptions } from './options.ts';
import { type Configuration, configurationsOf, keyOf } from './space.ts';
import { type Belief, surrogate, type Timed } from './surrogate.ts';

/** How much lower than `best` something is expected to come out, where it comes out lower (Jones, Schonlau and Welch 1998). */
const expectedImprovement = ({ mean, deviation }: Belief, best: number): number => {
  if (deviation === 0) return Math.max(0, best - mean);
  const z = (best - mean) / deviation;
  return deviation * (z * normalProbability(z) + normalDensity(z));
};

/** The one of the highest worth, the first of equals; null of none. */
const highest = <T>(items: readonly T[], worth: (item: T) => number): T | null => {
  let best: { readonly item: T; readonly worth: number } | null = null;
  for (const item of items) {
    const own = worth(item);
    if (best === null || own > best.worth) best = { item, worth: own };
  }
  return best?.item ?? null;
};

/**
 * Sequential search guided by a model, as SMAC (Hutter et al. 2011) does it: the next trial is the untried configuration of which the trials so
 * far let one expect the most improvement over the best of them. A model of which one trial lost more than the bound is left out
 * from then on. The answer is the tried one that is expected to be fastest, since the luck of a short trial is no gain. Equals are told apart by
 * an order that the seed draws. Deterministic for a seed.
 */
export const improvementSearch = (
  setting: SearchSetting,
  { calls }: Pick<AutomlOptions, 'calls'>,
): ((seen: SearchObservation) => SearchAction) => {
  const all = shuffled(configurationsOf(setting.options), seededRandom(setting.seed));
  const trials: Timed[] = [];
  const tried = new Map<string, Configuration>();
  const losses = new Map<Configuration[string] | undefined, number>();
  const allowed = (configuration: Configuration): boolean => (losses.get(configuration[setting.model]) ?? 0) <= setting['nll-bound'];
  return ({ configuration, latency, calls: timed, 'nll-delta': loss, left }) => {
    trials.push({ configuration, latency, calls: timed });
    tried.set(keyOf(configuration), configuration);
    losses.set(configuration[setting.model], loss);
    const belief = surrogate(trials);
    const fastest = highest([...tried.values()].filter(allowed), (each) => -belief(each).mean) ?? configuration;
    const best = belief(fastest).mean;
    const untried = all.filter((each) => allowed(each) && !tried.has(keyOf(each)));
    const next = left > 0 ? highest(untried, (each) => expectedImprovement(belief(each), best)) : null;
    return next === null ? { found: fastest } : { try: next, calls: Math.min(calls, setting.calls) };
  };
};
