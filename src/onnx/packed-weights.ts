import { create } from '@bufbuild/protobuf';
import { GateError } from '../errors.ts';
import { dataType } from './data-type.ts';
import { removeUnusedInitializers } from './edit.ts';
import { mainGraph, type OnnxModel } from './model.ts';
import { AttributeProtoSchema, type NodeProto, NodeProtoSchema, type TensorProto, TensorProtoSchema } from './proto/onnx_pb.js';
import { findInitializer, initializer, integerTensor, rawTensor, readIntegers, tensorBytes } from './tensor.ts';
import { elementCount, tensorDims } from './tensor-layout.ts';

/** The oldest standard operators with shifts of bits and running sums. */
const oldestOpset = 11;
/** What the nodes and their names take in the graph itself, about. */
const nodeBytes = 2048;
const prefix = '/packed';

/** Operators from the packed bits down to the dense matrix, as `packWeight` writes them. */
const chain = ['Reshape', 'Gather', 'Mul', 'CumSum', 'Cast', 'Reshape', 'Mod', 'BitShift'] as const;

const widthOf = ({ dataType: type }: TensorProto): 2 | 4 | null => (type === dataType.float ? 4 : type === dataType.float16 ? 2 : null);

/** Elements as unsigned integers of their width, so that every bit of a value survives. */
const elementsOf = (bytes: Uint8Array, width: 2 | 4): Uint16Array | Uint32Array => {
  const { buffer } = new Uint8Array(bytes);
  return width === 4 ? new Uint32Array(buffer) : new Uint16Array(buffer);
};

/** Constants that all packed weights of a graph share, by name. */
const shared = (model: OnnxModel, tensor: TensorProto): string => {
  if (findInitializer(model, tensor.name) === undefined) mainGraph(model.proto, model.graph).initializer.push(tensor);
  return tensor.name;
};

const integers = (model: OnnxModel, values: readonly number[]): string =>
  shared(model, integerTensor(`${prefix}/int64/${values.join(',')}`, [values.length], values));

/** The bit of every element, low bits first, and behind a zero the values where it is set. Negative zero is zero. */
const packed = (elements: Uint16Array | Uint32Array, width: 2 | 4): { readonly bits: Uint8Array; readonly values: Uint8Array } => {
  const sign = width === 4 ? 0x7fff_ffff : 0x7fff;
  const bits = new Uint8Array(elements.length / 8);
  const values = width === 4 ? new Uint32Array(elements.length + 1) : new Uint16Array(elements.length + 1);
  let kept = 1;
  for (let at = 0; at < elements.length; at += 1) {
    const value = elements[at] as number;
    if ((value & sign) === 0) continue;
    bits[at >> 3] = (bits[at >> 3] as number) | (1 << (at & 7));
    values[kept++] = value;
  }
  return { bits, values: new Uint8Array(values.buffer.slice(0, kept * width)) };
};

/**
 * Stores a weight that is partly zero as one bit per element and the values that are not zero, and lets the graph unfold it again:
 * the runtime does that once, when it folds constants at load (for a moment with some 20 bytes per element beside the matrix), and computes
 * with the dense matrix from then on. Edits in place; readers see the same tensor. Float32 and float16.
 * @returns whether that takes fewer bytes; where it does not, where elements are no multiple of 8, or for other types nothing is changed.
 * @throws GateError onnx-dangling-input for a name that is no initializer; onnx-unsupported for operators older than opset 11.
 */
export const packWeight = (model: OnnxModel, name: string): boolean => {
  const graph = mainGraph(model.proto, model.graph);
  const dense = initializer(model, name);
  const [width, count, dims] = [widthOf(dense), elementCount(dense), tensorDims(dense)];
  if (width === null || count % 8 !== 0 || graph.input.some((port) => port.name === name)) return false;
  const { bits, values } = packed(elementsOf(tensorBytes(model, dense), width), width);
  if (values.length + bits.length + nodeBytes >= count * width) return false;
  const opset = Number(model.proto.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version ?? 0n);
  if (opset < oldestOpset)
    throw new GateError(
      'onnx-unsupported',
      `Weights of the graph were to be packed. That needs opset ${oldestOpset} or newer, and the graph has ${opset}.`,
      {
        where: model.graph,
      },
    );
  const tensor = (part: string): string => `${name}${prefix}/${part}`;
  const node = (opType: string, part: string, input: readonly string[], output = tensor(part)): NodeProto =>
    create(NodeProtoSchema, { name: tensor(`${part}/${opType}`), opType, input: [...input], output: [output] });
  const shift = node('BitShift', 'shifted', [
    tensor('mask'),
    shared(
      model,
      rawTensor(
        `${prefix}/shifts`,
        dataType.uint8,
        [8],
        Uint8Array.from({ length: 8 }, (_, bit) => bit),
      ),
    ),
  ]);
  shift.attribute = [create(AttributeProtoSchema, { name: 'direction', type: 3, s: new TextEncoder().encode('RIGHT') })];
  const counts = node('Cast', 'counts', [tensor('flat')]);
  counts.attribute = [create(AttributeProtoSchema, { name: 'to', type: 2, i: BigInt(dataType.int32) })];
  graph.initializer.splice(
    graph.initializer.indexOf(dense),
    1,
    rawTensor(tensor('mask'), dataType.uint8, [count / 8, 1], bits),
    rawTensor(tensor('values'), dense.dataType, [values.length / width], values),
  );
  graph.node.unshift(
    shift,
    node('Mod', 'set', [tensor('shifted'), shared(model, rawTensor(`${prefix}/two`, dataType.uint8, [], Uint8Array.of(2)))]),
    node('Reshape', 'flat', [tensor('set'), integers(model, [-1])]),
    counts,
    node('CumSum', 'running', [tensor('counts'), shared(model, integerTensor(`${prefix}/axis`, [], [0]))]),
    node('Mul', 'places', [tensor('running'), tensor('counts')]),
    node('Gather', 'gathered', [tensor('values'), tensor('places')]),
    node('Reshape', 'dense', [tensor('gathered'), integers(model, dims)], name),
  );
  return true;
};

interface Packing {
  /** Of the dense matrix, as its readers know it. */
  readonly name: string;
  readonly mask: TensorProto;
  readonly values: TensorProto;
  readonly width: 2 | 4;
  readonly dims: readonly number[];
  /** From the dense matrix up to the bits. */
  readonly nodes: readonly NodeProto[];
}

/** The weight that `packWeight` wrote and `last` unfolds, or null. */
const packingOf = (model: OnnxModel, producers: ReadonlyMap<string, NodeProto>, last: NodeProto): Packing | null => {
  const nodes: NodeProto[] = [];
  let stored = '';
  let next = last.output[0] ?? '';
  for (const opType of chain) {
    const node = producers.get(next);
    if (node?.opType !== opType) return null;
    nodes.push(node);
    if (opType === 'Gather') stored = node.input[0] ?? '';
    next = node.input[opType === 'Gather' ? 1 : 0] ?? '';
  }
  const [mask, values, shape] = [next, stored, last.input[1] ?? ''].map((name) => findInitializer(model, name));
  const width = values === undefined ? null : widthOf(values);
  if (mask?.dataType !== dataType.uint8 || values === undefined || width === null || shape === undefined) return null;
  return { name: last.output[0] ?? '', mask, values, width, dims: readIntegers(model, shape), nodes };
};

const packingsOf = (model: OnnxModel): readonly Packing[] => {
  const { node: nodes } = mainGraph(model.proto, model.graph);
  const producers = new Map(nodes.flatMap((node) => node.output.map((name) => [name, node] as const)));
  return nodes.filter((node) => node.opType === chain[0]).flatMap((node) => packingOf(model, producers, node) ?? []);
};

const unfolded = (mask: Uint8Array, values: Uint16Array | Uint32Array): Uint8Array => {
  const dense = values.BYTES_PER_ELEMENT === 4 ? new Uint32Array(mask.length * 8) : new Uint16Array(mask.length * 8);
  let taken = 1;
  for (let at = 0; at < dense.length; at += 1) if (((mask[at >> 3] as number) >> (at & 7)) & 1) dense[at] = values[taken++] ?? 0;
  return new Uint8Array(dense.buffer);
};

/** The weights that `packWeight` has packed: name, type and shape of each dense matrix, without its data. */
export const packedWeights = (model: OnnxModel): readonly TensorProto[] =>
  packingsOf(model).map(({ name, values, dims }) =>
    create(TensorProtoSchema, { name, dataType: values.dataType, dims: dims.map((dim) => BigInt(dim)) }),
  );

/** The nodes that unfold packed weights, and how many elements these have in all, zeros included. */
export const unfolding = (model: OnnxModel): { readonly nodes: ReadonlySet<NodeProto>; readonly elements: number } => {
  const packings = packingsOf(model);
  return {
    nodes: new Set(packings.flatMap(({ nodes }) => nodes)),
    elements: packings.reduce((sum, { mask }) => sum + 8 * elementCount(mask), 0),
  };
};

/** Opens the packed weights of a graph, in place: each is an initializer under its own name again. Throws `onnx-malformed` where one does not fit its shape. */
export const unpackWeights = (model: OnnxModel): void => {
  const packings = packingsOf(model);
  if (packings.length === 0) return;
  const graph = mainGraph(model.proto, model.graph);
  for (const { name, mask, values, width, dims } of packings) {
    const bytes = unfolded(tensorBytes(model, mask), elementsOf(tensorBytes(model, values), width));
    graph.initializer.push(rawTensor(name, values.dataType, dims, bytes));
  }
  const gone = new Set(packings.flatMap(({ nodes }) => nodes));
  graph.node = graph.node.filter((node) => !gone.has(node));
  removeUnusedInitializers(model);
};
