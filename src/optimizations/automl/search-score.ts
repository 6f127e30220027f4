import type { Observation } from '../../contract/player.ts';
import { absenceText } from '../../records/absence.ts';
import type { Oracle } from './oracle.ts';
import { type Configuration, configurationsOf } from './space.ts';
import type { Search } from './trials.ts';

/** As near to the best as this is near enough. */
const near = 1.05;

/** Whether a search can find anything that is worth it, and by options that matter. */
export const leavesSomething = ({ latency, initial, best, mattering }: Oracle): boolean =>
  latency(initial) > near * best && mattering.length > 0;

/** Trials until one was within 5 % of the best that keeps the bound; null when none was. */
const trialsToNear = ({ tried }: Search, oracle: Oracle, bound: number): number | null => {
  const at = tried.findIndex(
    ({ configuration }) => oracle.loss(configuration) <= bound && oracle.latency(configuration) <= near * oracle.best,
  );
  return at < 0 ? null : at + 1;
};

/** Share of the oracle's gain over the default; nothing for what breaks the bound. */
const gainOf = ({ found }: Search, oracle: Oracle, bound: number): number => {
  const start = oracle.latency(oracle.initial);
  if (oracle.loss(found) > bound) return 0;
  return Math.min(1, Math.max(0, (start - oracle.latency(found)) / (start - oracle.best)));
};

/** What another value of one option alone must save to be worth setting by hand. */
const worthwhile = 0.98;

/** Percentage of the options that matter which nobody could set better by hand afterwards, each alone; nothing for what breaks the bound. */
const automationOf = ({ found }: Search, oracle: Oracle, bound: number): number => {
  if (oracle.loss(found) > bound) return 0;
  const isSet = (id: string): boolean => {
    const others = (oracle.space.find((range) => range.id === id)?.values ?? []).map((value) => ({ ...found, [id]: value }));
    return !others.some((other) => oracle.loss(other) <= bound && oracle.latency(other) < worthwhile * oracle.latency(found));
  };
  return (100 * oracle.mattering.filter(isSet).length) / oracle.mattering.length;
};

/** Per cent by which a request takes longer than with the best that keeps the bound. */
const regretOf = (configuration: Configuration, oracle: Oracle): number => 100 * (oracle.latency(configuration) / oracle.best - 1);

/** One search, the record that it was made in, and what trials at random found there. */
export interface Judged {
  readonly search: Search;
  readonly byChance: Search;
  readonly oracle: Oracle;
}

/**
 * What a search is worth against an exhaustive one: `found-ms`, `regret` (%), and that of random search
 * with as many trials, `regret-by-chance`; `quality`, and of arms that search `trials` and `automation`. What the record
 * leaves nothing to find of is absent, for all arms alike, each with its reason. A search that never
 * came near the best counts as one trial more than there are configurations: no search that did can make so many, so giving up never looks
 * better than succeeding.
 * @param lossOf loss of a configuration by the arm's own builds: what breaks the bound may not be used, so the default is
 */
export const searchScore = (
  { search, byChance, oracle }: Judged,
  lossOf: (configuration: Configuration) => number,
  bound: number,
  arm: string,
): Observation => {
  const start = oracle.latency(oracle.initial);
  const gain = start > oracle.best;
  const far = start > near * oracle.best;
  const matters = oracle.mattering.length > 0;
  const censored = configurationsOf(oracle.space).length + 1;
  const trials = trialsToNear(search, oracle, bound);
  const slowest = 'no configuration that keeps the bound on loss is faster than the default';
  const absent = (series: string, reason: string): string => absenceText({ state: 'not-applicable', series, reason });
  const searching = arm !== 'reference';
  const used = lossOf(search.found) <= bound ? search.found : oracle.initial;
  return {
    values: {
      'found-ms': oracle.latency(used),
      regret: regretOf(used, oracle),
      'regret-by-chance': regretOf(byChance.found, oracle),
      ...(gain ? { quality: gainOf(search, oracle, bound) } : {}),
      ...(searching && far ? { trials: trials ?? censored } : {}),
      ...(searching && matters ? { automation: automationOf(search, oracle, bound) } : {}),
    },
    warnings: [
      ...(gain ? [] : [absent('quality', slowest)]),
      ...(far ? [] : [absent('trials', gain ? 'the default is within 5 % of the best: there is nothing to find' : slowest)]),
      ...(matters ? [] : [absent('automation', 'no option changes the mean latency by more than 2 %')]),
      ...(searching && far && trials === null
        ? [
            `configuration-trials of ${arm}: some searches never came within 5 % of the best; each counts as ${censored}, one more than there are configurations`,
          ]
        : []),
    ],
  };
};
