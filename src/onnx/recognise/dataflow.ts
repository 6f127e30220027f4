import { constantTensor } from '../constants.ts';
import { dataType } from '../data-type.ts';
import { findAttribute, mainGraph, type OnnxModel, readNames, subgraphs } from '../model.ts';
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
  /** What cannot be followed, and why: nested graphs and local functions. */
  readonly hidden: readonly string[];
  /** Initializers, values of Constant nodes and packed weights, by name. */
  readonly stored: ReadonlyMap<string, TensorProto>;
  producer(tensor: string): NodeProto | undefined;
  consumers(tensor: string): readonly NodeProto[];
  position(node: NodeProto): number;
  /** The value of a Constant node and a packed weight count as one too; the tensor of a packed weight has no data. */
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

/** What a node hides from the flow of data, in words; null for nothing. */
const hiddenBy = (model: OnnxModel, node: NodeProto): string | null => {
  if (subgraphs(node).length > 0) return `operator ${node.opType} (${nodeId(node)}) holds a graph of its own`;
  const called = model.proto.functions.some(({ name, domain }) => name === node.opType && domain === node.domain);
  return called ? `${node.opType} (${nodeId(node)}) is a local function: inline functions first` : null;
};

/** Elements of an integer tensor that is small, or null. */
const smallIntegers = (model: OnnxModel, tensor: TensorProto | undefined): readonly number[] | null => {
  if (tensor === undefined || (tensor.dataType !== dataType.int32 && tensor.dataType !== dataType.int64)) return null;
  return dimsOf(tensor).reduce((product, size) => product * size, 1) <= smallConstant ? readIntegers(model, tensor) : null;
};

/** What the first input of a node becomes for its readers, where it is a constant. */
const moved = (node: NodeProto, below: Constant, integers: Dataflow['integers']): Constant | null => {
  switch (node.opType) {
    case 'Cast':
    case 'Identity':
      return below;
    case 'DequantizeLinear':
      return { ...below, quantized: true };
    case 'Transpose': {
      const order = findAttribute(node, 'perm')?.ints.map(Number) ?? below.dims.map((_, axis) => below.dims.length - 1 - axis);
      const dims = order.map((axis) => below.dims[axis] ?? 0);
      const flips = below.dims.length === 2 && order[0] === 1;
      return flips ? { ...below, dims, transposed: !below.transposed } : { ...below, dims, reshaped: true };
    }
    case 'Reshape':
      return { ...below, dims: integers(node.input[1] ?? '') ?? below.dims, reshaped: true };
    case 'Unsqueeze':
    case 'Squeeze':
      return { ...below, reshaped: true };
    default:
      return null;
  }
};

/** The flow of data through the main graph; nodes that hide a part of it are opaque, and told in `hidden`. */
export const dataflow = (model: OnnxModel): Dataflow => {
  const graph = mainGraph(model.proto, model.graph);
  const producers = new Map<string, NodeProto>();
  const consumers = new Map<string, NodeProto[]>();
  const positions = new Map<NodeProto, number>();
  const hidden: string[] = [];
  for (const [position, node] of graph.node.entries()) {
    const reason = hiddenBy(model, node);
    if (reason !== null) hidden.push(reason);
    positions.set(node, position);
    for (const name of node.output) if (name !== '') producers.set(name, node);
    for (const name of new Set(readNames(node))) {
      if (name === '') continue;
      const list = consumers.get(name);
      if (list === undefined) consumers.set(name, [node]);
      else list.push(node);
    }
  }
  const values = graph.node.map(constantTensor).filter((tensor) => tensor !== null);
  const initializers = new Map([...graph.initializer, ...values, ...packedWeights(model)].map((tensor) => [tensor.name, tensor]));
  const inputs = new Set(graph.input.map((each) => each.name).filter((name) => !initializers.has(name)));
  const outputs = new Set(graph.output.map((each) => each.name));
  const integers = (tensor: string): readonly number[] | null => smallIntegers(model, initializers.get(tensor));
  const constants = new Map<string, Constant>();
  for (const [name, stored] of initializers)
    constants.set(name, { name, dims: dimsOf(stored), transposed: false, reshaped: false, quantized: false });
  // In topological order, so that a chain of any length needs no recursion.
  for (const node of graph.node) {
    const [from = '', to = ''] = [node.input[0], node.output[0]];
    const below = constants.get(from);
    const found = below === undefined || constants.has(to) ? null : moved(node, below, integers);
    if (found !== null) constants.set(to, found);
  }
  return {
    model,
    nodes: graph.node,
    hidden,
    stored: initializers,
    producer: (tensor) => producers.get(tensor),
    consumers: (tensor) => consumers.get(tensor) ?? [],
    position: (node) => positions.get(node) ?? -1,
    initializer: (name) => initializers.get(name),
    constant: (tensor) => constants.get(tensor) ?? null,
    isInput: (tensor) => inputs.has(tensor),
    isOutput: (tensor) => outputs.has(tensor),
    integers,
  };
};
