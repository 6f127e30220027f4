import type { Matrix, Products } from '../../contract/build.ts';
import { block, matrix } from './matrix.ts';
import { dampedTriangle } from './moment.ts';
import type { Triangle } from './triangle.ts';

/** So many rows are worked off in loops before one product passes on what they lost. */
const together = 64;

/** What each element of a row loses, in units of the outputs' error: its place in `errors`. It is 0 in `left` from now on. */
const dropRow = (left: Matrix, cut: Matrix, row: number, pivot: number, errors: Matrix, to: number): boolean => {
  const { columns } = left;
  let lost = false;
  for (let column = 0, at = row * columns; column < columns; column += 1, at += 1) {
    if (cut.data[at] !== 0) continue;
    const error = (left.data[at] as number) / pivot;
    errors.data[to * columns + column] = error;
    left.data[at] = 0;
    lost ||= error !== 0;
  }
  return lost;
};

/** Sums of squares of each column. */
const columnEnergy = ({ columns, data }: Matrix, sums = new Float64Array(columns)): Float64Array => {
  for (let at = 0; at < data.length; at += 1) sums[at % columns] = (sums[at % columns] as number) + (data[at] as number) ** 2;
  return sums;
};

/** Columns whose outputs the update has brought no nearer than the cut alone go back to the cut. */
const keepBetter = async (
  updated: Matrix,
  weights: Matrix,
  cut: Matrix,
  errors: Float64Array,
  { lower }: Triangle,
  products: Products,
): Promise<void> => {
  const lost = { ...weights, data: weights.data.map((value, at) => value - (cut.data[at] as number)) };
  const plain = columnEnergy(await products.multiply(lower, lost, 'left'));
  for (let at = 0; at < updated.data.length; at += 1) {
    const column = at % updated.columns;
    if (!((errors[column] as number) <= (plain[column] as number))) updated.data[at] = cut.data[at] as number;
  }
};

/**
 * Weights [inputs, outputs] with the zeros of `cut`: what is left of each output makes up for what went, in the least squares of
 * the outputs on inputs whose second moment is L·Lᵀ. Inputs are worked off from the last to the first; those before one take over
 * what it did, and those behind it are fixed (Optimal Brain Surgeon in the order of SparseGPT: Frantar and Alistarh 2023,
 * arXiv 2301.00774). Where the inputs that go come last and whole, this is the least-squares solution. No output is further off
 * than with `cut`.
 * @param cut `weights` with some elements at 0
 */
export const compensated = async (weights: Matrix, cut: Matrix, triangle: Triangle, products: Products): Promise<Matrix> => {
  const { rows, columns } = weights;
  const { data: inverse } = triangle.inverse;
  const left = matrix(rows, columns, weights.data);
  const lost = new Float64Array(columns);
  for (let end = rows; end > 0; end -= together) {
    const start = Math.max(0, end - together);
    const errors = matrix(end - start, columns);
    for (let row = end - 1; row >= start; row -= 1) {
      if (!dropRow(left, cut, row, inverse[row * rows + row] as number, errors, row - start)) continue;
      for (let above = start; above < row; above += 1) {
        const share = inverse[row * rows + above] as number;
        for (let column = 0, to = above * columns, from = (row - start) * columns; column < columns; column += 1, to += 1, from += 1)
          left.data[to] = (left.data[to] as number) - share * (errors.data[from] as number);
      }
    }
    columnEnergy(errors, lost);
    if (start === 0) break;
    const { data: passedOn } = await products.multiply(block(triangle.inverse, start, 0, end - start, start), errors, 'left');
    for (let at = 0; at < passedOn.length; at += 1) left.data[at] = (left.data[at] as number) - (passedOn[at] as number);
  }
  await keepBetter(left, weights, cut, lost, triangle, products);
  return left;
};

/** Rows `keep` of a matrix, in that order. */
const rowsOf = ({ columns, data }: Matrix, keep: readonly number[]): Matrix => {
  const out = matrix(keep.length, columns);
  for (const [to, from] of keep.entries()) out.data.set(data.subarray(from * columns, (from + 1) * columns), to * columns);
  return out;
};

/**
 * Inputs `keep` of weights [inputs, outputs], refitted to give what all inputs gave: ‖X·W − X_kept·W'‖² + λ‖W_kept − W'‖² is the
 * least there is, λ 1e-4 of the mean square of an input. Weights at 0 stay so, and a matrix that has some is refitted as
 * `compensated` does.
 * @param moment mean of xᵀx of the inputs on calibration text, [inputs · inputs]
 * @throws GateError non-finite-output for inputs that are not finite.
 */
export const refittedRows = async (weights: Matrix, keep: readonly number[], moment: Float64Array, products: Products): Promise<Matrix> => {
  const kept = new Set(keep);
  const order = [...keep, ...Array.from({ length: weights.rows }, (_, at) => at).filter((at) => !kept.has(at))];
  const turned = new Float64Array(moment.length);
  for (const [to, row] of order.entries())
    for (const [column, from] of order.entries()) turned[to * weights.rows + column] = moment[row * weights.rows + from] as number;
  const ordered = rowsOf(weights, order);
  const cut = matrix(weights.rows, weights.columns, ordered.data.subarray(0, keep.length * weights.columns));
  const { data } = await compensated(ordered, cut, await dampedTriangle(turned, products), products);
  return { rows: keep.length, columns: weights.columns, data: data.slice(0, keep.length * weights.columns) };
};
