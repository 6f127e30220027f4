import { GateError } from '../errors.ts';
import type { AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto } from './proto/onnx_pb.js';

/** A graph in memory and where it lies; its external weights stay on disk. */
export interface OnnxModel {
  readonly proto: ModelProto;
  /** Folder that external data is relative to. */
  readonly folder: string;
  /** File name of the graph inside the folder. */
  readonly graph: string;
}

/** The main graph. Throws `onnx-malformed` for a model without one. */
export const mainGraph = (proto: ModelProto, where?: string): GraphProto => {
  if (proto.graph === undefined)
    throw new GateError('onnx-malformed', 'The ONNX file was read. It holds no graph.', where === undefined ? {} : { where });
  return proto.graph;
};

/** Graphs held by the attributes of a node (`If`, `Loop`, `Scan`), in order. */
export const subgraphs = (node: NodeProto): readonly GraphProto[] => node.attribute.flatMap(attributeGraphs);

const attributeGraphs = (attribute: AttributeProto): readonly GraphProto[] =>
  attribute.g === undefined ? attribute.graphs : [attribute.g, ...attribute.graphs];

/** Every name that a node reads, also inside the graphs that it holds; names that those graphs define themselves are among them. */
export function* readNames(node: NodeProto): Generator<string> {
  yield* node.input;
  for (const inner of subgraphs(node)) {
    for (const each of inner.node) yield* readNames(each);
    for (const { name } of inner.output) yield name;
  }
}

/** A graph and all graphs nested in it, outermost first. */
export function* allGraphs(graph: GraphProto): Generator<GraphProto> {
  yield graph;
  for (const node of graph.node) for (const inner of subgraphs(node)) yield* allGraphs(inner);
}

/** Every graph of a model: the main one, and those that nodes and functions hold, at any depth. */
export function* graphsOf(proto: ModelProto): Generator<GraphProto> {
  if (proto.graph !== undefined) yield* allGraphs(proto.graph);
  for (const local of proto.functions) {
    const held = [...local.node.flatMap(subgraphs), ...local.attributeProto.flatMap(attributeGraphs)];
    for (const inner of held) yield* allGraphs(inner);
  }
}

/** Every node of a model: the main graph, nested graphs and model-local functions. */
export function* allNodes(proto: ModelProto): Generator<NodeProto> {
  for (const graph of graphsOf(proto)) yield* graph.node;
  for (const local of proto.functions) yield* local.node;
}

/** A tensor and a name for messages: its own, or the node and attribute that hold it. */
export interface PlacedTensor {
  readonly tensor: TensorProto;
  readonly label: string;
}

/** Tensors in the value of an attribute: dense ones, and values and indices of sparse ones. */
export function* attributeTensors(attribute: AttributeProto, holder: string): Generator<PlacedTensor> {
  const label = `${attribute.name} of ${holder}`;
  const sparse = attribute.sparseTensor === undefined ? attribute.sparseTensors : [attribute.sparseTensor, ...attribute.sparseTensors];
  const dense = attribute.t === undefined ? attribute.tensors : [attribute.t, ...attribute.tensors];
  for (const tensor of [...dense, ...sparse.flatMap((each) => [each.values, each.indices])])
    if (tensor !== undefined) yield { tensor, label };
}

/** Every tensor that a model carries: initializers (sparse ones too), attribute values and defaults of functions, wherever they are nested. */
export function* allTensors(proto: ModelProto): Generator<PlacedTensor> {
  for (const graph of graphsOf(proto)) yield* graphTensors(graph);
  for (const node of allNodes(proto)) for (const attribute of node.attribute) yield* attributeTensors(attribute, nodeLabel(node));
  for (const local of proto.functions)
    for (const attribute of local.attributeProto) yield* attributeTensors(attribute, `function ${local.name}`);
}

function* graphTensors(graph: GraphProto): Generator<PlacedTensor> {
  for (const tensor of graph.initializer) yield { tensor, label: tensor.name };
  for (const sparse of graph.sparseInitializer) {
    const label = sparse.values?.name ?? 'a sparse initializer';
    if (sparse.values !== undefined) yield { tensor: sparse.values, label };
    if (sparse.indices !== undefined) yield { tensor: sparse.indices, label: `indices of ${label}` };
  }
}

/** `Add "name"`, or `Add → output` for a node without a name: how messages point at a node. */
export const nodeLabel = (node: NodeProto): string =>
  node.name === '' ? `${node.opType} → ${node.output.find((name) => name !== '') ?? '(no output)'}` : `${node.opType} "${node.name}"`;

/** An attribute of a node by name. */
export const findAttribute = (node: NodeProto, name: string): AttributeProto | undefined =>
  node.attribute.find((attribute) => attribute.name === name);

/** An integer attribute as a number, or `fallback` where the node has none. */
export const integerAttribute = (node: NodeProto, name: string, fallback: number): number => {
  const found = findAttribute(node, name);
  return found === undefined ? fallback : Number(found.i);
};
