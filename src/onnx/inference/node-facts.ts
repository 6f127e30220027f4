import { dataType } from '../data-type.ts';
import { findAttribute, integerAttribute, type OnnxModel } from '../model.ts';
import type { NodeProto, TensorProto } from '../proto/onnx_pb.js';
import { readIntegers } from '../tensor.ts';
import { tensorDims } from '../tensor-layout.ts';
import { type NodeView, product, type TensorFact, unknownFact } from './fact.ts';

/** What is known of the tensors that a node sees. */
export interface Facts {
  get(name: string): TensorFact | undefined;
  set(name: string, fact: TensorFact): unknown;
}

/** Facts of a body: its own, and those of the graph around it where it sees one. */
export const factsWithin = (outer: Pick<Facts, 'get'> | null): Facts => {
  const own = new Map<string, TensorFact>();
  return { get: (name) => own.get(name) ?? outer?.get(name), set: (name, fact) => own.set(name, fact) };
};

const integerTypes: ReadonlySet<number> = new Set([dataType.int64, dataType.int32, dataType.bool]);
const longestShape = 64;

/** What a stored tensor tells: its shape, and its values where they may be a shape. */
export const tensorFact = (model: OnnxModel, tensor: TensorProto): TensorFact => {
  const dims = tensorDims(tensor);
  const isShape = integerTypes.has(tensor.dataType) && product(dims) <= longestShape;
  return { ...unknownFact, dims, type: tensor.dataType, constant: true, integers: isShape ? readIntegers(model, tensor) : null };
};

/** What a Constant node makes. */
export const constantFact = (model: OnnxModel, node: NodeProto): TensorFact => {
  const [value] = node.attribute;
  if (value?.t !== undefined) return tensorFact(model, value.t);
  const known = { ...unknownFact, constant: true };
  switch (value?.name) {
    case 'value_int':
      return { ...known, dims: [], integers: [Number(value.i)] };
    case 'value_ints':
      return { ...known, dims: [value.ints.length], integers: value.ints.map(Number) };
    case 'value_floats':
      return { ...known, dims: [value.floats.length] };
    case 'value_strings':
      return { ...known, dims: [value.strings.length] };
    case 'sparse_value':
      return { ...known, dims: value.sparseTensor?.dims.map(Number) ?? null };
    default:
      return { ...known, dims: [] };
  }
};

/** A node as the rules see it. */
export const viewOf = (model: OnnxModel, node: NodeProto, facts: Pick<Facts, 'get'>): NodeView => ({
  node,
  input: (index) => facts.get(node.input[index] ?? '') ?? unknownFact,
  has: (index) => (node.input[index] ?? '') !== '',
  integer: (name, fallback) => integerAttribute(node, name, fallback),
  integers: (name) => findAttribute(node, name)?.ints.map(Number) ?? null,
  constant: (tensor) => tensorFact(model, tensor).integers,
});
