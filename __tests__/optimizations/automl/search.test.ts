import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SearchAction, SearchSetting } from '../../../src/optimizations/automl/exchange.ts';
import { improvementSearch } from '../../../src/optimizations/automl/expected-improvement.ts';
import { type Configuration, configurationsOf, keyOf, type OptionRange } from '../../../src/optimizations/automl/space.ts';
import { surrogate, type Timed } from '../../../src/optimizations/automl/surrogate.ts';

const space: readonly OptionRange[] = [
  { id: 'variant', values: ['main', 'small', 'tiny'] },
  { id: 'threads', values: [1, 2, 4] },
  { id: 'arena', values: [true, false] },
];
const all = configurationsOf(space);
const factors: Record<string, number> = { main: 1, small: 0.7, tiny: 0.4, '1': 1, '2': 0.6, '4': 0.8, true: 1, false: 1.05 };
const truth = (configuration: Configuration): number =>
  Object.values(configuration).reduce<number>((ms, value) => ms * factors[String(value)]!, 10);

/** a⁻¹ by Gauss-Jordan with exchange of rows: slow and obvious. */
const inverse = (a: readonly (readonly number[])[]): number[][] => {
  const n = a.length;
  const rows = a.map((row, i) => [...row, ...Array.from({ length: n }, (_, j) => (i === j ? 1 : 0))]);
  for (let k = 0; k < n; k++) {
    const pivot = rows.slice(k).reduce((best, row, at) => (Math.abs(row[k]!) > Math.abs(rows[best]![k]!) ? k + at : best), k);
    [rows[k], rows[pivot]] = [rows[pivot]!, rows[k]!];
    const head = rows[k]!.map((value) => value / rows[k]![k]!);
    rows[k] = head;
    for (let i = 0; i < n; i++) if (i !== k) rows[i] = rows[i]!.map((value, j) => value - rows[i]![k]! * head[j]!);
  }
  return rows.map((row) => row.slice(n));
};

describe('the surrogate', () => {
  it('learns effects that multiply, and says of what it has not seen what it has seen of its parts', () => {
    const trials: Timed[] = all
      .filter((_, at) => at % 5 !== 1)
      .map((configuration) => ({ configuration, latency: truth(configuration), calls: 1000 }));
    const belief = surrogate(trials);
    for (const configuration of all) {
      const tried = trials.some((each) => each.configuration === configuration);
      const { mean, deviation } = belief(configuration);
      expect(Math.abs(mean - Math.log(truth(configuration)))).toBeLessThan(tried ? 0.01 : 0.12);
      expect(deviation).toBeLessThan(tried ? 0.01 : 0.1);
      if (!tried) expect(deviation).toBeGreaterThan(0.05);
    }
  });

  it('is the conditional distribution of a normal one, as its definition reads', () => {
    const covariance = (one: Configuration, other: Configuration): number =>
      1 + Object.keys(one).reduce((sum, id) => sum + (one[id] === other[id] ? 0.01 : 0), 0) + (keyOf(one) === keyOf(other) ? 0.0036 : 0);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(all.length - 1), fc.double({ min: 1, max: 50, noNaN: true }), fc.integer({ min: 1, max: 9 })), {
          minLength: 1,
          maxLength: 9,
        }),
        fc.nat(all.length - 1),
        (drawn, at) => {
          const trials = drawn.map(([which, latency, calls]) => ({ configuration: all[which]!, latency, calls }));
          const asked = all[at]!;
          const middle = trials.reduce((sum, { latency }) => sum + Math.log(latency) / trials.length, 0);
          const known = inverse(
            trials.map((one, i) =>
              trials.map((other, j) => covariance(one.configuration, other.configuration) + (i === j ? 0.015625 / one.calls : 0)),
            ),
          );
          const across = trials.map((each) => covariance(asked, each.configuration));
          const weights = known.map((row) => row.reduce((sum, value, j) => sum + value * across[j]!, 0));
          const mean = middle + weights.reduce((sum, weight, i) => sum + weight * (Math.log(trials[i]!.latency) - middle), 0);
          const variance = covariance(asked, asked) - weights.reduce((sum, weight, i) => sum + weight * across[i]!, 0);
          const belief = surrogate(trials)(asked);
          expect(belief.mean).toBeCloseTo(mean, 8);
          expect(belief.deviation ** 2).toBeCloseTo(variance, 8);
        },
      ),
    );
  });

  it('knows nothing without trials', () => {
    expect(surrogate([])(all[0]!)).toEqual({ mean: 0, deviation: Math.sqrt(1 + 0.03 + 0.0036) });
  });
});

const settingOf = (more: Partial<SearchSetting> = {}): SearchSetting => ({
  options: space.map(({ id, values }) => ({ id, values: [...values] })),
  model: 'variant',
  'nll-bound': 0.1,
  trials: 7,
  calls: 8,
  seed: 3,
  ...more,
});
const losses: Record<string, number> = { main: 0, small: 0.05, tiny: 0.5 };
/** Plays a search against the truth; every action that it took. */
const actionsOf = (setting: SearchSetting, loss: (configuration: Configuration) => number): readonly SearchAction[] => {
  const search = improvementSearch(setting, { calls: 6 });
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

describe('the search', () => {
  const keeping = ({ variant }: Configuration): number => losses[String(variant)]!;

  it('tries nothing twice, not the default again, and no more than it may, each with its requests', () => {
    for (let seed = 0; seed < 20; seed++) {
      const tried = actionsOf(settingOf({ seed }), keeping).flatMap((action) => ('try' in action ? [action] : []));
      expect(tried).toHaveLength(7);
      expect(new Set(tried.map((action) => keyOf(action.try))).size).toBe(7);
      expect(tried.map((action) => keyOf(action.try))).not.toContain(keyOf(all[0]!));
      expect(tried.every(({ calls }) => calls === 6)).toBe(true);
    }
    expect(actionsOf(settingOf({ calls: 2 }), keeping)[0]).toMatchObject({ calls: 2 });
    // Fewer configurations than trials: then all are tried.
    expect(actionsOf(settingOf({ trials: 40 }), () => 0)).toHaveLength(all.length);
  });

  it('finds the fastest that keeps the bound; what broke it once is not tried again', () => {
    let best = 0;
    for (let seed = 0; seed < 20; seed++) {
      const actions = actionsOf(settingOf({ seed }), keeping);
      const last = actions.at(-1)!;
      if (!('found' in last)) throw new Error('no end');
      expect(last.found['variant']).not.toBe('tiny');
      expect(actions.filter((action) => 'try' in action && action.try['variant'] === 'tiny').length).toBeLessThanOrEqual(1);
      if (truth(last.found) <= 1.05 * 10 * 0.7 * 0.6) best += 1;
    }
    expect(best).toBe(20);
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
