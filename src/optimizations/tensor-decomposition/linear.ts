import { create } from '@bufbuild/protobuf';
import { freshName } from '../../onnx/edit.ts';
import type { OnnxModel } from '../../onnx/model.ts';
import { NodeProtoSchema } from '../../onnx/proto/onnx_pb.js';
import type { Linear } from '../../onnx/recognise/architecture.ts';
import { addFloats, insertAfter, insertBefore, producerOf } from '../graph-rewrite.ts';
import { cholesky, randomisedSvd, type Singular, solveTransposed } from './factorisation.ts';
import { flipped, type Matrix, type Multiply, matrix, multiplyHere, scaledRows, times, topRows } from './matrix.ts';

/** A matrix [in, out] as a product: `first` [in, rank] and `second` [rank, out]. */
export interface Factors {
  readonly first: Matrix;
  readonly second: Matrix;
}

/** Wider inputs are weighed one by one, by their root mean square: the triangle of a full second moment would take minutes. */
const widestMoment = 2048;

/** A way to weigh a matrix by what its inputs usually are, and back: for inputs x with second moment C = L·Lᵀ, ‖x·W‖ is ‖Lᵀ·W‖. */
export interface Weighing {
  readonly weigh: (weights: Matrix) => Matrix;
  readonly undo: (weighed: Matrix) => Matrix;
}

export const unweighed: Weighing = { weigh: (weights) => weights, undo: (weighed) => weighed };

/** From the second moment [in · in] of the inputs. */
export const weighingBy = (moment: Float64Array): Weighing => {
  const n = Math.sqrt(moment.length);
  if (n > widestMoment) {
    const diagonal = Float64Array.from({ length: n }, (_, at) => moment[at * n + at] ?? 0);
    const damping = (diagonal.reduce((sum, value) => sum + value, 0) / n) * 1e-4 || 1;
    const scales = diagonal.map((value) => Math.sqrt(value + damping));
    return {
      weigh: (weights) => scaledRows(weights, (row) => scales[row] ?? 1),
      undo: (weighed) => scaledRows(weighed, (row) => 1 / (scales[row] ?? 1)),
    };
  }
  const lower = cholesky(matrix(n, n, moment));
  const upper = flipped(lower);
  return { weigh: (weights) => times(upper, weights), undo: (weighed) => solveTransposed(lower, weighed) };
};

/** The factors of rank `rank` from the singular triples of the weighed matrix; each takes the root of the singular values. */
export const factorsOf = (singular: Singular, rank: number, weighing: Weighing): Factors => {
  const root = (row: number): number => Math.sqrt(singular.values[row] ?? 0);
  return {
    first: weighing.undo(flipped(scaledRows(topRows(singular.left, rank), root))),
    second: scaledRows(topRows(singular.right, rank), root),
  };
};

/** The best product of the given rank for inputs that look like the calibration's (activation-aware truncated SVD). */
export const factorise = async (
  weights: Matrix,
  rank: number,
  weighing: Weighing,
  random: () => number,
  multiply: Multiply = multiplyHere,
): Promise<Factors> => factorsOf(await randomisedSvd(weighing.weigh(weights), rank, random, multiply), rank, weighing);

/** Puts two products in the place of one; a bias stays where it was, or becomes an Add behind a Gemm. */
export const replaceLinear = (model: OnnxModel, linear: Linear, { first, second }: Factors): void => {
  const node = producerOf(model, linear.node);
  const left = addFloats(model, `${linear.weight}.first`, linear.weight, [first.rows, first.columns], Float32Array.from(first.data));
  const right = addFloats(model, `${linear.weight}.second`, linear.weight, [second.rows, second.columns], Float32Array.from(second.data));
  const between = freshName(model, `${linear.node}/low_rank`);
  insertBefore(
    model,
    node,
    create(NodeProtoSchema, { name: `${node.name}/first`, opType: 'MatMul', input: [linear.input, left], output: [between] }),
  );
  const bias = node.opType === 'Gemm' ? (node.input[2] ?? '') : '';
  node.opType = 'MatMul';
  node.attribute = [];
  node.input = [between, right];
  if (bias === '') return;
  const product = freshName(model, `${linear.node}/product`);
  node.output = [product];
  insertAfter(
    model,
    node,
    create(NodeProtoSchema, { name: `${node.name}/bias`, opType: 'Add', input: [product, bias], output: [linear.node] }),
  );
};
