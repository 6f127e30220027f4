import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Matrix } from '../../src/contract/build.ts';
import { flipped, matrix } from '../../src/optimizations/algebra/matrix.ts';
import { triangleOf } from '../../src/optimizations/algebra/triangle.ts';
import { symmetricEigen } from '../../src/optimizations/tensor-decomposition/eigen.ts';
import { orthonormalRows, randomisedSvd } from '../../src/optimizations/tensor-decomposition/factorisation.ts';
import { factorise, unweighed, weighingBy, weighingByEnergy } from '../../src/optimizations/tensor-decomposition/linear.ts';
import { savingRank, wantedRank } from '../../src/optimizations/tensor-decomposition/rank.ts';
import { seededRandom } from '../../src/statistics/random.ts';
import { products } from './miniature.ts';
import { numbers, times } from './plain-matrix.ts';

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

const decaying = (seed: number, rows: number, columns: number, power: number): Matrix =>
  matrix(
    rows,
    columns,
    numbers(seed, rows * columns).map((value, at) => value * (1 + Math.floor(at / columns)) ** -power),
  );
const timesTransposed = (left: Matrix, right: Matrix): Matrix => times(left, flipped(right));
const identity = (n: number): Matrix =>
  matrix(
    n,
    n,
    Array.from({ length: n * n }, (_, at) => Number(at % (n + 1) === 0)),
  );
const norm = ({ data }: Matrix): number => Math.sqrt(data.reduce((sum, value) => sum + value * value, 0));
const minus = (a: Matrix, b: Matrix): Matrix => ({ ...a, data: a.data.map((value, at) => value - b.data[at]!) });

const weights = decaying(1, oracle.rows, oracle.columns, 0.7);
const inputs = decaying(2, oracle.rows, oracle.samples, 0.5);
const moment = timesTransposed(inputs, inputs).data.map((value) => value / oracle.samples);

const diagonal = Float64Array.from({ length: oracle.rows }, (_, at) => moment[at * (oracle.rows + 1)]!);

describe('truncated products against the optimum that NumPy computes', () => {
  test.each(Object.keys(oracle.plain.errors))('rank %s, plain: within 5 %', async (rank) => {
    const { first, second } = await factorise(weights, Number(rank), unweighed, seededRandom(3), products);
    expect([first.columns, second.rows]).toEqual([Number(rank), Number(rank)]);
    const error = norm(minus(weights, times(first, second)));
    expect(error / oracle.plain.errors[rank]!).toBeGreaterThan(1 - 1e-9);
    expect(error / oracle.plain.errors[rank]!).toBeLessThan(1.05);
  });

  test.each(Object.keys(oracle.weighed.errors))('rank %s, weighed by inputs: within 5 %, and better than plain', async (rank) => {
    const weighing = await weighingBy(moment, products);
    const { first, second } = await factorise(weights, Number(rank), weighing, seededRandom(3), products);
    const error = norm(await weighing.weigh(minus(weights, times(first, second))));
    expect(error / oracle.weighed.errors[rank]!).toBeLessThan(1.05);
    const plain = await factorise(weights, Number(rank), unweighed, seededRandom(3), products);
    expect(error).toBeLessThan(norm(await weighing.weigh(minus(weights, times(plain.first, plain.second)))));
  });

  test('the singular values are those of NumPy', async () => {
    const { values, energy } = await randomisedSvd(weights, 40, seededRandom(1), products);
    for (const [at, value] of oracle.plain.singular.entries()) expect(values[at]).toBeCloseTo(value, 6);
    expect(energy).toBeCloseTo(
      oracle.plain.singular.reduce((sum, value) => sum + value * value, 0),
      8,
    );
  });

  test.each([
    [0, 8],
    [0, 40],
    [0.5, 40],
    [0.5, 90],
  ])('spectra that are hard because they are flat, falling by the power %s: rank %s of 120 within 5 %', async (power, rank) => {
    const hard = decaying(11, 120, 300, power);
    const exact = symmetricEigen(timesTransposed(hard, hard)).values;
    const least = Math.sqrt(exact.slice(rank).reduce((sum, value) => sum + value, 0));
    const { first, second } = await factorise(hard, rank, unweighed, seededRandom(4), products);
    const error = norm(minus(hard, times(first, second)));
    expect(error / least).toBeGreaterThan(1 - 1e-9);
    expect(error / least).toBeLessThan(1.05);
  });

  test('full rank gives the matrix back', async () => {
    for (const weighing of [unweighed, await weighingBy(moment, products), weighingByEnergy(diagonal)]) {
      const { first, second } = await factorise(weights, 40, weighing, seededRandom(5), products);
      expect(norm(minus(weights, times(first, second))) / norm(weights)).toBeLessThan(1e-6);
    }
  });

  test('the seed decides the sketch and nothing else does', async () => {
    const one = await randomisedSvd(weights, 8, seededRandom(1), products);
    expect((await randomisedSvd(weights, 8, seededRandom(1), products)).left.data).toEqual(one.left.data);
    expect((await randomisedSvd(weights, 8, seededRandom(2), products)).left.data).not.toEqual(one.left.data);
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

  test.each([1, 2, 63, 150])('eigenvectors of a large matrix, half of whose eigenvalues are 0: %s', (n) => {
    const half = decaying(n, n, Math.ceil(n / 2), 0.3);
    const symmetric = timesTransposed(half, half);
    const { values, vectors } = symmetricEigen(symmetric);
    const back = times(
      flipped(vectors),
      matrix(
        n,
        n,
        vectors.data.map((value, at) => value * values[Math.floor(at / n)]!),
      ),
    );
    expect(norm(minus(back, symmetric)) / norm(symmetric)).toBeLessThan(1e-13);
    expect(norm(minus(timesTransposed(vectors, vectors), identity(n)))).toBeLessThan(1e-12 * n);
  });

  test('eigenvalues of what is not finite are refused', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => symmetricEigen(matrix(3, 3, [...Array(8).fill(1), value]))).toThrow('Expected finite elements');
    expect([...symmetricEigen(matrix(2, 2)).values]).toEqual([0, 0]);
  });

  test('eigenvectors of tiny and of huge matrices are orthonormal all the same', () => {
    for (const scale of [1e-300, 1e-160, 1, 1e150, 1e300])
      for (const [near, far] of [
        [1e-170, 1e-165],
        [1e-60, 1],
        [0, 1e-155],
      ] as const) {
        const { values, vectors } = symmetricEigen(
          matrix(
            3,
            3,
            [1, near, far, near, 1, far, far, far, 2].map((each) => each * scale),
          ),
        );
        expect(norm(minus(timesTransposed(vectors, vectors), identity(3)))).toBeLessThan(1e-14);
        expect(values.reduce((sum, each) => sum + each / scale, 0)).toBeCloseTo(4, 12);
      }
  });

  test.each([1, 7, 64, 65, 150])('a triangle and its inverse: %s', async (n) => {
    const square = minus(
      decaying(n, n, n, 0.2),
      matrix(
        n,
        n,
        identity(n).data.map((one) => -3 * one),
      ),
    );
    const gram = timesTransposed(square, square);
    const triangle = (await triangleOf(gram, 0, products))!;
    for (let i = 0; i < n; i += 1)
      for (let j = i + 1; j < n; j += 1) expect([triangle.lower.data[i * n + j], triangle.inverse.data[i * n + j]]).toEqual([0, 0]);
    expect(norm(minus(timesTransposed(triangle.lower, triangle.lower), gram)) / norm(gram)).toBeLessThan(1e-13);
    expect(norm(minus(times(triangle.inverse, triangle.lower), identity(n)))).toBeLessThan(1e-9);
  });

  test.each([3, 150])('a singular matrix has no triangle: %s', async (n) => {
    const thin = decaying(n, n, n - 1, 0.1);
    expect(await triangleOf(timesTransposed(thin, thin), 1e-12, products)).toBeNull();
    expect(await triangleOf(matrix(n, n, Array(n * n).fill(Number.NaN)), 0, products)).toBeNull();
  });

  test('inputs that are not finite are refused', async () => {
    await expect(weighingBy(Float64Array.of(1, 0, 0, Number.NaN), products)).rejects.toMatchObject({ code: 'non-finite-output' });
  });

  test.each([
    [5, 9, 0],
    [90, 200, 0],
    [90, 200, 2],
    [90, 200, 6],
  ])('rows %s × %s, falling by the power %s, become orthonormal', async (rows, columns, power) => {
    const found = await orthonormalRows(decaying(7, rows, columns, power), products);
    expect(norm(minus(timesTransposed(found, found), identity(rows)))).toBeLessThan(1e-12);
  });

  test('rows too nearly dependent to tell: each orthonormal to the others, or 0', async () => {
    const found = await orthonormalRows(times(decaying(7, 120, 120, 9), decaying(8, 120, 150, 9)), products);
    const gram = timesTransposed(found, found);
    expect(norm(minus(times(gram, gram), gram))).toBeLessThan(1e-9);
    const zeros = Array.from({ length: 120 }, (_, at) => gram.data[at * 121]!).filter((each) => each === 0).length;
    expect(zeros).toBeGreaterThan(0);
    expect(zeros).toBeLessThan(120);
  });

  test('dependent rows: as many orthonormal ones as the rank, of the same span, and zeros', async () => {
    const [rows, columns, rank] = [100, 140, 70];
    const dependent = times(decaying(3, rows, rank, 0), decaying(4, rank, columns, 0.5));
    const found = await orthonormalRows(dependent, products);
    const gram = timesTransposed(found, found);
    expect(
      norm(
        minus(
          gram,
          matrix(
            rows,
            rows,
            identity(rows).data.map((one, at) => (at < rank * rows ? one : 0)),
          ),
        ),
      ),
    ).toBeLessThan(1e-12);
    expect(norm(minus(times(timesTransposed(dependent, found), found), dependent)) / norm(dependent)).toBeLessThan(1e-9);
    expect((await orthonormalRows(matrix(3, 4), products)).data).toEqual(new Float64Array(12));
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
