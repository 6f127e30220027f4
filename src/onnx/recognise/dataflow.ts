import { GateError } from '../../errors.ts';
import { findAttribute, mainGraph, type OnnxModel } from '../model.ts';
import { packedWeights } from '../packed-weights.ts';
import type { NodeProto, TensorProto } from '../proto/onnx_pb.js';
import { readIntegers } from '../tensor.ts';

/** A constant as a node sees it: the initializer at its root and what happened to it on the way. */
export interface Constant {
  readonly name: string;
  /** Dimensions as seen by the consumer. */
  readonly dims: readonly number[];
  readonly transposed: boolean;
  /** A Reshape or a general Transpose lies between: the initializer cannot be cut along the same axes. */
  readonly reshaped: boolean;
  readonly quantized: boolean;
}

/** The graph as questions about data flow. Building it reads no weights. */
export interface Dataflow {
  readonly model: OnnxModel;
  readonly nodes: readonly NodeProto[];
  producer(tensor: string): NodeProto | undefined;
  consumers(tensor: string): readonly NodeProto[];
  position(node: NodeProto): number;
  /** A packed weight counts as one too; its tensor has no data. */
  initializer(name: string): TensorProto | undefined;
  constant(tensor: string): Constant | null;
  isInput(tensor: string): boolean;
  isOutput(tensor: string): boolean;
  /** The elements of a small integer constant, or null where the tensor is none. */
  integers(tensor: string): readonly number[] | null;
}

/** Name of a node: its first output. */
export const nodeId = (node: NodeProto): string => node.output.find((name) => name !== '') ?? node.name;

const smallConstant = 4096;
const dimsOf = (tensor: TensorProto): readonly number[] => tensor.dims.map(Number);

/**
 * @throws GateError onnx-unsupported for control flow (`If`, `Loop`, `Scan`) and for local functions: the flow of data is not in the graph itself.
 */
export const dataflow = (model: OnnxModel): Dataflow => {
  const graph = mainGraph(model.proto, model.graph);
  const producers = new Map<string, NodeProto>();
  const consumers = new Map<string, NodeProto[]>();
  const positions = new Map<NodeProto, number>();
  for (const [position, node] of graph.node.entries()) {
    if (node.attribute.some((each) => each.g !== undefined || each.graphs.length > 0))
      throw new GateError('onnx-unsupported', `operator ${node.opType} (${nodeId(node)}) holds a graph of its own`, { where: model.graph });
    positions.set(node, position);
    for (const name of node.output) if (name !== '') producers.set(name, node);
    for (const name of new Set(node.input)) {
      if (name === '') continue;
      const list = consumers.get(name);
      if (list === undefined) consumers.set(name, [node]);
      else list.push(node);
    }
  }
  if (model.proto.functions.length > 0)
    throw new GateError('onnx-unsupported', `local function ${model.proto.functions[0]?.name ?? ''}: inline functions first`, {
      where: model.graph,
    });
  const initializers = new Map([...graph.initializer, ...packedWeights(model)].map((tensor) => [tensor.name, tensor]));
  const inputs = new Set(graph.input.map((each) => each.name).filter((name) => !initializers.has(name)));
  const outputs = new Set(graph.output.map((each) => each.name));
  const constants = new Map<string, Constant | null>();

  const trace = (tensor: string): Constant | null => {
    const stored = initializers.get(tensor);
    if (stored !== undefined) return { name: tensor, dims: dimsOf(stored), transposed: false, reshaped: false, quantized: false };
    const node = producers.get(tensor);
    if (node === undefined) return null;
    if (node.opType === 'Constant') {
      const value = findAttribute(node, 'value')?.t;
      return { name: tensor, dims: value === undefined ? [] : dimsOf(value), transposed: false, reshaped: false, quantized: false };
    }
    const first = node.input[0];
    if (first === undefined) return null;
    const below = constant(first);
    if (below === null) return null;
    if (node.opType === 'Cast' || node.opType === 'Identity') return below;
    if (node.opType === 'DequantizeLinear') return { ...below, quantized: true };
    if (node.opType === 'Transpose') {
      const order = findAttribute(node, 'perm')?.ints.map(Number) ?? below.dims.map((_, axis) => below.dims.length - 1 - axis);
      const dims = order.map((axis) => below.dims[axis] ?? 0);
      return below.dims.length === 2 && order[0] === 1
        ? { ...below, dims, transposed: !below.transposed }
        : { ...below, dims, reshaped: true };
    }
    if (node.opType === 'Reshape' || node.opType === 'Unsqueeze' || node.opType === 'Squeeze') {
      const shape = node.opType === 'Reshape' ? integers(node.input[1] ?? '') : null;
      return { ...below, dims: shape ?? below.dims, reshaped: true };
    }
    return null;
  };
  const constant = (tensor: string): Constant | null => {
    const known = constants.get(tensor);
    if (known !== undefined) return known;
    constants.set(tensor, null);
    const found = tensor === '' ? null : trace(tensor);
    constants.set(tensor, found);
    return found;
  };
  const integers = (tensor: string): readonly number[] | null => {
    const stored = initializers.get(tensor);
    if (stored !== undefined) {
      const elements = dimsOf(stored).reduce((product, size) => product * size, 1);
      const integral = stored.dataType === 6 || stored.dataType === 7;
      return integral && elements <= smallConstant ? Array.from(readIntegers(model, tensor), Number) : null;
    }
    const node = producers.get(tensor);
    if (node?.opType !== 'Constant') return null;
    const list = findAttribute(node, 'value_ints') ?? findAttribute(node, 'value_int');
    if (list !== undefined) return list.ints.length > 0 ? list.ints.map(Number) : [Number(list.i)];
    const value = findAttribute(node, 'value')?.t;
    if (value === undefined || (value.dataType !== 6 && value.dataType !== 7)) return null;
    if (value.rawData.byteLength > 0) {
      const view = new DataView(value.rawData.buffer, value.rawData.byteOffset, value.rawData.byteLength);
      const width = value.dataType === 7 ? 8 : 4;
      return Array.from({ length: Math.floor(view.byteLength / width) }, (_, at) =>
        width === 8 ? Number(view.getBigInt64(at * 8, true)) : view.getInt32(at * 4, true),
      );
    }
    return value.dataType === 7 ? value.int64Data.map(Number) : [...value.int32Data];
  };
  return {
    model,
    nodes: graph.node,
    producer: (tensor) => producers.get(tensor),
    consumers: (tensor) => consumers.get(tensor) ?? [],
    position: (node) => positions.get(node) ?? -1,
    initializer: (name) => initializers.get(name),
    constant,
    isInput: (tensor) => inputs.has(tensor),
    isOutput: (tensor) => outputs.has(tensor),
    integers,
  };
};
