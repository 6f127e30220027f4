import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { median } from '../../src/statistics/describe.ts';
import { hodgesLehmann } from '../../src/statistics/hodges-lehmann.ts';
import { holm } from '../../src/statistics/holm.ts';
import { smallestDetectable } from '../../src/statistics/power.ts';
import { deriveSeed, seededRandom, shuffled } from '../../src/statistics/random.ts';
import { signedRankGreater } from '../../src/statistics/signed-rank.ts';

/** Slow oracle: all sign patterns of the mid-ranks, counted one by one. */
const enumerated = (values: readonly number[]): number => {
  const x = values.filter((value) => value !== 0);
  const sizes = x.map(Math.abs);
  const ranks = sizes.map(
    (size) => sizes.filter((other) => other < size).length + (sizes.filter((other) => other === size).length + 1) / 2,
  );
  const observed = x.reduce((sum, value, i) => sum + (value > 0 ? ranks[i]! : 0), 0);
  let atLeast = 0;
  for (let signs = 0; signs < 2 ** x.length; signs++) {
    const sum = ranks.reduce((total, rank, i) => total + ((signs >> i) & 1 ? rank : 0), 0);
    if (sum >= observed - 1e-9) atLeast += 1;
  }
  return atLeast / 2 ** x.length;
};

const small = fc.array(fc.integer({ min: -4, max: 4 }), { maxLength: 10 });
const real = fc.double({ min: -1, max: 1, noNaN: true });

describe('signed rank test', () => {
  it('equals the enumeration, ties and zeros included', () => {
    fc.assert(
      fc.property(small, (values) => {
        expect(signedRankGreater(values)).toBeCloseTo(enumerated(values), 12);
      }),
      { numRuns: 200 },
    );
  });

  it('is 2^-n when everything is above, 1 when nothing differs', () => {
    expect(signedRankGreater(Array.from({ length: 12 }, (_, i) => i + 1))).toBe(2 ** -12);
    expect(signedRankGreater([0, 0, 0])).toBe(1);
    expect(signedRankGreater([3, 3, 3], 3)).toBe(1);
  });

  it('never grows when a value does, as long as no two are as far from the centre', () => {
    // Sizes that differ by 1e-9 of themselves are a tie.
    const untied = (values: readonly number[]): boolean => {
      const sizes = values.map(Math.abs).sort((a, b) => a - b);
      return sizes.every((size, at) => at === 0 || size > (1 + 1e-8) * (sizes[at - 1] ?? 0));
    };
    fc.assert(
      fc.property(
        fc.array(real, { minLength: 1, maxLength: 15 }),
        fc.nat(),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (values, at, step) => {
          const more = values.map((value, i) => (i === at % values.length ? value + step : value));
          fc.pre(untied(values) && untied(more));
          expect(signedRankGreater(more)).toBeLessThanOrEqual(signedRankGreater(values) + 1e-12);
        },
      ),
    );
  });

  it('with ties it can: the exact distribution is that of the ranks in hand', () => {
    expect(signedRankGreater([10, 11, -12, 10])).toBe(0.375);
    expect(signedRankGreater([11, 11, -12, 10])).toBe(0.4375);
  });

  it('keeps its level for symmetric noise', () => {
    const random = seededRandom(5);
    let rejections = 0;
    for (let run = 0; run < 2000; run++) {
      const values = Array.from({ length: 12 }, () => (random() - 0.5) ** 3);
      if (signedRankGreater(values) <= 0.05) rejections += 1;
    }
    expect(rejections / 2000).toBeLessThan(0.065);
    expect(rejections / 2000).toBeGreaterThan(0.03);
  });
});

describe('Hodges-Lehmann', () => {
  it('moves with the values, and mirrors them', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 5, maxLength: 20 }),
        fc.integer({ min: -50, max: 50 }),
        (values, shift) => {
          const plain = hodgesLehmann(values);
          expect(hodgesLehmann(values.map((value) => value + shift)).estimate).toBeCloseTo(plain.estimate + shift, 9);
          expect(hodgesLehmann(values.map((value) => -value)).upper).toBeCloseTo(-plain.lower!, 9);
          expect(plain.lower!).toBeLessThanOrEqual(plain.estimate);
          expect(plain.upper!).toBeGreaterThanOrEqual(plain.estimate);
        },
      ),
    );
  });

  it('bounds what the test does not reject', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: -500, max: 500 }), { minLength: 6, maxLength: 20 }), (values) => {
        const { lower } = hodgesLehmann(values);
        expect(signedRankGreater(values, lower! - 0.1)).toBeLessThanOrEqual(0.05);
        expect(signedRankGreater(values, lower! + 0.1)).toBeGreaterThan(0.05);
      }),
    );
  });

  it('has a bound from five values on, not below', () => {
    expect(hodgesLehmann([1, 2, 3, 4, 5])).toEqual({ estimate: 3, lower: 1, upper: 5 });
    expect(hodgesLehmann([1, 2, 3, 4])).toEqual({ estimate: 2.5, lower: null, upper: null });
  });
});

describe('Holm', () => {
  const p = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 20 });
  it('lies between the raw p and Bonferroni, and keeps the order', () => {
    fc.assert(
      fc.property(p, (values) => {
        const adjusted = holm(values);
        values.forEach((value, i) => {
          expect(adjusted[i]!).toBeGreaterThanOrEqual(value);
          expect(adjusted[i]!).toBeLessThanOrEqual(Math.min(1, value * values.length) + 1e-12);
          values.forEach((other, j) => {
            if (value < other) expect(adjusted[i]!).toBeLessThanOrEqual(adjusted[j]!);
          });
        });
      }),
    );
  });

  it('treats absent members of a family as p = 1', () => {
    fc.assert(
      fc.property(p, fc.nat(5), (values, absent) => {
        expect(holm(values, values.length + absent)).toEqual(holm([...values, ...new Array(absent).fill(1)]).slice(0, values.length));
      }),
    );
  });
});

describe('seeded random', () => {
  it('repeats itself, stays in [0, 1) and is even', () => {
    const [one, two] = [seededRandom(9), seededRandom(9)];
    const drawn = Array.from({ length: 20_000 }, one);
    expect(drawn.slice(0, 5)).toEqual([two(), two(), two(), two(), two()]);
    expect(drawn.every((value) => value >= 0 && value < 1)).toBe(true);
    for (let bin = 0; bin < 10; bin++) {
      const share = drawn.filter((value) => Math.floor(value * 10) === bin).length / drawn.length;
      expect(Math.abs(share - 0.1)).toBeLessThan(0.01);
    }
    expect(seededRandom(10)()).not.toBe(seededRandom(9)());
  });

  it('derives seeds from whole labels', () => {
    expect(deriveSeed(1, 'a', 'b')).toBe(deriveSeed(1, 'a', 'b'));
    const seeds = [
      deriveSeed(1, 'a', 'b'),
      deriveSeed(1, 'ab'),
      deriveSeed(1, 'b', 'a'),
      deriveSeed(2, 'a', 'b'),
      deriveSeed(1, 'a', 'b', ''),
      deriveSeed(1),
    ];
    expect(new Set(seeds).size).toBe(seeds.length);
    expect(seeds.every((seed) => Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32)).toBe(true);
  });

  it('shuffles into a permutation and leaves its input alone', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.nat(), (items, seed) => {
        const before = [...items];
        expect(shuffled(items, seededRandom(seed)).toSorted((a, b) => a - b)).toEqual(items.toSorted((a, b) => a - b));
        expect(items).toEqual(before);
      }),
    );
  });

  it('puts every item everywhere equally often', () => {
    const random = seededRandom(3);
    const seen = new Map<string, number>();
    for (let run = 0; run < 6000; run++) {
      const order = shuffled(['a', 'b', 'c'], random).join('');
      seen.set(order, (seen.get(order) ?? 0) + 1);
    }
    expect(seen.size).toBe(6);
    for (const count of seen.values()) expect(Math.abs(count / 6000 - 1 / 6)).toBeLessThan(0.02);
  });
});

describe('smallest detectable change', () => {
  const noise = (n: number, sd: number, seed: number) => {
    const random = seededRandom(seed);
    return Array.from({ length: n }, () => sd * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()));
  };

  it('is found in about 80 % of simulated runs, and half the excess is not', () => {
    const found = (effect: number): number => {
      let rejections = 0;
      for (let run = 0; run < 400; run++) {
        const values = noise(24, 0.02, run).map((value) => value + effect);
        if (signedRankGreater(values, 0.02) <= 0.01) rejections += 1;
      }
      return rejections / 400;
    };
    const answers = Array.from(
      { length: 21 },
      (_, i) => smallestDetectable({ values: noise(24, 0.02, 1000 + i), launches: 24, margin: 0.02, alpha: 0.01 })!,
    );
    const change = median(answers);
    expect(found(change)).toBeGreaterThan(0.7);
    expect(found(change)).toBeLessThan(0.92);
    expect(found(0.02 + (change - 0.02) / 2)).toBeLessThan(0.45);
  });

  it('is not claimed where no outcome could reach alpha', () => {
    expect(smallestDetectable({ values: [0, 0.1, 0.2], launches: 5, margin: 0.02, alpha: 0.01 })).toBeNull();
    expect(smallestDetectable({ values: [0.1], launches: 36, margin: 0.02, alpha: 0.05 })).toBeNull();
    expect(smallestDetectable({ values: [0, 1.7e308, 0, 0], launches: 36, margin: 0, alpha: 0.05 })).toBeNull();
    expect(smallestDetectable({ values: [0, 0, 0], launches: 36, margin: 0.02, alpha: 0.05 })).toBe(0.02);
  });
});
