import type { Observation } from '../../contract/player.ts';
import { absenceText } from '../../records/absence.ts';
import { mean } from '../../statistics/describe.ts';
import type { Oracle } from './oracle.ts';
import { type Configuration, configurationsOf } from './space.ts';
import type { Search } from './trials.ts';

/** As near to the best as this is near enough. */
const near = 1.05;

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

/** Percentage of the options that matter of which a search tried more than one value. */
const automationOf = ({ tried }: Search, oracle: Oracle): number => {
  const all = [oracle.initial, ...tried.map(({ configuration }) => configuration)];
  const varied = oracle.mattering.filter((id) => new Set(all.map((each) => each[id])).size > 1);
  return (100 * varied.length) / oracle.mattering.length;
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
 * What an arm's searches are worth against exhaustive ones, each in its own record, as means over all: `regret` (%), and that of random search
 * with as many trials, `regret-by-chance`; `quality`, and of arms that search `trials` and `automation`. Means leave out records in which there is nothing
 * to find; where all are such, the series is absent, for all arms alike, with a reason. A search that never
 * came near the best counts as one trial more than there are configurations: no search that did can make so many, so giving up never looks
 * better than succeeding.
 * @param lossOf loss of a configuration by the arm's own builds: what breaks the bound may not be used, so the default is
 */
export const searchScore = (
  judged: readonly Judged[],
  lossOf: (configuration: Configuration) => number,
  bound: number,
  arm: string,
): Observation => {
  const start = ({ oracle }: Judged): number => oracle.latency(oracle.initial);
  const gaining = judged.filter((each) => start(each) > each.oracle.best);
  const far = judged.filter((each) => start(each) > near * each.oracle.best);
  const mattering = judged.filter(({ oracle }) => oracle.mattering.length > 0);
  const censored = Math.max(...judged.map(({ oracle }) => configurationsOf(oracle.space).length)) + 1;
  const trials = far.map(({ search, oracle }) => trialsToNear(search, oracle, bound));
  const lost = trials.filter((each) => each === null).length;
  const slowest = 'no configuration that keeps the bound on loss is faster than the default';
  const absent = (series: string, reason: string): string => absenceText({ state: 'not-applicable', series, reason });
  const searching = arm !== 'reference';
  const [gain, away, matters] = [gaining, far, mattering].map(({ length }) => length > 0);
  return {
    values: {
      regret: mean(judged.map(({ search: { found }, oracle }) => regretOf(lossOf(found) <= bound ? found : oracle.initial, oracle))),
      'regret-by-chance': mean(judged.map(({ byChance, oracle }) => regretOf(byChance.found, oracle))),
      ...(gain ? { quality: mean(gaining.map(({ search, oracle }) => gainOf(search, oracle, bound))) } : {}),
      ...(searching && away ? { trials: mean(trials.map((each) => each ?? censored)) } : {}),
      ...(searching && matters ? { automation: mean(mattering.map(({ search, oracle }) => automationOf(search, oracle))) } : {}),
    },
    warnings: [
      ...(gain ? [] : [absent('quality', slowest)]),
      ...(away ? [] : [absent('trials', gain ? 'the default is within 5 % of the best: there is nothing to find' : slowest)]),
      ...(matters ? [] : [absent('automation', 'no option changes the mean latency by more than 2 %')]),
      ...(searching && away && lost > 0
        ? [
            `configuration-trials of ${arm}: ${lost} of ${trials.length} searches never came within 5 % of the best; each counts as ${censored}, one more than there are configurations`,
          ]
        : []),
    ],
  };
};
