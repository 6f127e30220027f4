import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Density, masked } from '../../../src/optimizations/sparse-network/mask.ts';
import { seededRandom } from '../../../src/statistics/random.ts';

/** Slow and obvious: sorts every group by score, then position; zeroes what is behind the last place. */
const oracle = (weights: Float32Array, inputs: number, density: Density, score: (at: number, input: number) => number): Float32Array => {
  const out = Float32Array.from(weights);
  for (let row = 0; row < weights.length / inputs; row += 1) {
    const [width, kept] = 'zeros' in density ? [inputs, inputs - Math.round(inputs * density.zeros)] : [density.of, density.kept];
    for (let from = 0; from < inputs; from += width)
      Array.from({ length: Math.min(width, inputs - from) }, (_, at) => from + at)
        .sort((a, b) => score(row * inputs + b, b) - score(row * inputs + a, a) || a - b)
        .slice(kept)
        .forEach((input) => {
          out[row * inputs + input] = 0;
        });
  }
  return out;
};

const densities = fc.oneof(
  fc.integer({ min: 2, max: 9 }).chain((of) => fc.integer({ min: 1, max: of - 1 }).map((kept) => ({ kept, of }))),
  fc.double({ min: 0, max: 0.99, noNaN: true }).map((zeros) => ({ zeros })),
);

describe('masks', () => {
  test('leave the largest of every group, of equal ones the first, and nothing else is touched', () => {
    fc.assert(
      fc.property(
        densities,
        fc.integer({ min: 1, max: 21 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer(),
        (density, inputs, outputs, levels, seed) => {
          const random = seededRandom(seed);
          // Few levels: ties are the rule.
          const weights = Float32Array.from({ length: inputs * outputs }, () => 1 + Math.floor(random() * levels));
          const scales = Float64Array.from({ length: inputs }, () => Math.floor(random() * 3));
          const score = (at: number, input: number): number => Math.abs(weights[at]!) * scales[input]!;
          expect(masked(weights, inputs, density, score)).toEqual(oracle(weights, inputs, density, score));
        },
      ),
    );
  });

  test('2:4 of eight inputs by hand', () => {
    const weights = Float32Array.of(1, -4, 3, 2, 0.5, 0.25, -0.125, 8);
    const magnitude = (at: number): number => Math.abs(weights[at]!);
    expect([...masked(weights, 8, { kept: 2, of: 4 }, magnitude)]).toEqual([0, -4, 3, 0, 0.5, 0, 0, 8]);
    expect([...masked(weights, 8, { zeros: 0.5 }, magnitude)]).toEqual([0, -4, 3, 2, 0, 0, 0, 8]);
    expect([...masked(weights, 8, { zeros: 0 }, magnitude)]).toEqual([...weights]);
  });
});
