import { dataType } from './data-type.ts';
import { type Consumer, graphIndex } from './edit.ts';
import { attributeTensors, graphsOf, integerAttribute, mainGraph, type OnnxModel } from './model.ts';
import { unfolding } from './packed-weights.ts';
import type { GraphProto, NodeProto, SparseTensorProto, TensorProto } from './proto/onnx_pb.js';
import { elementCount, tensorDims } from './tensor-layout.ts';

/** Types of shapes, axes, indices and conditions. */
const noWeight: ReadonlySet<number> = new Set([dataType.int32, dataType.int64, dataType.bool]);

/** The inputs that hold tables of cosines and sines by position. */
const tableInputs = ({ domain, opType }: NodeProto): readonly number[] => {
  if (opType === 'RotaryEmbedding') return domain === '' ? [1, 2] : [2, 3];
  return opType === 'GroupQueryAttention' ? [7, 8] : [];
};

type Readers = (name: string) => readonly Consumer[];

/** The inputs of `com.microsoft` operators that hold several weights in a byte, and the attribute that says how many. */
const packedInputs: Readonly<Record<string, { readonly inputs: readonly number[]; readonly bits: string }>> = {
  MatMulNBits: { inputs: [1], bits: 'bits' },
  GatherBlockQuantized: { inputs: [0], bits: 'bits' },
  QMoE: { inputs: [2, 5, 8], bits: 'expert_weight_bits' },
};

/** Weights per stored element for one reader. */
const packing = ({ node, input }: Consumer): number => {
  const packed = node.domain === 'com.microsoft' && Object.hasOwn(packedInputs, node.opType) ? packedInputs[node.opType] : undefined;
  const bits = packed?.inputs.includes(input) === true ? integerAttribute(node, packed.bits, 4) : 8;
  return [1, 2, 4].includes(bits) ? 8 / bits : 1;
};

const isTable = (readers: readonly Consumer[]): boolean =>
  readers.length > 0 && readers.every(({ node, input }) => tableInputs(node).includes(input));

const weightsIn = (tensor: TensorProto, readers: readonly Consumer[]): number =>
  noWeight.has(tensor.dataType) || isTable(readers)
    ? 0
    : elementCount(tensor) * Math.max(1, ...(tensor.dataType === dataType.uint8 ? readers.map(packing) : []));

const sparseElements = ({ dims, values }: SparseTensorProto): number =>
  tensorDims({ dims, name: values?.name ?? '' }).reduce((product, dim) => product * dim, 1);

/** Elements of the values in a node's attributes; the value that a ConstantOfShape repeats is none. */
const attributeElements = (node: NodeProto, readers: Readers): number => {
  if (node.opType === 'ConstantOfShape') return 0;
  let elements = 0;
  for (const attribute of node.attribute) {
    const own = readers(node.output[0] ?? '');
    for (const tensor of [attribute.t, ...attribute.tensors]) if (tensor !== undefined) elements += weightsIn(tensor, own);
    for (const sparse of [attribute.sparseTensor, ...attribute.sparseTensors]) if (sparse !== undefined) elements += sparseElements(sparse);
    if (node.opType !== 'Constant') continue;
    elements += attribute.floats.length;
    if (attribute.name === 'value_float') elements++;
  }
  return elements;
};

const readersAmong = (nodes: readonly NodeProto[]): Readers => {
  const found = new Map<string, Consumer[]>();
  for (const node of nodes)
    for (const [input, name] of node.input.entries()) {
      const known = found.get(name);
      if (known === undefined) found.set(name, [{ node, input }]);
      else known.push({ node, input });
    }
  return (name) => found.get(name) ?? [];
};

const graphElements = (graph: GraphProto, readers: Readers, isUsed: (name: string) => boolean): number => {
  let elements = 0;
  for (const tensor of graph.initializer) if (isUsed(tensor.name)) elements += weightsIn(tensor, readers(tensor.name));
  for (const sparse of graph.sparseInitializer) if (isUsed(sparse.values?.name ?? '')) elements += sparseElements(sparse);
  for (const node of graph.node)
    if (node.opType !== 'Constant' || isUsed(node.output[0] ?? '')) elements += attributeElements(node, readers);
  return elements;
};

/**
 * Weights that a model carries: elements of every initializer and constant that something reads, each once however often it is read, those
 * of branches, loops and local functions included. Packed 2-, 4- and 8-bit weights count as the values that they hold, sparse ones
 * with their zeros, and so do those that `packWeight` has packed. Scales and zero points count too; integers that shape or index, and the tables
 * of rotary operators, do not: they grow with the context and not with the model.
 */
export const countParameters = (model: OnnxModel): number => {
  const main = mainGraph(model.proto, model.graph);
  const index = graphIndex(model);
  const read: Readers = (name) => index.consumers.get(name) ?? [];
  const { nodes, elements: packed } = unfolding(model);
  const isUsed = (name: string): boolean => {
    const readers = read(name);
    return index.outputs.has(name) || readers.some(({ node }) => !nodes.has(node));
  };
  let elements = packed + graphElements(main, read, isUsed);
  for (const graph of graphsOf(model.proto)) if (graph !== main) elements += graphElements(graph, readersAmong(graph.node), () => true);
  for (const local of model.proto.functions) {
    const readers = readersAmong(local.node);
    for (const node of local.node) elements += attributeElements(node, readers);
    for (const attribute of local.attributeProto)
      for (const { tensor } of attributeTensors(attribute, local.name)) elements += elementCount(tensor);
  }
  return elements;
};
