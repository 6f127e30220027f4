import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cholesky, randomisedSvd, solveTransposed, symmetricEigen } from '../../src/optimizations/tensor-decomposition/factorisation.ts';
import { factorise, unweighed, weighingBy } from '../../src/optimizations/tensor-decomposition/linear.ts';
import {
  flipped,
  type Matrix,
  matrix,
  orthonormalRows,
  times,
  timesTransposed,
} from '../../src/optimizations/tensor-decomposition/matrix.ts';
import { savingRank, wantedRank } from '../../src/optimizations/tensor-decomposition/rank.ts';
import { seededRandom } from '../../src/statistics/random.ts';

interface Tails {
  readonly singular: readonly number[];
  readonly errors: Readonly<Record<string, number>>;
}
const oracle: {
  readonly rows: number;
  readonly columns: number;
  readonly samples: number;
  readonly plain: Tails;
  readonly weighed: Tails;
} = JSON.parse(readFileSync(new URL('../oracles/truncated-svd.json', import.meta.url), 'utf8'));

/** The generator of oracles/truncated-svd.py. */
const numbers = (seed: number, count: number): number[] => {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
};
const decaying = (seed: number, rows: number, columns: number, power: number): Matrix =>
  matrix(
    rows,
    columns,
    numbers(seed, rows * columns).map((value, at) => value * (1 + Math.floor(at / columns)) ** -power),
  );
const norm = ({ data }: Matrix): number => Math.sqrt(data.reduce((sum, value) => sum + value * value, 0));
const minus = (a: Matrix, b: Matrix): Matrix => ({ ...a, data: a.data.map((value, at) => value - b.data[at]!) });

const weights = decaying(1, oracle.rows, oracle.columns, 0.7);
const inputs = decaying(2, oracle.rows, oracle.samples, 0.5);
const moment = timesTransposed(inputs, inputs).data.map((value) => value / oracle.samples);

describe('truncated products against the optimum that NumPy computes', () => {
  test.each(Object.keys(oracle.plain.errors))('rank %s, plain: within 5 %', async (rank) => {
    const { first, second } = await factorise(weights, Number(rank), unweighed, seededRandom(3));
    expect([first.columns, second.rows]).toEqual([Number(rank), Number(rank)]);
    const error = norm(minus(weights, times(first, second)));
    expect(error / oracle.plain.errors[rank]!).toBeGreaterThan(1 - 1e-9);
    expect(error / oracle.plain.errors[rank]!).toBeLessThan(1.05);
  });

  test.each(Object.keys(oracle.weighed.errors))('rank %s, weighed by inputs: within 5 %, and better than plain', async (rank) => {
    const weighing = weighingBy(moment);
    const { first, second } = await factorise(weights, Number(rank), weighing, seededRandom(3));
    const error = norm(weighing.weigh(minus(weights, times(first, second))));
    expect(error / oracle.weighed.errors[rank]!).toBeLessThan(1.05);
    const plain = await factorise(weights, Number(rank), unweighed, seededRandom(3));
    expect(error).toBeLessThan(norm(weighing.weigh(minus(weights, times(plain.first, plain.second)))));
  });

  test('the singular values are those of NumPy', async () => {
    const { values, energy } = await randomisedSvd(weights, 40, seededRandom(1));
    for (const [at, value] of oracle.plain.singular.entries()) expect(values[at]).toBeCloseTo(value, 6);
    expect(energy).toBeCloseTo(
      oracle.plain.singular.reduce((sum, value) => sum + value * value, 0),
      8,
    );
  });

  test('full rank gives the matrix back', async () => {
    for (const weighing of [unweighed, weighingBy(moment)]) {
      const { first, second } = await factorise(weights, 40, weighing, seededRandom(5));
      expect(norm(minus(weights, times(first, second))) / norm(weights)).toBeLessThan(1e-6);
    }
  });

  test('the seed decides the sketch and nothing else does', async () => {
    const one = await randomisedSvd(weights, 8, seededRandom(1));
    expect((await randomisedSvd(weights, 8, seededRandom(1))).left.data).toEqual(one.left.data);
    expect((await randomisedSvd(weights, 8, seededRandom(2))).left.data).not.toEqual(one.left.data);
  });
});

const small = fc.integer({ min: 1, max: 9 });
const square = small.chain((n) =>
  fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: n * n, maxLength: n * n }).map((values) => matrix(n, n, values)),
);

describe('building blocks', () => {
  test('eigenvectors diagonalise any symmetric matrix', () => {
    fc.assert(
      fc.property(square, (a) => {
        const symmetric = { ...a, data: a.data.map((value, at) => value + flipped(a).data[at]!) };
        const { values, vectors } = symmetricEigen(symmetric);
        const back = times(flipped(vectors), {
          ...vectors,
          data: vectors.data.map((value, at) => value * values[Math.floor(at / vectors.columns)]!),
        });
        expect(norm(minus(back, symmetric))).toBeLessThan(1e-9 * (1 + norm(symmetric)));
        for (let at = 1; at < values.length; at += 1) expect(values[at]!).toBeLessThanOrEqual(values[at - 1]!);
      }),
      { numRuns: 60 },
    );
  });

  test('a triangle of a moment, and its solve', () => {
    fc.assert(
      fc.property(square, (a) => {
        const lower = cholesky(timesTransposed(a, a));
        const solved = solveTransposed(lower, a);
        expect(norm(minus(times(flipped(lower), solved), a))).toBeLessThan(1e-6 * (1 + norm(a)));
      }),
      { numRuns: 60 },
    );
  });

  test('dependent rows become zero, the others orthonormal', () => {
    const rows = orthonormalRows(matrix(3, 3, [1, 2, 2, 2, 4, 4, 0, 3, -3]));
    const gram = timesTransposed(rows, rows).data;
    expect(gram[0]).toBeCloseTo(1, 12);
    expect(gram[4]).toBe(0);
    expect(gram[8]).toBeCloseTo(1, 12);
    expect(gram[2]).toBeCloseTo(0, 12);
  });

  test('a rank that pays has fewer elements; the next multiple has not', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 600 }),
        fc.integer({ min: 1, max: 600 }),
        fc.integer({ min: 1, max: 16 }),
        (rows, columns, multiple) => {
          const rank = savingRank(rows * columns, rows + columns, multiple);
          expect(rank % multiple).toBe(0);
          if (rank > 0) expect(rank * (rows + columns)).toBeLessThan(rows * columns);
          expect((rank + multiple) * (rows + columns)).toBeGreaterThanOrEqual(rows * columns);
        },
      ),
    );
  });

  test('the rank that an energy needs', () => {
    const by = (keep: number) => ({ target: 'ffn', aware: true, multiple: 1, rank: { by: 'energy', keep } }) as const;
    expect(wantedRank(by(0.5), [3, 2, 1], 14, 3)).toBe(1);
    expect(wantedRank(by(0.9), [3, 2, 1], 14, 3)).toBe(2);
    expect(wantedRank(by(0.99), [3, 2], 14, 3)).toBeNull();
    expect(wantedRank({ ...by(1), rank: { by: 'ratio', share: 0.5 } }, [], 0, 10)).toBe(5);
    expect(wantedRank({ ...by(1), multiple: 8, rank: { by: 'ratio', share: 0.5 } }, [], 0, 10)).toBe(8);
  });
});
