import type { Matrix, Products } from '../../contract/build.ts';
import { block, matrix, placed, scaledRows } from './matrix.ts';

/** Lower triangle L of a symmetric matrix L·Lᵀ, and its inverse. */
export interface Triangle {
  readonly lower: Matrix;
  readonly inverse: Matrix;
}

/** Up to here loops are faster than products of halves. */
const plain = 64;

const plainTriangle = ({ rows: n, data }: Matrix, floors: Float64Array): Triangle | null => {
  const [lower, inverse] = [matrix(n, n), matrix(n, n)];
  const [l, m] = [lower.data, inverse.data];
  for (let i = 0; i < n; i += 1) {
    for (let j = 0; j <= i; j += 1) {
      let sum = data[i * n + j] as number;
      for (let k = 0, a = i * n, b = j * n; k < j; k += 1, a += 1, b += 1) sum -= (l[a] as number) * (l[b] as number);
      if (i === j && !(sum > (floors[i] ?? 0))) return null;
      l[i * n + j] = i === j ? Math.sqrt(sum) : sum / (l[j * n + j] as number);
    }
    const pivot = l[i * n + i] as number;
    for (let k = 0; k < i; k += 1) {
      const factor = (l[i * n + k] as number) / pivot;
      for (let j = 0, to = i * n, from = k * n; j <= k; j += 1, to += 1, from += 1)
        m[to] = (m[to] as number) - factor * (m[from] as number);
    }
    m[i * n + i] = 1 / pivot;
  }
  return { lower, inverse };
};

/** Two triangles on the diagonal, and what stands below the first. */
const joined = (first: Matrix, across: Matrix, last: Matrix): Matrix => {
  const out = matrix(first.rows + last.rows, first.rows + last.rows);
  placed(out, first, 0, 0);
  placed(out, across, first.rows, 0);
  placed(out, last, first.rows, first.rows);
  return out;
};

const byHalves = async (gram: Matrix, floors: Float64Array, products: Products): Promise<Triangle | null> => {
  const n = gram.rows;
  if (n <= plain) return plainTriangle(gram, floors);
  const half = n >> 1;
  const first = await byHalves(block(gram, 0, 0, half, half), floors.subarray(0, half), products);
  if (first === null) return null;
  const across = await products.multiply(block(gram, half, 0, n - half, half), first.inverse, 'right');
  const explained = await products.multiply(across, across, 'right');
  const rest = block(gram, half, half, n - half, n - half);
  for (const [at, value] of explained.data.entries()) rest.data[at] = (rest.data[at] as number) - value;
  const last = await byHalves(rest, floors.subarray(half), products);
  if (last === null) return null;
  const below = await products.multiply(await products.multiply(last.inverse, across), first.inverse);
  return {
    lower: joined(first.lower, across, last.lower),
    inverse: joined(
      first.inverse,
      scaledRows(below, () => -1),
      last.inverse,
    ),
  };
};

/**
 * Cholesky's triangle of a symmetric, positive definite matrix, by halves, so that nearly all of it is products.
 * @returns null where a pivot is not above `floor` times its diagonal element: the matrix is singular to that degree, or not finite.
 */
export const triangleOf = (symmetric: Matrix, floor: number, products: Products): Promise<Triangle | null> =>
  byHalves(
    symmetric,
    Float64Array.from({ length: symmetric.rows }, (_, at) => (symmetric.data[at * symmetric.rows + at] ?? 0) * floor),
    products,
  );
