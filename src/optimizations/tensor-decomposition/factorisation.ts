import type { Matrix, Products } from '../../contract/build.ts';
import { energyOf, scaledRows, topRows } from '../algebra/matrix.ts';
import { triangleOf } from '../algebra/triangle.ts';
import { symmetricEigen } from './eigen.ts';

/** A ≈ Σ σᵢ · leftᵢᵀ · rightᵢ: singular values in falling order, vectors as rows. */
export interface Singular {
  readonly values: Float64Array;
  readonly left: Matrix;
  readonly right: Matrix;
  /** ‖A‖²: what all singular values, also those not computed, square and add up to. */
  readonly energy: number;
}

const gaussian = (rows: number, columns: number, random: () => number): Matrix => {
  const data = new Float64Array(rows * columns);
  for (let at = 0; at < data.length; at += 1) data[at] = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return { rows, columns, data };
};

/** Pivots below this share of their diagonal leave too few exact digits in one pass. */
const pivotFloor = 1e-12;

/** Rows of the same span that are orthonormal, roughly where `rows` are nearly dependent; zeros take the place of what depends. */
const pass = async (rows: Matrix, products: Products): Promise<Matrix> => {
  const gram = await products.multiply(rows, rows, 'right');
  const triangle = await triangleOf(gram, pivotFloor, products);
  if (triangle !== null) return products.multiply(triangle.inverse, rows);
  const { values, vectors } = symmetricEigen(gram);
  const floor = (values[0] ?? 0) * Math.max(16, rows.rows) * 1e-15;
  const kept = values.findIndex((value) => !(value > floor));
  const scaled = scaledRows(vectors, (row) => (kept < 0 || row < kept ? 1 / Math.sqrt(values[row] ?? 1) : 0));
  return products.multiply(scaled, rows);
};

/**
 * Rows made orthonormal: Cholesky's triangle of their products, twice, which keeps them so to rounding (CholeskyQR2: Yamamoto,
 * Nakatsukasa, Yanagisawa and Fukaya 2015). Where they are dependent the eigenvectors of the products take the triangle's place,
 * and the last rows are 0, one for each that is missing.
 * @throws GateError non-finite-output where a value is not finite.
 */
export const orthonormalRows = async (rows: Matrix, products: Products): Promise<Matrix> => {
  const once = await pass(rows, products);
  let present = once.rows;
  while (present > 0 && energyOf({ ...once, data: once.data.subarray((present - 1) * once.columns, present * once.columns) }) === 0)
    present -= 1;
  const twice = await pass(topRows(once, present), products);
  const out = new Float64Array(once.data.length);
  out.set(twice.data);
  return { ...once, data: out };
};

const powerIterations = 3;
const oversampling = 8;

/**
 * drawn · Aᵀ, turned towards the largest singular vectors by subspace iteration. On the way half the digits and one pass are enough: what
 * the range has lost of the optimum is of their square.
 */
const iterated = async (a: Matrix, drawn: Matrix, products: Products): Promise<Matrix> => {
  const coarse = { ...a, data: new Float32Array(a.data) };
  const through = async (rows: Matrix, transposed?: 'right'): Promise<Matrix> => {
    const found = await products.multiply({ ...rows, data: new Float32Array(rows.data) }, coarse, transposed);
    return { ...found, data: new Float64Array(found.data) };
  };
  let sketch = await through(drawn, 'right');
  for (let power = 0; power < powerIterations; power += 1) {
    const across = await pass(await through(await pass(sketch, products)), products);
    sketch = await through(across, 'right');
  }
  return sketch;
};

/**
 * The `rank` largest singular triples by a randomised range finder (Halko, Martinsson and Tropp 2011, algorithms 4.4 and 5.1)
 * with subspace iteration; exact to rounding where rank + 8 reaches the smaller side.
 * @throws GateError non-finite-output where a value is not finite.
 */
export const randomisedSvd = async (a: Matrix, rank: number, random: () => number, products: Products): Promise<Singular> => {
  const smaller = Math.min(a.rows, a.columns);
  const width = Math.min(smaller, rank + oversampling);
  const drawn = gaussian(width, a.columns, random);
  const sketch = width < smaller ? await iterated(a, drawn, products) : await products.multiply(drawn, a, 'right');
  const range = await orthonormalRows(sketch, products);
  const projected = await products.multiply(range, a);
  const { values, vectors } = symmetricEigen(await products.multiply(projected, projected, 'right'));
  const kept = Math.min(rank, width);
  const singular = Float64Array.from({ length: kept }, (_, at) => Math.sqrt(Math.max(0, values[at] ?? 0)));
  const top = topRows(vectors, kept);
  const right = scaledRows(await products.multiply(top, projected), (row) => ((singular[row] ?? 0) > 0 ? 1 / (singular[row] ?? 1) : 0));
  return { values: singular, left: await products.multiply(top, range), right, energy: energyOf(a) };
};
