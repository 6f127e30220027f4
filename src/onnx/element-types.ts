import { dataType } from './data-type.ts';
import { findAttribute, integerAttribute, mainGraph, type OnnxModel } from './model.ts';
import type { NodeProto } from './proto/onnx_pb.js';

const of = (names: string, type: number): readonly (readonly [string, number])[] => names.split(' ').map((name) => [name, type]);

/** Operators whose outputs have one type whatever they read. */
const fixed: ReadonlyMap<string, number> = new Map([
  ...of('Shape Size NonZero ArgMax ArgMin', dataType.int64),
  ...of('Equal Less LessOrEqual Greater GreaterOrEqual And Or Xor Not IsNaN IsInf', dataType.bool),
]);
/** Operators whose outputs are of the type of an input other than the first. */
const like: ReadonlyMap<string, number> = new Map([
  ['Where', 1],
  ['OneHot', 2],
  ['DequantizeLinear', 1],
]);

const constantType = (node: NodeProto, fallback: number): number => {
  const value = findAttribute(node, 'value')?.t;
  if (value !== undefined) return value.dataType;
  if (node.attribute.some(({ name }) => name === 'value_int' || name === 'value_ints')) return dataType.int64;
  return fallback;
};

const outputType = (node: NodeProto, slot: number, typeOf: (input: number) => number): number => {
  const known = fixed.get(node.opType);
  if (known !== undefined) return known;
  switch (node.opType) {
    case 'Cast':
      return integerAttribute(node, 'to', 0);
    case 'Constant':
    case 'ConstantOfShape':
      return constantType(node, dataType.float);
    case 'TopK':
      return slot === 1 ? dataType.int64 : typeOf(0);
    case 'MatMulInteger':
      return dataType.int32;
    case 'DynamicQuantizeLinear':
      return slot === 1 ? dataType.float : dataType.uint8;
    default:
      return typeOf(like.get(node.opType) ?? 0);
  }
};

/**
 * Codes of the element types (`dataType`) of the tensors of a main graph, as far as they follow from inputs, initializers and operators; 0
 * where they do not. Recorded types win. Operators that are not known give what their first input is.
 */
export const elementTypes = (model: OnnxModel): ReadonlyMap<string, number> => {
  const graph = mainGraph(model.proto, model.graph);
  const types = new Map<string, number>();
  for (const { name, type } of [...graph.valueInfo, ...graph.input, ...graph.output])
    if (type?.value.case === 'tensorType' && type.value.value.elemType !== 0) types.set(name, type.value.value.elemType);
  for (const tensor of graph.initializer) types.set(tensor.name, tensor.dataType);
  for (const node of graph.node)
    for (const [slot, name] of node.output.entries())
      if (name !== '' && !types.has(name))
        types.set(
          name,
          outputType(node, slot, (input) => types.get(node.input[input] ?? '') ?? 0),
        );
  return types;
};
