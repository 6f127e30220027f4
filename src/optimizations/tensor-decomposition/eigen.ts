import type { Matrix } from '../../contract/build.ts';
import { GateError } from '../../errors.ts';

/** Eigenvalues in falling order and the eigenvectors as rows. */
export interface Eigen {
  readonly values: Float64Array;
  readonly vectors: Matrix;
}

/** A symmetric matrix as Q·T·Qᵀ: T by its diagonal and the line beside it, Q by the unit normals of its reflections. */
interface Tridiagonal {
  readonly diagonal: Float64Array;
  readonly beside: Float64Array;
  /** Row k, from k + 1 on: the reflection that cleared column k; zeros where there was nothing to clear. */
  readonly normals: Float64Array;
}

const dot = (a: Float64Array, from: number, b: Float64Array, start: number, count: number): number => {
  let sum = 0;
  for (let i = from, j = start; i < from + count; i += 1, j += 1) sum += (a[i] as number) * (b[j] as number);
  return sum;
};

/** A sum of squares, beside elements of size 1, whose root is far below rounding, and which is itself close to underflow. */
const vanishing = 1e-250;

/** Householder's reduction (Golub and Van Loan, Matrix Computations, 8.3.1) on the whole square `a`, so that all runs along rows; overwrites it. */
const tridiagonal = (n: number, a: Float64Array): Tridiagonal => {
  const normals = new Float64Array(n * n);
  const beside = new Float64Array(Math.max(0, n - 1));
  const w = new Float64Array(n);
  for (let k = 0; k + 1 < n; k += 1) {
    const [first, row] = [k + 1, k * n];
    const length = Math.sqrt(dot(a, row + first, a, row + first, n - first));
    const head = a[row + first] as number;
    const tail = n - first === 1 ? 0 : dot(a, row + first + 1, a, row + first + 1, n - first - 1);
    if (tail < vanishing) {
      beside[k] = head;
      continue;
    }
    const turned = head > 0 ? -length : length;
    beside[k] = turned;
    const scale = 1 / Math.sqrt(tail + (head - turned) ** 2);
    for (let j = first; j < n; j += 1) normals[row + j] = ((a[row + j] as number) - (j === first ? turned : 0)) * scale;
    for (let i = first; i < n; i += 1) w[i] = 2 * dot(a, i * n + first, normals, row + first, n - first);
    const share = dot(w, first, normals, row + first, n - first);
    for (let i = first; i < n; i += 1) w[i] = (w[i] as number) - share * (normals[row + i] as number);
    for (let i = first; i < n; i += 1) {
      const [v, u] = [normals[row + i] as number, w[i] as number];
      for (let j = first, at = i * n + first; j < n; j += 1, at += 1)
        a[at] = (a[at] as number) - v * (w[j] as number) - u * (normals[row + j] as number);
    }
  }
  return { diagonal: Float64Array.from({ length: n }, (_, at) => a[at * n + at] ?? 0), beside, normals };
};

/** Turns rows i and i + 1 of an n-wide square. */
const turnRows = (square: Float64Array, n: number, i: number, c: number, s: number): void => {
  for (let p = i * n, q = p + n, end = q; p < end; p += 1, q += 1) {
    const [x, y] = [square[p] as number, square[q] as number];
    square[p] = c * x + s * y;
    square[q] = c * y - s * x;
  }
};

/** One implicit step with Wilkinson's shift on lo … hi (Golub and Van Loan, 8.3.2). */
const step = (d: Float64Array, e: Float64Array, lo: number, hi: number, turn: (at: number, c: number, s: number) => void): void => {
  const last = e[hi - 1] as number;
  const half = ((d[hi - 1] as number) - (d[hi] as number)) / 2;
  const shift = (d[hi] as number) - last * (last / (half + (half < 0 ? -1 : 1) * Math.hypot(half, last)));
  let x = (d[lo] as number) - shift;
  let z = e[lo] as number;
  for (let k = lo; k < hi; k += 1) {
    const r = Math.hypot(x, z);
    const [c, s] = r === 0 ? [1, 0] : [x / r, z / r];
    if (k > lo) e[k - 1] = r;
    const [a, b, g] = [d[k] as number, e[k] as number, d[k + 1] as number];
    d[k] = c * c * a + 2 * c * s * b + s * s * g;
    d[k + 1] = s * s * a - 2 * c * s * b + c * c * g;
    e[k] = c * s * (g - a) + (c * c - s * s) * b;
    if (k + 1 < hi) {
      x = e[k] as number;
      z = s * (e[k + 1] as number);
      e[k + 1] = c * (e[k + 1] as number);
    }
    turn(k, c, s);
  }
};

/** Diagonalises T in place; `turn` hears of each rotation. */
const diagonalise = (d: Float64Array, e: Float64Array, turn: (at: number, c: number, s: number) => void): void => {
  const norm = d.reduce((most, value, at) => Math.max(most, Math.abs(value) + Math.abs(e[at] ?? 0)), 0);
  const negligible = (at: number): boolean =>
    Math.abs(e[at] as number) <= Number.EPSILON * Math.max(Math.abs(d[at] as number) + Math.abs(d[at + 1] as number), norm * 1e-3);
  let hi = d.length - 1;
  for (let left = 60 * d.length; hi > 0; left -= 1) {
    if (left === 0)
      throw new GateError('non-finite-output', `A matrix of ${d.length} × ${d.length} was factored. Its eigenvalues do not converge.`);
    if (negligible(hi - 1)) {
      hi -= 1;
      continue;
    }
    let lo = hi - 1;
    while (lo > 0 && !negligible(lo - 1)) lo -= 1;
    step(d, e, lo, hi, turn);
  }
};

/**
 * Eigenvalues and eigenvectors of a symmetric matrix, exact to float64's rounding of the largest eigenvalue.
 * @throws GateError non-finite-output where a value is not finite.
 */
export const symmetricEigen = (symmetric: Matrix): Eigen => {
  const n = symmetric.rows;
  const size = symmetric.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
  const { diagonal, beside, normals } = tridiagonal(
    n,
    symmetric.data.map((value) => value / size),
  );
  const square = new Float64Array(n * n);
  for (let i = 0; i < n; i += 1) square[i * n + i] = 1;
  diagonalise(diagonal, beside, (at, c, s) => turnRows(square, n, at, c, s));
  for (let vector = 0; vector < n; vector += 1)
    for (let k = n - 2; k >= 0; k -= 1) {
      const [to, from, count] = [vector * n + k + 1, k * n + k + 1, n - k - 1];
      const share = 2 * dot(square, to, normals, from, count);
      if (share !== 0)
        for (let i = 0; i < count; i += 1) square[to + i] = (square[to + i] as number) - share * (normals[from + i] as number);
    }
  const order = Array.from({ length: n }, (_, at) => at).sort((x, y) => (diagonal[y] ?? 0) - (diagonal[x] ?? 0) || x - y);
  const vectors = new Float64Array(n * n);
  for (const [to, from] of order.entries()) vectors.set(square.subarray(from * n, (from + 1) * n), to * n);
  return { values: Float64Array.from(order, (at) => (diagonal[at] ?? 0) * size), vectors: { rows: n, columns: n, data: vectors } };
};
