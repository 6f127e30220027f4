import { GateError } from '../../errors.ts';
import { liftConstants } from '../../onnx/constants.ts';
import { dataType } from '../../onnx/data-type.ts';
import {
  type Consumer,
  cloneModel,
  dropValueInfo,
  freshName,
  graphIndex,
  removeUnusedInitializers,
  replaceInitializer,
} from '../../onnx/edit.ts';
import { mainGraph, type OnnxModel, readNames } from '../../onnx/model.ts';
import { unpackWeights } from '../../onnx/packed-weights.ts';
import type { NodeProto, TensorProto } from '../../onnx/proto/onnx_pb.js';
import type { Linear } from '../../onnx/recognise/architecture.ts';
import { floatTensor, halfTensor, initializer, integerTensor, readFloats, readIntegers } from '../../onnx/tensor.ts';
import { writeModel } from '../../onnx/write.ts';

/** A graph that may be edited, its weights all initializers, packed ones open: weights of `source` are never touched. */
export const startRewrite = (source: OnnxModel): OnnxModel => {
  const model = cloneModel(source);
  liftConstants(model);
  unpackWeights(model);
  return model;
};

/**
 * Writes an edited graph into `folder` under its own name; what nothing reads any more is left out, stale shapes are dropped.
 * @throws GateError of `writeModel`.
 */
export const finishRewrite = (model: OnnxModel, folder: string): void => {
  removeUnusedNodes(model);
  removeUnusedInitializers(model);
  dropValueInfo(model);
  writeModel({ proto: model.proto, sourceFolder: model.folder }, folder, model.graph, new Map());
};

/** The node that makes `tensor`. @throws GateError onnx-unsupported when none does. */
export const producerOf = (model: OnnxModel, tensor: string): NodeProto => {
  const node = mainGraph(model.proto, model.graph).node.find((each) => each.output.includes(tensor));
  if (node === undefined)
    throw new GateError('onnx-unsupported', `The graph was rewritten. No node makes ${tensor}.`, { where: model.graph });
  return node;
};

/** A tensor of the same element type. @throws GateError onnx-unsupported for types other than float32 and float16. */
const like = (model: OnnxModel, old: TensorProto, dims: readonly number[], values: Float32Array): TensorProto => {
  if (old.dataType === dataType.float) return floatTensor(old.name, dims, values);
  if (old.dataType === dataType.float16) return halfTensor(old.name, dims, values);
  throw new GateError(
    'onnx-unsupported',
    `The weights ${old.name} were to be rewritten. Expected float32 or float16, got type ${old.dataType}.`,
    {
      where: model.graph,
    },
  );
};

/**
 * Rows of a tensor along one axis, in the order of `keep`.
 * @returns the shorter tensor, row-major.
 */
export const takeAlong = (data: Float32Array, dims: readonly number[], axis: number, keep: readonly number[]): Float32Array => {
  const inner = dims.slice(axis + 1).reduce((product, size) => product * size, 1);
  const along = dims[axis] ?? 1;
  const outer = dims.slice(0, axis).reduce((product, size) => product * size, 1);
  const taken = new Float32Array(outer * keep.length * inner);
  let to = 0;
  for (let block = 0; block < outer; block += 1)
    for (const at of keep) {
      const from = (block * along + at) * inner;
      taken.set(data.subarray(from, from + inner), to);
      to += inner;
    }
  return taken;
};

/** Where `node` reads `weight`: directly, or through a Transpose or Cast that nothing else reads. */
const readersOf = (model: OnnxModel, node: NodeProto, weight: string): readonly Consumer[] => {
  const index = graphIndex(model);
  const direct = node.input.flatMap((name, input): readonly Consumer[] => (name === weight ? [{ node, input }] : []));
  if (direct.length > 0) return direct;
  for (const name of node.input) {
    let tensor = name;
    for (let above = index.producers.get(tensor); above !== undefined; above = index.producers.get(tensor)) {
      if ((index.consumers.get(tensor) ?? []).length !== 1) break;
      if (above.input[0] === weight) return [{ node: above, input: 0 }];
      tensor = above.input[0] ?? '';
    }
  }
  throw new GateError(
    'onnx-unsupported',
    `The weights ${weight} were to be rewritten. ${node.name || node.opType} shares a transformed copy of them with another node.`,
    {
      where: model.graph,
    },
  );
};

/** Gives one node (or its private Transpose) another float tensor in place of `name`, copy on write. */
export const replaceFloats = (model: OnnxModel, node: NodeProto, name: string, dims: readonly number[], values: Float32Array): string =>
  replaceInitializer(model, name, like(model, initializer(model, name), dims, values), readersOf(model, node, name));

/** Keeps some entries of a float constant that `node` reads along `axis`. */
export const cutConstant = (model: OnnxModel, node: NodeProto, name: string, axis: number, keep: readonly number[]): void => {
  const dims = initializer(model, name).dims.map(Number);
  replaceFloats(
    model,
    node,
    name,
    dims.map((size, at) => (at === axis ? keep.length : size)),
    takeAlong(readFloats(model, name), dims, axis, keep),
  );
};

/** Gives one input of a node another int64 constant of the same rank, copy on write. */
export const replaceIntegers = (
  model: OnnxModel,
  node: NodeProto,
  input: number,
  change: (value: number, at: number, all: readonly number[]) => number,
): void => {
  const name = node.input[input] ?? '';
  const old = initializer(model, name);
  const values = readIntegers(model, name);
  const changed = values.map(change);
  if (changed.every((value, at) => value === values[at])) return;
  replaceInitializer(model, name, integerTensor(name, old.dims.map(Number), changed), [{ node, input }]);
};

/** @throws GateError onnx-unsupported for weights in integers or blocks. */
const requireFloats = (model: OnnxModel, linear: Linear): void => {
  if (linear.quantized)
    throw new GateError(
      'onnx-unsupported',
      `${linear.op} ${linear.node} was to be rewritten. Its weights are quantized: apply this optimization before quantizing.`,
      {
        where: model.graph,
      },
    );
};

/** The matrix of a linear as [rows, columns], whatever its orientation. */
export const readMatrix = (model: OnnxModel, linear: Linear): Float32Array => {
  requireFloats(model, linear);
  const stored = readFloats(model, linear.weight);
  return linear.orientation === 'in-out' ? stored : transposed(stored, linear.columns, linear.rows);
};

/** [rows, columns] → [columns, rows] */
export const transposed = (matrix: Float32Array, rows: number, columns: number): Float32Array => {
  const flipped = new Float32Array(matrix.length);
  for (let row = 0; row < rows; row += 1)
    for (let column = 0; column < columns; column += 1) flipped[column * rows + row] = matrix[row * columns + column] ?? 0;
  return flipped;
};

/** Gives a linear another matrix [rows, columns] of as many columns, stored in its own orientation; returns the name that it got. */
export const replaceMatrix = (model: OnnxModel, linear: Linear, rows: number, values: Float32Array): string => {
  const stored = linear.orientation === 'in-out' ? values : transposed(values, rows, linear.columns);
  const dims = linear.orientation === 'in-out' ? [rows, linear.columns] : [linear.columns, rows];
  return replaceFloats(model, producerOf(model, linear.node), linear.weight, dims, stored);
};

/** Keeps some inputs (`rows`) or outputs (`columns`, the bias with them) of a linear. */
export const cutLinear = (model: OnnxModel, linear: Linear, side: 'rows' | 'columns', keep: readonly number[]): void => {
  requireFloats(model, linear);
  const node = producerOf(model, linear.node);
  cutConstant(model, node, linear.weight, (side === 'rows') === (linear.orientation === 'in-out') ? 0 : 1, keep);
  if (side === 'columns' && linear.bias !== null) {
    const adds = node.input.includes(linear.bias) ? node : producerOf(model, linear.output);
    cutConstant(model, adds, linear.bias, 0, keep);
  }
};

/** Lets every reader of `from`, graph outputs apart, read `to`. */
export const redirect = (model: OnnxModel, from: string, to: string): void => {
  for (const { node, input } of graphIndex(model).consumers.get(from) ?? []) node.input[input] = to;
};

/** Adds a float32 (or, like `pattern`, float16) initializer; returns the name that it got. */
export const addFloats = (model: OnnxModel, wanted: string, pattern: string, dims: readonly number[], values: Float32Array): string => {
  const tensor = like(model, initializer(model, pattern), dims, values);
  tensor.name = freshName(model, wanted);
  mainGraph(model.proto, model.graph).initializer.push(tensor);
  return tensor.name;
};

/** Puts a node right before `before`. */
export const insertBefore = (model: OnnxModel, before: NodeProto, node: NodeProto): void => {
  const nodes = mainGraph(model.proto, model.graph).node;
  nodes.splice(nodes.indexOf(before), 0, node);
};

/** Puts a node right after `after`. */
export const insertAfter = (model: OnnxModel, after: NodeProto, node: NodeProto): void => {
  const nodes = mainGraph(model.proto, model.graph).node;
  nodes.splice(nodes.indexOf(after) + 1, 0, node);
};

/** Removes nodes that no graph output needs. */
export const removeUnusedNodes = (model: OnnxModel): void => {
  const graph = mainGraph(model.proto, model.graph);
  const needed = new Set(graph.output.map((each) => each.name));
  const kept = new Set<NodeProto>();
  for (const node of [...graph.node].reverse()) {
    if (!node.output.some((name) => needed.has(name))) continue;
    kept.add(node);
    for (const name of readNames(node)) needed.add(name);
  }
  graph.node = graph.node.filter((node) => kept.has(node));
};
