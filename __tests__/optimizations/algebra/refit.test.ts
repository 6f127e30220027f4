import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Matrix } from '../../../src/contract/build.ts';
import { matrix } from '../../../src/optimizations/algebra/matrix.ts';
import { dampedMoment } from '../../../src/optimizations/algebra/moment.ts';
import { refittedRows, refittedTo, refittedWeights } from '../../../src/optimizations/algebra/refit.ts';
import { momentsInTurns } from '../../../src/optimizations/graph/moments.ts';
import { seededRandom } from '../../../src/statistics/random.ts';
import { products } from '../miniature.ts';
import { numbers, times } from '../plain-matrix.ts';

const oracle: {
  readonly inputs: number;
  readonly outputs: number;
  readonly samples: number;
  readonly keep: readonly number[];
  readonly mask: readonly number[];
  readonly rows: readonly number[];
  readonly masked: readonly number[];
  readonly factor: readonly number[];
  readonly errors: Readonly<Record<'cut' | 'rows' | 'mask' | 'masked', number>>;
} = JSON.parse(readFileSync(new URL('../../oracles/least-squares-refit.json', import.meta.url), 'utf8'));

/** leftᵀ · right in plain loops. */
const across = (left: Matrix, right: Matrix): Matrix => {
  const out = matrix(left.columns, right.columns);
  for (let row = 0; row < left.rows; row += 1)
    for (let i = 0; i < left.columns; i += 1)
      for (let j = 0; j < right.columns; j += 1)
        out.data[i * right.columns + j]! += left.data[row * left.columns + i]! * right.data[row * right.columns + j]!;
  return out;
};
const taken = ({ columns, data, rows }: Matrix, keep: readonly number[]): Matrix =>
  matrix(
    keep.length,
    columns,
    keep.flatMap((row) => [...data.subarray(Math.min(row, rows) * columns, (row + 1) * columns)]),
  );
/** ‖goal − inputs · weights‖² */
const lost = (goal: Matrix, inputs: Matrix, weights: Matrix): number =>
  times(inputs, weights).data.reduce((sum, value, at) => sum + (goal.data[at]! - value) ** 2, 0);
const columnsOf = (table: Matrix, keep: readonly number[]): Matrix =>
  matrix(
    table.rows,
    keep.length,
    Array.from({ length: table.rows }, (_, row) => keep.map((column) => table.data[row * table.columns + column]!)).flat(),
  );

/** Solves a · x = b by elimination with pivots: slow and obvious. */
const eliminated = (a: Matrix, b: readonly number[]): number[] => {
  const n = a.rows;
  const rows = Array.from({ length: n }, (_, at) => [...a.data.subarray(at * n, (at + 1) * n), b[at]!]);
  for (let column = 0; column < n; column += 1) {
    const pivot = rows
      .slice(column)
      .reduce((best, row, at) => (Math.abs(row[column]!) > Math.abs(rows[best]![column]!) ? column + at : best), column);
    [rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!];
    for (let below = column + 1; below < n; below += 1) {
      const factor = rows[below]![column]! / rows[column]![column]!;
      for (let at = column; at <= n; at += 1) rows[below]![at]! -= factor * rows[column]![at]!;
    }
  }
  const x = new Array<number>(n).fill(0);
  for (let row = n - 1; row >= 0; row -= 1)
    x[row] = (rows[row]![n]! - x.reduce((sum, value, at) => sum + (at > row ? value * rows[row]![at]! : 0), 0)) / rows[row]![row]!;
  return x;
};

const { inputs: n, outputs: m, samples } = oracle;
const weights = matrix(n, m, numbers(1, n * m));
const mixing = matrix(
  n,
  n,
  Array.from({ length: n * n }, (_, at) => {
    const [row, column] = [Math.floor(at / n), at % n];
    return column === row ? 1 : column === row + 1 ? 0.5 : column === row - 2 ? 0.3 : 0;
  }),
);
const inputs = times(matrix(samples, n, numbers(2, samples * n)), mixing);
const goal = times(inputs, weights);
const moment = across(inputs, inputs);
const masked = matrix(
  n,
  m,
  weights.data.map((value, at) => (oracle.mask[at] === 1 ? value : 0)),
);
const relative = (found: ArrayLike<number>, expected: readonly number[]): number =>
  Math.max(...expected.map((value, at) => Math.abs(value - found[at]!))) / Math.max(...expected.map(Math.abs));

describe('one layer, against NumPy', () => {
  test('inputs that are left: the same weights, and about as small an error as there is', async () => {
    const found = await refittedRows(weights, oracle.keep, moment.data, products);
    expect([found.rows, found.columns]).toEqual([oracle.keep.length, m]);
    expect(relative(found.data, oracle.rows)).toBeLessThan(1e-7);
    expect(lost(goal, columnsOf(inputs, oracle.keep), found) / oracle.errors.rows).toBeCloseTo(1, 6);
    expect(oracle.errors.rows).toBeLessThan(0.8 * oracle.errors.cut);
  });

  test('a mean in place of a sum changes nothing', async () => {
    const mean = moment.data.map((value) => value / samples);
    expect(relative((await refittedRows(weights, oracle.keep, mean, products)).data, oracle.rows)).toBeLessThan(1e-7);
  });

  test('weights that a mask leaves: within 1 % of the least error', async () => {
    const found = await refittedWeights(weights, masked, dampedMoment(moment.data), products);
    expect(found.data.map((value) => Number(value !== 0))).toEqual(Float64Array.from(oracle.mask));
    expect(lost(goal, inputs, found) / oracle.errors.masked).toBeLessThan(1.01);
    expect(oracle.errors.masked).toBeLessThan(0.8 * oracle.errors.mask);
  });

  test('a factor that is fed something else than before', async () => {
    const noise = numbers(3, samples * 8);
    const fed = matrix(
      samples,
      8,
      noise.map((value, at) => inputs.data[Math.floor(at / 8) * n + (at % 8)]! + 0.2 * value),
    );
    const first = taken(weights, [0, 1, 2, 3, 4, 5, 6, 7]);
    const found = await refittedTo(first, across(fed, fed).data, across(fed, goal), products);
    expect(relative(found.data, oracle.factor)).toBeLessThan(1e-7);
  });
});

describe('what is refitted', () => {
  test('rows of a sparse matrix keep its zeros, and are no further off', async () => {
    const keep = oracle.keep;
    const found = await refittedRows(masked, keep, moment.data, products);
    const cut = taken(masked, keep);
    expect(found.data.map((value) => Number(value === 0))).toEqual(cut.data.map((value) => Number(value === 0)));
    const target = times(inputs, masked);
    expect(lost(target, columnsOf(inputs, keep), found)).toBeLessThan(lost(target, columnsOf(inputs, keep), cut));
  });

  test('inputs that calibration never saw leave the cut as it is; those that are not finite are refused', async () => {
    const nothing = new Float64Array(n * n);
    expect((await refittedRows(weights, oracle.keep, nothing, products)).data).toEqual(taken(weights, oracle.keep).data);
    expect((await refittedWeights(weights, masked, dampedMoment(nothing), products)).data).toEqual(masked.data);
    const broken = moment.data.with(3, Number.NaN);
    await expect(refittedRows(weights, oracle.keep, broken, products)).rejects.toMatchObject({ code: 'non-finite-output' });
    expect(() => dampedMoment(broken)).toThrow('Not all sums are finite numbers');
  });

  test('the same bytes every time', async () => {
    const once = await refittedWeights(weights, masked, dampedMoment(moment.data), products);
    expect((await refittedWeights(weights, masked, dampedMoment(moment.data), products)).data).toEqual(once.data);
  });

  const layer = fc.record({
    inputs: fc.integer({ min: 2, max: 12 }),
    outputs: fc.integer({ min: 1, max: 5 }),
    // Fewer positions than inputs: the moment is singular.
    positions: fc.integer({ min: 1, max: 20 }),
    seed: fc.integer(),
    scale: fc.constantFrom(1e-6, 1, 1e4),
    share: fc.double({ min: 0.1, max: 0.9, noNaN: true }),
  });
  const drawn = ({
    inputs: wide,
    outputs,
    positions,
    seed,
    scale,
  }: {
    inputs: number;
    outputs: number;
    positions: number;
    seed: number;
    scale: number;
  }) => {
    const random = seededRandom(seed);
    // Some channels are dead, some are copies of their neighbour.
    const x = matrix(positions, wide);
    for (let row = 0; row < positions; row += 1)
      for (let at = 0; at < wide; at += 1)
        x.data[row * wide + at] = at % 5 === 3 ? 0 : at % 5 === 4 ? x.data[row * wide + at - 2]! : scale * (random() - 0.5);
    return {
      random,
      x,
      w: matrix(
        wide,
        outputs,
        Array.from({ length: wide * outputs }, () => random() - 0.5),
      ),
    };
  };

  test('is never further off on calibration text than the cut alone, and rows are what elimination gives', async () => {
    await fc.assert(
      fc.asyncProperty(layer, async (shape) => {
        const { random, x, w } = drawn(shape);
        const seen = across(x, x);
        const y = times(x, w);
        const keep = Array.from({ length: shape.inputs }, (_, at) => at).filter((at) => at === 0 || random() > shape.share);
        const rows = await refittedRows(w, keep, seen.data, products);
        const [left, cut] = [columnsOf(x, keep), taken(w, keep)];
        const slack = 1e-9 * lost(y, x, matrix(shape.inputs, shape.outputs));
        expect(lost(y, left, rows)).toBeLessThanOrEqual(lost(y, left, cut) + slack);
        const damped = dampedMoment(seen.data);
        const kept = columnsOf(taken(damped, keep), keep);
        const missing = times(left, cut).data.map((value, at) => y.data[at]! - value);
        const wanted = across(left, { ...y, data: missing });
        for (let output = 0; output < shape.outputs; output += 1) {
          const slow = eliminated(
            kept,
            Array.from({ length: keep.length }, (_, at) => wanted.data[at * shape.outputs + output]!),
          );
          for (const [at, value] of slow.entries())
            expect(rows.data[at * shape.outputs + output]! - cut.data[at * shape.outputs + output]!).toBeCloseTo(value, 6);
        }
        const sparse = { ...w, data: w.data.map((value) => (random() < shape.share ? 0 : value)) };
        const weightsLeft = await refittedWeights(w, sparse, damped, products);
        expect(lost(y, x, weightsLeft)).toBeLessThanOrEqual(lost(y, x, sparse) + slack);
        const other = { ...x, data: x.data.map((value) => value + 0.1 * shape.scale * (random() - 0.5)) };
        const factor = await refittedTo(w, across(other, other).data, across(other, y), products);
        expect(lost(y, other, factor)).toBeLessThanOrEqual(lost(y, other, w) + slack);
      }),
      { numRuns: 60 },
    );
  });
});

describe('moments in turns', () => {
  const sized = [
    { key: 'a', elements: 2 ** 26 },
    { key: 'a', elements: 2 ** 26 },
    { key: 'b', elements: 2 ** 26 },
    { key: 'c', elements: 2 ** 28 },
    { key: 'd', elements: 4 },
  ];
  test('one sweep for as many as fit, at least for one; each key once', async () => {
    const turns: string[][] = [];
    const momentOf = momentsInTurns(sized, async (turn) => {
      turns.push([...turn]);
      return new Map(turn.map((key) => [key, key.toUpperCase()]));
    });
    for (const { key } of sized) expect(await momentOf(key)).toBe(key.toUpperCase());
    expect(turns).toEqual([['a', 'b'], ['c'], ['d']]);
  });
});
