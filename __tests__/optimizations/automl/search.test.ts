import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { additiveModel, type Timed } from '../../../src/optimizations/automl/effects.ts';
import type { SearchAction, SearchSetting } from '../../../src/optimizations/automl/exchange.ts';
import { rungsOf, successiveHalving } from '../../../src/optimizations/automl/halving.ts';
import { type Configuration, configurationsOf, keyOf, type OptionRange } from '../../../src/optimizations/automl/space.ts';

const space: readonly OptionRange[] = [
  { id: 'variant', values: ['main', 'small', 'tiny'] },
  { id: 'threads', values: [1, 2, 4] },
  { id: 'arena', values: [true, false] },
];
const all = configurationsOf(space);
const factors: Record<string, number> = { main: 1, small: 0.7, tiny: 0.4, '1': 1, '2': 0.6, '4': 0.8, true: 1, false: 1.05 };
const truth = (configuration: Configuration): number =>
  Object.values(configuration).reduce<number>((ms, value) => ms * factors[String(value)]!, 10);

describe('the additive model', () => {
  it('learns effects that multiply, and says of what it has not seen what it has seen of its parts', () => {
    const trials: Timed[] = all
      .filter((_, at) => at % 5 !== 1)
      .map((configuration) => ({ configuration, latency: truth(configuration), calls: 1000 }));
    const model = additiveModel(trials);
    for (const configuration of all) expect(model(configuration)).toBeCloseTo(Math.log(truth(configuration)), 1);
  });

  it('solves the ridge equations: no small change of an effect fits better', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(all.length - 1), fc.double({ min: 1, max: 50, noNaN: true }), fc.integer({ min: 1, max: 9 })), {
          minLength: 1,
          maxLength: 9,
        }),
        (drawn) => {
          const trials = drawn.map(([at, latency, calls]) => ({ configuration: all[at]!, latency, calls }));
          const model = additiveModel(trials);
          const residual = (configuration: Configuration, id: string): number =>
            trials
              .filter((each) => each.configuration[id] === configuration[id])
              .reduce((sum, each) => sum + each.calls * (Math.log(each.latency) - model(each.configuration)), 0);
          const mean = model({});
          // At the optimum the weighted residuals of a value are its shrinkage times its effect.
          for (const [id] of Object.entries(all[0]!))
            for (const { configuration } of trials)
              expect(residual(configuration, id)).toBeCloseTo(0.3 * (model({ [id]: configuration[id]! }) - mean), 6);
        },
      ),
    );
  });

  it('knows nothing without trials', () => {
    expect(additiveModel([])(all[0]!)).toBe(0);
  });
});

const settingOf = (more: Partial<SearchSetting> = {}): SearchSetting => ({
  options: space.map(({ id, values }) => ({ id, values: [...values] })),
  'nll-bound': 0.1,
  trials: 7,
  calls: 8,
  seed: 3,
  ...more,
});
const losses: Record<string, number> = { main: 0, small: 0.05, tiny: 0.5 };
/** Plays a search against the truth; every action that it took. */
const actionsOf = (setting: SearchSetting, loss: (configuration: Configuration) => number): readonly SearchAction[] => {
  const search = successiveHalving(setting, { eta: 3, calls: 3 });
  const actions: SearchAction[] = [];
  let tried: Configuration = all[0]!;
  let calls = setting.calls;
  for (let left = setting.trials; ; left--) {
    const action = search({ configuration: tried, latency: truth(tried), calls, 'nll-delta': loss(tried), left });
    actions.push(action);
    if ('found' in action) return actions;
    [tried, calls] = [action.try, action.calls];
  }
};

describe('successive halving', () => {
  it('has as many rungs as the budget allows, each a share of the one before', () => {
    expect([1, 2, 3, 4, 7, 9, 13, 40].map((trials) => rungsOf(trials, 3))).toEqual([
      [1],
      [2],
      [2, 1],
      [3, 1],
      [5, 2],
      [6, 2, 1],
      [9, 3, 1],
      [27, 9, 3, 1],
    ]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.double({ min: 1.2, max: 8, noNaN: true }), (trials, eta) => {
        const rungs = rungsOf(trials, eta);
        expect(rungs.reduce((sum, each) => sum + each, 0)).toBe(trials);
        expect(rungs.filter((_, at) => at !== 1)).toEqual(rungs.filter((_, at) => at !== 1).toSorted((a, b) => b - a));
      }),
    );
  });

  it('tries nothing twice in its first rung, each value about equally often, and no more than it may', () => {
    for (let seed = 0; seed < 20; seed++) {
      const actions = actionsOf(settingOf({ seed }), ({ variant }) => losses[String(variant)]!);
      const first = actions.flatMap((action) => ('try' in action && action.calls === 3 ? [action.try] : []));
      expect(first).toHaveLength(5);
      expect(new Set(first.map(keyOf)).size).toBe(5);
      expect(first.map(keyOf)).not.toContain(keyOf(all[0]!));
      for (const variant of ['main', 'small', 'tiny']) expect(first.some((each) => each['variant'] === variant)).toBe(true);
      expect(actions.length).toBeLessThanOrEqual(8);
    }
  });

  it('finds the fastest that keeps the bound; what breaks it goes no further than the first rung', () => {
    let best = 0;
    for (let seed = 0; seed < 20; seed++) {
      const actions = actionsOf(settingOf({ seed }), ({ variant }) => losses[String(variant)]!);
      const last = actions.at(-1)!;
      if (!('found' in last)) throw new Error('no end');
      expect(last.found['variant']).not.toBe('tiny');
      for (const action of actions) if ('try' in action && action.calls > 3) expect(action.try['variant']).not.toBe('tiny');
      if (truth(last.found) <= 1.05 * 10 * 0.7 * 0.6) best += 1;
    }
    expect(best).toBeGreaterThanOrEqual(16);
  });

  it('is the same for the same seed, another for another', () => {
    const first = (seed: number): unknown => actionsOf(settingOf({ seed }), () => 0)[0];
    expect(first(1)).toEqual(first(1));
    expect(new Set([1, 2, 3, 4, 5].map((seed) => JSON.stringify(first(seed)))).size).toBeGreaterThan(1);
  });

  it('answers the default where nothing else keeps the bound', () => {
    const actions = actionsOf(settingOf(), ({ variant }) => (variant === 'main' ? 0 : 9));
    expect(actions.at(-1)).toMatchObject({ found: { variant: 'main' } });
  });
});
