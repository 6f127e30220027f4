import { shuffled } from '../../statistics/random.ts';
import type { Oracle } from './oracle.ts';
import { type Configuration, configurationsOf } from './space.ts';
import type { Search } from './trials.ts';

/** What trials drawn at random would find, without noise: the best of them that keeps the bound, or the default. */
export const randomSearch = (oracle: Oracle, bound: number, trials: number, random: () => number): Search => {
  const tried = shuffled(configurationsOf(oracle.space), random).slice(0, trials);
  const found = tried
    .filter((configuration) => oracle.loss(configuration) <= bound)
    .reduce<Configuration>((best, each) => (oracle.latency(each) < oracle.latency(best) ? each : best), oracle.initial);
  return { found, tried: tried.map((configuration) => ({ configuration, calls: 1 })) };
};
