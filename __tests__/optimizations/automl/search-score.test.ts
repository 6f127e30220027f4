import { expect, it } from 'vitest';
import { type Oracle, oracleOf } from '../../../src/optimizations/automl/oracle.ts';
import { searchScore } from '../../../src/optimizations/automl/search-score.ts';
import { type Configuration, configurationsOf } from '../../../src/optimizations/automl/space.ts';
import type { Search } from '../../../src/optimizations/automl/trials.ts';

const space = [
  { id: 'variant', values: ['main', 'small', 'wrong'] },
  { id: 'threads', values: [1, 2] },
];
const all = configurationsOf(space);
const bound = 0.1;
/** Milliseconds by variant, and what a second thread makes of them. */
const oracle = (times: Record<string, number>, second: number) =>
  oracleOf(
    {
      reference: 10,
      losses: { main: 0, small: 0.05, wrong: 1 },
      configurations: all.map((configuration) => ({
        configuration,
        requests: [times[String(configuration['variant'])]! * (configuration['threads'] === 2 ? second : 1)],
        ready: 1,
      })),
    },
    bound,
    'test',
  );
const at = (variant: string, threads: number): Configuration => ({ variant, threads });
const search = (found: Configuration, ...tried: readonly Configuration[]): Search => ({
  found,
  tried: tried.map((configuration) => ({ configuration, calls: 1 })),
});
const judged = (found: Search, within: Oracle) => ({ search: found, byChance: search(at('main', 2)), oracle: within });
/** By what base recorded. */
const score = (found: Search, within: Oracle, arm: string) => searchScore(judged(found, within), within.loss, bound, arm);
const usual = oracle({ main: 10, small: 8, wrong: 1 }, 0.5);

it('scores gain, trials and options against the best that keeps the bound', () => {
  const common = { 'regret-by-chance': expect.closeTo(25, 9) };
  expect(score(search(at('small', 2), at('wrong', 1), at('small', 2)), usual, 'head')).toEqual({
    values: { ...common, 'found-ms': 4, regret: 0, quality: 1, trials: 2, automation: 100 },
    warnings: [],
  });
  expect(score(search(at('main', 2), at('main', 2), at('small', 2)), usual, 'head')).toEqual({
    values: { ...common, 'found-ms': 5, regret: expect.closeTo(25, 9), quality: 5 / 6, trials: 2, automation: 50 },
    warnings: [],
  });
  expect(score(search(at('wrong', 2), at('wrong', 2), at('small', 2)), usual, 'head').values['quality']).toBe(0);
  expect(score(search(at('main', 1)), usual, 'reference')).toEqual({
    values: { 'found-ms': 10, regret: expect.closeTo(150, 9), 'regret-by-chance': expect.closeTo(25, 9), quality: 0 },
    warnings: [],
  });
});

it('an option is set by what was found, not by having been tried', () => {
  const automation = (found: Configuration): number | undefined => score(search(found, ...all), usual, 'head').values['automation'];
  expect(automation(at('small', 2))).toBe(100);
  expect(automation(at('main', 2))).toBe(50);
  expect(automation(at('small', 1))).toBe(50);
  expect(automation(at('main', 1))).toBe(0);
  expect(automation(at('wrong', 2))).toBe(0);
});

it('a search that never came near the best counts as more trials than any that did, and a warning says so', () => {
  const late = search(at('small', 2), ...all.toReversed().filter((each) => each['variant'] !== 'small'), at('small', 1), at('small', 2));
  expect(score(late, usual, 'head')).toMatchObject({ values: { trials: all.length }, warnings: [] });
  const never = search(at('main', 2), at('main', 2), at('wrong', 2));
  expect(score(never, usual, 'base')).toMatchObject({
    values: { trials: all.length + 1 },
    warnings: [
      'configuration-trials of base: some searches never came within 5 % of the best; each counts as 7, one more than there are configurations',
    ],
  });
});

const slowest = 'no configuration that keeps the bound on loss is faster than the default';
const found = 'the default is within 5 % of the best: there is nothing to find';
const idle = 'no option changes the mean latency by more than 2 %';
it.each([
  ['nothing faster', oracle({ main: 8, small: 10, wrong: 1 }, 1.5), ['automation'], [`quality: ${slowest}`, `trials: ${slowest}`]],
  ['hardly anything faster', oracle({ main: 10, small: 9.7, wrong: 1 }, 1.5), ['automation', 'quality'], [`trials: ${found}`]],
  ['nothing that matters', oracle({ main: 10, small: 9.9, wrong: 9.9 }, 1), ['quality'], [`trials: ${found}`, `automation: ${idle}`]],
  ['all the same', oracle({ main: 10, small: 10, wrong: 10 }, 1), [], [`quality: ${slowest}`, `trials: ${slowest}`, `automation: ${idle}`]],
] as const)('%s: what it leaves nothing to say of is absent, with a reason', (_, record, there, reasons) => {
  const lazy = score(search(at('main', 1)), record, 'head');
  expect(
    Object.keys(lazy.values)
      .filter((name) => !/^regret|^found/.test(name))
      .toSorted(),
  ).toEqual(there);
  expect(lazy.warnings).toEqual(reasons.map((reason) => `not-applicable: ${reason}`));
});

it('what breaks the bound by the own builds of an arm is not used: its regret is that of the default', () => {
  const good = search(at('small', 2), at('small', 2));
  const of = (loss: number) => searchScore(judged(good, usual), () => loss, bound, 'head').values;
  expect(of(0.05)).toMatchObject({ regret: 0, 'found-ms': 4 });
  expect(of(0.2)).toMatchObject({ regret: expect.closeTo(150, 9), 'found-ms': 10 });
});
