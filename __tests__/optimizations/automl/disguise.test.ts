import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { disguised, perturbed } from '../../../src/optimizations/automl/disguise.ts';
import { type OracleRecord, oracleOf } from '../../../src/optimizations/automl/oracle.ts';
import { randomSearch } from '../../../src/optimizations/automl/random-search.ts';
import { configurationsOf, keyOf } from '../../../src/optimizations/automl/space.ts';
import { seededRandom } from '../../../src/statistics/random.ts';

const space = [
  { id: 'variant', values: ['main', 'small', 'tiny'] },
  { id: 'threads', values: [1, 2] },
  { id: 'arena', values: [true, false] },
];
const all = configurationsOf(space);
const record: OracleRecord = {
  reference: 10,
  losses: { main: 0, small: 0.05, tiny: 0.08 },
  configurations: all.map((configuration, at) => ({ configuration, requests: [10 + at, 11 + at], ready: 1 })),
};

describe('a space in disguise', () => {
  it('has every configuration once, the default first, and none of the names', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const { space: shown, shown: dress, real } = disguised(space, seededRandom(seed), 'test');
        const there = configurationsOf(shown);
        expect(there.map((each) => keyOf(real(each))).toSorted()).toEqual(all.map(keyOf).toSorted());
        expect(real(there[0] ?? {})).toEqual(all[0]);
        for (const each of all) expect(real(dress(each))).toEqual(each);
        expect(JSON.stringify(shown)).not.toMatch(/variant|threads|arena|main|small|tiny|true|false/);
      }),
    );
  });

  it('is another one for another seed', () => {
    const seen = new Set(
      Array.from({ length: 40 }, (_, seed) => JSON.stringify(disguised(space, seededRandom(seed), 'test').shown(all[11] ?? {}))),
    );
    expect(seen.size).toBeGreaterThan(3);
  });

  it.each([{}, { 'option-1': 'a' }, { 'option-1': 'z', 'option-2': 'a', 'option-3': 'a' }, { variant: 'main', threads: 1, arena: true }])(
    'knows no %j',
    (configuration) => {
      expect(() => disguised(space, seededRandom(1), 'test').real(configuration as never)).toThrow(
        expect.objectContaining({ code: 'subject-protocol', where: 'test' }),
      );
    },
  );
});

describe('a perturbed record', () => {
  it('has the same configurations, losses and noise, and another best one', () => {
    const bests = new Set<string>();
    for (let seed = 0; seed < 40; seed++) {
      const other = perturbed(record, seededRandom(seed));
      expect(other.configurations.map(({ configuration }) => configuration)).toEqual(all);
      expect(other.losses).toBe(record.losses);
      for (const [at, { requests }] of other.configurations.entries()) {
        const [fast = 0, slow = 0] = requests;
        expect(slow / fast).toBeCloseTo((11 + at) / (10 + at), 9);
      }
      const oracle = oracleOf(other, 1, 'test');
      bests.add(keyOf(all.find((each) => oracle.latency(each) === oracle.best) ?? {}));
    }
    // By heart it would always be the first.
    expect(bests.size).toBeGreaterThan(6);
  });

  it('is that of its seed', () => {
    expect(perturbed(record, seededRandom(3))).toEqual(perturbed(record, seededRandom(3)));
    expect(perturbed(record, seededRandom(4))).not.toEqual(perturbed(record, seededRandom(3)));
  });
});

describe('random search', () => {
  const oracle = oracleOf(record, 0.06, 'test');

  it('finds the best of what it tried that keeps the bound', () => {
    for (let seed = 0; seed < 20; seed++) {
      const { found, tried } = randomSearch(oracle, 0.06, 4, seededRandom(seed));
      expect(tried).toHaveLength(4);
      const allowed = [oracle.initial, ...tried.map(({ configuration }) => configuration)].filter((each) => oracle.loss(each) <= 0.06);
      expect(oracle.latency(found)).toBe(Math.min(...allowed.map(oracle.latency)));
    }
    expect(oracle.latency(randomSearch(oracle, 0.06, all.length, seededRandom(1)).found)).toBe(oracle.best);
  });
});
