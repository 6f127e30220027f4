import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import type { Matrix, Products } from '../../src/contract/build.ts';
import { openProducts } from '../../src/runtime/product.ts';
import { roots } from './tiny-model.ts';

const products = openProducts(roots) satisfies Products;
afterAll(() => products.release());

type Layout = 'left' | 'right' | undefined;
const turned = <Values extends Float32Array | Float64Array>({ rows, columns, data }: Matrix<Values>): Matrix<Values> => {
  const out = data.slice() as Values;
  for (let i = 0; i < rows; i += 1) for (let j = 0; j < columns; j += 1) out[j * rows + i] = data[i * columns + j]!;
  return { rows: columns, columns: rows, data: out };
};
const side = fc.integer({ min: 0, max: 7 });
const values = (count: number) => fc.array(fc.integer({ min: -9, max: 9 }), { minLength: count, maxLength: count });
const factors = fc.tuple(side, side, side).chain(([rows, inner, columns]) =>
  fc.record({
    rows: fc.constant(rows),
    inner: fc.constant(inner),
    columns: fc.constant(columns),
    a: values(rows * inner),
    b: values(inner * columns),
  }),
);

describe('products', () => {
  // Whole numbers, so that every order of additions gives the same.
  test.each([
    [Float32Array, undefined],
    [Float32Array, 'left'],
    [Float32Array, 'right'],
    [Float64Array, undefined],
    [Float64Array, 'left'],
    [Float64Array, 'right'],
  ] as const)('%o, transposed: %s', async (Type, layout: Layout) => {
    await fc.assert(
      fc.asyncProperty(factors, async ({ rows, inner, columns, a, b }) => {
        const left: Matrix<Float32Array | Float64Array> = { rows, columns: inner, data: Type.from(a) };
        const right: Matrix<Float32Array | Float64Array> = { rows: inner, columns, data: Type.from(b) };
        const expected = Array.from({ length: rows * columns }, (_, at) => {
          let sum = 0;
          for (let k = 0; k < inner; k += 1) sum += a[Math.floor(at / columns) * inner + k]! * b[k * columns + (at % columns)]!;
          return sum;
        });
        const found = await products.multiply(layout === 'left' ? turned(left) : left, layout === 'right' ? turned(right) : right, layout);
        expect(found).toMatchObject({ rows, columns });
        expect(found.data).toBeInstanceOf(Type);
        // A sum of products with 0 may be -0, which is another value only to a test.
        expect(Array.from(found.data, (each: number) => each + 0)).toEqual(expected.map((each) => each + 0));
      }),
      { numRuns: 40 },
    );
  });

  test('float64 keeps what float32 loses', async () => {
    const [one, tiny] = (
      await products.multiply(
        { rows: 2, columns: 1, data: Float64Array.of(1 + 2 ** -40, 1) },
        { rows: 1, columns: 1, data: Float64Array.of(1) },
      )
    ).data;
    expect(one! - tiny!).toBe(2 ** -40);
    const [coarse, same] = (
      await products.multiply(
        { rows: 2, columns: 1, data: Float32Array.of(1 + 2 ** -40, 1) },
        { rows: 1, columns: 1, data: Float32Array.of(1) },
      )
    ).data;
    expect(coarse).toBe(same);
  });

  test('a view into a larger array is only what it shows', async () => {
    const data = Float64Array.of(9, 9, 1, 2, 3, 4, 9).subarray(2, 6);
    const square = { rows: 2, columns: 2, data };
    expect(Array.from((await products.multiply(square, square)).data)).toEqual([7, 10, 15, 22]);
  });

  test('the same numbers give the same bits, however many run at once', async () => {
    const some = (seed: number): Matrix => ({
      rows: 130,
      columns: 130,
      data: Float64Array.from({ length: 130 * 130 }, (_, at) => Math.sin(seed + at)),
    });
    const all = await Promise.all(Array.from({ length: 4 }, () => products.multiply(some(1), some(2), 'left')));
    for (const each of all) expect(each.data).toEqual(all[0]!.data);
  });

  test.each([
    [
      'inner sides',
      { rows: 2, columns: 3, data: new Float64Array(6) },
      { rows: 2, columns: 3, data: new Float64Array(6) },
      /2 × 3 and 2 × 3/,
    ],
    [
      'a wrong length',
      { rows: 2, columns: 3, data: new Float64Array(5) },
      { rows: 3, columns: 1, data: new Float64Array(3) },
      /of the left one/,
    ],
    [
      'a negative side',
      { rows: 1, columns: 1, data: new Float64Array(1) },
      { rows: -1, columns: -1, data: new Float64Array(1) },
      /of the right one/,
    ],
    [
      'half a row',
      { rows: 0.5, columns: 2, data: new Float64Array(1) },
      { rows: 2, columns: 1, data: new Float64Array(2) },
      /of the left one/,
    ],
    ['two types', { rows: 1, columns: 1, data: new Float64Array(1) }, { rows: 1, columns: 1, data: new Float32Array(1) }, /two of float64/],
  ] as const)('refused: %s', async (_, left: Matrix<Float32Array | Float64Array>, right: Matrix<Float32Array | Float64Array>, message) => {
    const product = products.multiply(left, right);
    await expect(product).rejects.toMatchObject({ code: 'option-invalid' });
    await expect(product).rejects.toThrow(message);
  });

  test('without a runtime it says where it looked; nothing is loaded before the first product', async () => {
    const none = openProducts(['/nowhere']);
    const one = { rows: 1, columns: 1, data: Float64Array.of(2) };
    await expect(none.multiply(one, one)).rejects.toMatchObject({ code: 'runtime-not-found' });
    await none.release();
    await openProducts(['/nowhere']).release();
  });
});
