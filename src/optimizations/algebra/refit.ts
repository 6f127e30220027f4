import type { Matrix, Products } from '../../contract/build.ts';
import { matrix } from './matrix.ts';
import { dampedMoment, momentTriangle } from './moment.ts';

/** Steps of conjugate gradients. The error of masked weights is within a few per cent of the least after six. */
const steps = 10;

/** Σ aᵢⱼ · bᵢⱼ of each column j. */
const columnProducts = (a: Matrix, b: Matrix): Float64Array => {
  const sums = new Float64Array(a.columns);
  for (let row = 0, at = 0; row < a.rows; row += 1)
    for (let column = 0; column < a.columns; column += 1, at += 1)
      sums[column] = (sums[column] as number) + (a.data[at] as number) * (b.data[at] as number);
  return sums;
};

/** to + factor · from, a factor for each column, into `to`. */
const addColumns = (to: Matrix, from: Matrix, factors: Float64Array): void => {
  for (let row = 0, at = 0; row < to.rows; row += 1)
    for (let column = 0; column < to.columns; column += 1, at += 1)
      to.data[at] = (to.data[at] as number) + (factors[column] as number) * (from.data[at] as number);
};

/** a / b by columns; 0 where b is. */
const ratios = (a: Float64Array, b: Float64Array): Float64Array =>
  a.map((value, at) => ((b[at] as number) > 0 ? value / (b[at] as number) : 0));

/**
 * Weights [inputs, outputs] with the zeros of `cut`, whose other elements make up for what went: conjugate gradients from `cut`
 * on, one system per output, towards the least (W − W')ᵀ·C·(W − W'). Each step brings every output nearer, so that none is
 * further off than with `cut`.
 * @param cut `weights` with some elements at 0
 * @param moment C, positive definite: of `dampedMoment`
 */
export const refittedWeights = async (weights: Matrix, cut: Matrix, moment: Matrix, products: Products): Promise<Matrix> => {
  const { rows, columns } = weights;
  const masked = (values: Matrix): Matrix => {
    for (let at = 0; at < values.data.length; at += 1) if (cut.data[at] === 0) values.data[at] = 0;
    return values;
  };
  const scaled = ({ data }: Matrix): Matrix => {
    const out = matrix(rows, columns, data);
    for (let row = 0, at = 0; row < rows; row += 1)
      for (let column = 0; column < columns; column += 1, at += 1)
        out.data[at] = (out.data[at] as number) / (moment.data[row * (rows + 1)] as number);
    return out;
  };
  const found = matrix(rows, columns, cut.data);
  const missing = matrix(rows, columns, weights.data);
  addColumns(missing, cut, new Float64Array(columns).fill(-1));
  const residual = masked(await products.multiply(moment, missing));
  const direction = scaled(residual);
  let size = columnProducts(residual, direction);
  for (let step = 0; step < steps; step += 1) {
    const change = masked(await products.multiply(moment, direction));
    const length = ratios(size, columnProducts(direction, change));
    addColumns(found, direction, length);
    addColumns(
      residual,
      change,
      length.map((value) => -value),
    );
    const next = scaled(residual);
    const nextSize = columnProducts(residual, next);
    addColumns(next, direction, ratios(nextSize, size));
    direction.data.set(next.data);
    size = nextSize;
  }
  return found;
};

/** Elements of a matrix in these rows and columns, in their order. */
const elementsOf = ({ columns, data }: Matrix, rows: readonly number[], across: readonly number[]): Matrix => {
  const out = matrix(rows.length, across.length);
  let to = 0;
  for (const row of rows) {
    const from = row * columns;
    for (const column of across) {
      out.data[to] = data[from + column] as number;
      to += 1;
    }
  }
  return out;
};

/** weights + moment⁻¹ · missing */
const corrected = async (weights: Matrix, moment: Matrix, missing: Matrix, products: Products): Promise<Matrix> => {
  const { inverse } = await momentTriangle(moment, products);
  const made = await products.multiply(inverse, await products.multiply(inverse, missing), 'left');
  const out = matrix(weights.rows, weights.columns, weights.data);
  addColumns(out, made, new Float64Array(weights.columns).fill(1));
  return out;
};

const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, at) => at);

/**
 * Inputs `keep` of weights [inputs, outputs], refitted to give what all inputs gave: W' = W_kept + (C_kk + λ)⁻¹ · C_kg · W_gone, for
 * which ‖X·W − X_kept·W'‖² + λ·‖W' − W_kept‖² is the least. λ is 1e-4 of the mean square of all inputs. A matrix that was made
 * sparse keeps its zeros.
 * @param moment mean or sum of xᵀx of the inputs on calibration text, [inputs · inputs]
 * @throws GateError non-finite-output for inputs that are not finite.
 */
export const refittedRows = async (weights: Matrix, keep: readonly number[], moment: Float64Array, products: Products): Promise<Matrix> => {
  const kept = new Set(keep);
  const gone = upTo(weights.rows).filter((at) => !kept.has(at));
  const damped = dampedMoment(moment);
  const outputs = upTo(weights.columns);
  const left = elementsOf(weights, keep, outputs);
  if (left.data.includes(0)) {
    const cut = matrix(weights.rows, weights.columns, weights.data);
    for (const row of gone) cut.data.fill(0, row * weights.columns, (row + 1) * weights.columns);
    return elementsOf(await refittedWeights(weights, cut, damped, products), keep, outputs);
  }
  const lost = await products.multiply(elementsOf(damped, keep, gone), elementsOf(weights, gone, outputs));
  return corrected(left, elementsOf(damped, keep, keep), lost, products);
};

/**
 * Weights [inputs, outputs] refitted to inputs Z and outputs Y: ‖Y − Z·W'‖² + λ·‖W' − W‖² is the least, λ 1e-4 of the mean square
 * of an input.
 * @param moment ZᵀZ, [inputs · inputs]
 * @param cross ZᵀY, both summed over the same positions
 * @throws GateError non-finite-output for inputs that are not finite.
 */
export const refittedTo = async (weights: Matrix, moment: Float64Array, cross: Matrix, products: Products): Promise<Matrix> => {
  const given = await products.multiply({ rows: weights.rows, columns: weights.rows, data: moment }, weights);
  const missing = matrix(weights.rows, weights.columns, cross.data);
  addColumns(missing, given, new Float64Array(weights.columns).fill(-1));
  return corrected(weights, dampedMoment(moment), missing, products);
};
