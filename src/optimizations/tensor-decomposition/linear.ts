import { create } from '@bufbuild/protobuf';
import type { Matrix, Products } from '../../contract/build.ts';
import { freshName } from '../../onnx/edit.ts';
import type { OnnxModel } from '../../onnx/model.ts';
import { NodeProtoSchema } from '../../onnx/proto/onnx_pb.js';
import type { Linear } from '../../onnx/recognise/architecture.ts';
import { readFloats } from '../../onnx/tensor.ts';
import { flipped, scaledRows, topRows } from '../algebra/matrix.ts';
import { dampedMoment, dampingOf, momentTriangle } from '../algebra/moment.ts';
import { addFloats, insertAfter, insertBefore, producerOf } from '../graph/rewrite.ts';
import { randomisedSvd, type Singular } from './factorisation.ts';
import type { LastFactor } from './refit.ts';

/** A matrix [in, out] as a product: `first` [in, rank] and `second` [rank, out]. */
export interface Factors {
  readonly first: Matrix;
  readonly second: Matrix;
}

/** Wider inputs are weighed one by one, by their root mean square: full second moments of all layers would fill the memory. */
export const widestMoment = 2048;

/** A way to weigh a matrix by what its inputs usually are, and back: for inputs x with second moment C = L·Lᵀ, ‖x·W‖ is ‖Lᵀ·W‖. */
export interface Weighing {
  readonly weigh: (weights: Matrix) => Promise<Matrix>;
  /** Undoes it on the transpose of its argument: rows that stand for columns of the weighed matrix. */
  readonly undoFlipped: (weighed: Matrix) => Promise<Matrix>;
}

export const unweighed: Weighing = { weigh: async (weights) => weights, undoFlipped: async (weighed) => flipped(weighed) };

/** From the mean squares of the inputs alone. */
export const weighingByEnergy = (squares: Float64Array): Weighing => {
  const added = dampingOf(squares);
  const scales = squares.map((value) => Math.sqrt(value + added));
  return {
    weigh: async (weights) => scaledRows(weights, (row) => scales[row] ?? 1),
    undoFlipped: async (weighed) => scaledRows(flipped(weighed), (row) => 1 / (scales[row] ?? 1)),
  };
};

/**
 * From the second moment [in · in] of the inputs.
 * @throws GateError non-finite-output for inputs that are not finite.
 */
export const weighingBy = async (moment: Float64Array, products: Products): Promise<Weighing> => {
  const triangle = await momentTriangle(dampedMoment(moment), products);
  return {
    weigh: (weights) => products.multiply(triangle.lower, weights, 'left'),
    undoFlipped: async (weighed) => flipped(await products.multiply(weighed, triangle.inverse)),
  };
};

/** The factors of rank `rank` from the singular triples of the weighed matrix; each takes the root of the singular values. */
export const factorsOf = async (singular: Singular, rank: number, weighing: Weighing): Promise<Factors> => {
  const root = (row: number): number => Math.sqrt(singular.values[row] ?? 0);
  return {
    first: await weighing.undoFlipped(scaledRows(topRows(singular.left, rank), root)),
    second: scaledRows(topRows(singular.right, rank), root),
  };
};

/** The best product of the given rank for inputs that look like the calibration's (activation-aware truncated SVD). */
export const factorise = async (
  weights: Matrix,
  rank: number,
  weighing: Weighing,
  random: () => number,
  products: Products,
): Promise<Factors> => factorsOf(await randomisedSvd(await weighing.weigh(weights), rank, random, products), rank, weighing);

/** Puts two products in the place of one; a bias stays where it was, or becomes an Add behind a Gemm. Returns the second factor. */
export const replaceLinear = (model: OnnxModel, linear: Linear, { first, second }: Factors): Omit<LastFactor, 'stage'> => {
  const node = producerOf(model, linear.node);
  const left = addFloats(model, `${linear.weight}.first`, linear.weight, [first.rows, first.columns], new Float32Array(first.data));
  const right = addFloats(model, `${linear.weight}.second`, linear.weight, [second.rows, second.columns], new Float32Array(second.data));
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
  const factor = {
    name: right,
    rank: second.rows,
    columns: second.columns,
    pair: { inner: between, outer: linear.node, bias: bias === '' ? null : readFloats(model, bias) },
  };
  if (bias === '') return factor;
  const product = freshName(model, `${linear.node}/product`);
  node.output = [product];
  insertAfter(
    model,
    node,
    create(NodeProtoSchema, { name: `${node.name}/bias`, opType: 'Add', input: [product, bias], output: [linear.node] }),
  );
  return factor;
};
