import { type Matrix, type Multiply, matrix, multiplyHere, orthonormalRows, timesTransposed } from './matrix.ts';

/** Eigenvalues in falling order and the eigenvectors as rows. */
export interface Eigen {
  readonly values: Float64Array;
  readonly vectors: Matrix;
}

const sweeps = 30;

/** Eigenvalues and eigenvectors of a symmetric matrix by cyclic Jacobi rotations: slow and as exact as float64 allows. */
export const symmetricEigen = (symmetric: Matrix): Eigen => {
  const n = symmetric.rows;
  const a = symmetric.data.slice();
  const v = new Float64Array(n * n);
  for (let i = 0; i < n; i += 1) v[i * n + i] = 1;
  const total = a.reduce((sum, value) => sum + value * value, 0);
  const rotate = (array: Float64Array, p: number, q: number, c: number, s: number): void => {
    for (let k = 0, i = p * n, j = q * n; k < n; k += 1, i += 1, j += 1) {
      const x = array[i] ?? 0;
      const y = array[j] ?? 0;
      array[i] = c * x - s * y;
      array[j] = s * x + c * y;
    }
  };
  for (let sweep = 0; sweep < sweeps; sweep += 1) {
    let off = 0;
    for (let p = 0; p < n; p += 1) for (let q = p + 1; q < n; q += 1) off += (a[p * n + q] ?? 0) ** 2;
    if (off <= total * 1e-28) break;
    for (let p = 0; p < n; p += 1)
      for (let q = p + 1; q < n; q += 1) {
        const apq = a[p * n + q] ?? 0;
        if (apq * apq <= total * 1e-34) continue;
        const theta = ((a[q * n + q] ?? 0) - (a[p * n + p] ?? 0)) / (2 * apq);
        const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        const s = t * c;
        rotate(a, p, q, c, s);
        for (let k = 0, i = p, j = q; k < n; k += 1, i += n, j += n) {
          const x = a[i] ?? 0;
          const y = a[j] ?? 0;
          a[i] = c * x - s * y;
          a[j] = s * x + c * y;
        }
        rotate(v, p, q, c, s);
      }
  }
  const order = Array.from({ length: n }, (_, at) => at).sort((x, y) => (a[y * n + y] ?? 0) - (a[x * n + x] ?? 0) || x - y);
  const vectors = new Float64Array(n * n);
  for (const [to, from] of order.entries()) vectors.set(v.subarray(from * n, (from + 1) * n), to * n);
  return { values: Float64Array.from(order, (at) => a[at * n + at] ?? 0), vectors: { rows: n, columns: n, data: vectors } };
};

/** A ≈ Σ σᵢ · leftᵢᵀ · rightᵢ: singular values in falling order, vectors as rows. */
export interface Singular {
  readonly values: Float64Array;
  readonly left: Matrix;
  readonly right: Matrix;
  /** ‖A‖²: what all singular values, also those not computed, square and add up to. */
  readonly energy: number;
}

const gaussian = (rows: number, columns: number, random: () => number): Matrix => {
  const data = Float64Array.from(
    { length: rows * columns },
    () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()),
  );
  return { rows, columns, data };
};

const powerIterations = 3;
const oversampling = 8;

/**
 * The `rank` largest singular triples by a randomised range finder (Halko, Martinsson and Tropp 2011, algorithms 4.4 and 5.1)
 * with subspace iteration; exact to rounding where rank + 8 reaches the smaller side.
 */
export const randomisedSvd = async (
  a: Matrix,
  rank: number,
  random: () => number,
  multiply: Multiply = multiplyHere,
): Promise<Singular> => {
  const smaller = Math.min(a.rows, a.columns);
  const width = Math.min(smaller, rank + oversampling);
  let range = orthonormalRows(await multiply(gaussian(width, a.columns, random), a, true));
  for (let pass = 0; pass < powerIterations && width < smaller; pass += 1) {
    const across = orthonormalRows(await multiply(range, a, false));
    range = orthonormalRows(await multiply(across, a, true));
  }
  const projected = await multiply(range, a, false);
  const { values, vectors } = symmetricEigen(timesTransposed(projected, projected));
  const kept = Math.min(rank, width);
  const singular = Float64Array.from({ length: kept }, (_, at) => Math.sqrt(Math.max(0, values[at] ?? 0)));
  const top: Matrix = { rows: kept, columns: width, data: vectors.data.slice(0, kept * width) };
  const right = await multiply(top, projected, false);
  for (let row = 0; row < kept; row += 1) {
    const scale = (singular[row] ?? 0) > 0 ? 1 / (singular[row] ?? 1) : 0;
    for (let at = row * right.columns; at < (row + 1) * right.columns; at += 1) right.data[at] = (right.data[at] ?? 0) * scale;
  }
  return {
    values: singular,
    left: await multiply(top, range, false),
    right,
    energy: a.data.reduce((sum, value) => sum + value * value, 0),
  };
};

/** Lower triangle L with L·Lᵀ = `moment` + a ten-thousandth of its mean diagonal, which keeps it regular. */
export const cholesky = (moment: Matrix): Matrix => {
  const n = moment.rows;
  let trace = 0;
  for (let i = 0; i < n; i += 1) trace += moment.data[i * n + i] ?? 0;
  const damping = trace > 0 ? (trace / n) * 1e-4 : 1;
  const lower = matrix(n, n);
  const l = lower.data;
  for (let i = 0; i < n; i += 1)
    for (let j = 0; j <= i; j += 1) {
      let sum = (moment.data[i * n + j] ?? 0) + (i === j ? damping : 0);
      for (let k = 0, a = i * n, b = j * n; k < j; k += 1, a += 1, b += 1) sum -= (l[a] ?? 0) * (l[b] ?? 0);
      l[i * n + j] = i === j ? Math.sqrt(Math.max(sum, damping * 1e-6)) : sum / (l[j * n + j] ?? 1);
    }
  return lower;
};

/** Z with Lᵀ·Z = `right`, for a lower triangle L. */
export const solveTransposed = (lower: Matrix, right: Matrix): Matrix => {
  const n = lower.rows;
  const width = right.columns;
  const z = right.data.slice();
  for (let i = n - 1; i >= 0; i -= 1) {
    const pivot = lower.data[i * n + i] ?? 1;
    for (let j = 0; j < width; j += 1) z[i * width + j] = (z[i * width + j] ?? 0) / pivot;
    for (let k = 0; k < i; k += 1) {
      const factor = lower.data[i * n + k] ?? 0;
      if (factor === 0) continue;
      for (let j = 0; j < width; j += 1) z[k * width + j] = (z[k * width + j] ?? 0) - factor * (z[i * width + j] ?? 0);
    }
  }
  return { rows: n, columns: width, data: z };
};
