import { create } from '@bufbuild/protobuf';
import { GateError } from '../errors.ts';
import { copyMessage } from './copy.ts';
import { allGraphs, mainGraph, nodeLabel, type OnnxModel, subgraphs } from './model.ts';
import { type GraphProto, type NodeProto, type TensorProto, ValueInfoProtoSchema } from './proto/onnx_pb.js';

/** One place that reads a tensor: input number `input` of `node`, which may lie in a nested graph. */
export interface Consumer {
  readonly node: NodeProto;
  readonly input: number;
}

/** Who makes and who reads each tensor of the main graph. A snapshot: build it again after an edit. */
export interface GraphIndex {
  /** Nodes of the main graph by the tensors they produce. */
  readonly producers: ReadonlyMap<string, NodeProto>;
  /** Readers by tensor, in the order of the graph, nested graphs included (a name that they define anew is another tensor). */
  readonly consumers: ReadonlyMap<string, readonly Consumer[]>;
  readonly initializers: ReadonlyMap<string, TensorProto>;
  readonly inputs: ReadonlySet<string>;
  /** Graph outputs, and outer names that a nested graph hands on as its output. */
  readonly outputs: ReadonlySet<string>;
}

const definedNames = (graph: GraphProto): Set<string> =>
  new Set([
    ...graph.initializer.map((each) => each.name),
    ...graph.sparseInitializer.map((each) => each.values?.name ?? ''),
    ...graph.input.map((each) => each.name),
    ...graph.node.flatMap((node) => node.output),
  ]);

/** Visits the reads of a graph's own and outer names, leaving out what nested graphs define themselves. */
const visitReads = (
  graph: GraphProto,
  hidden: ReadonlySet<string>,
  read: (name: string, consumer: Consumer) => void,
  output: (name: string) => void,
): void => {
  for (const node of graph.node) {
    node.input.forEach((name, input) => {
      if (name !== '' && !hidden.has(name)) read(name, { node, input });
    });
    for (const inner of subgraphs(node)) visitReads(inner, new Set([...hidden, ...definedNames(inner)]), read, output);
  }
  for (const { name } of graph.output) if (!hidden.has(name)) output(name);
};

/** Indexes the main graph of a model. */
export const graphIndex = (model: OnnxModel): GraphIndex => {
  const graph = mainGraph(model.proto, model.graph);
  const producers = new Map<string, NodeProto>();
  for (const node of graph.node) for (const name of node.output) if (name !== '') producers.set(name, node);
  const consumers = new Map<string, Consumer[]>();
  const outputs = new Set<string>();
  visitReads(
    graph,
    new Set(),
    (name, consumer) => {
      const known = consumers.get(name);
      if (known === undefined) consumers.set(name, [consumer]);
      else known.push(consumer);
    },
    (name) => outputs.add(name),
  );
  return {
    producers,
    consumers,
    initializers: new Map(graph.initializer.map((tensor) => [tensor.name, tensor])),
    inputs: new Set(graph.input.map((each) => each.name)),
    outputs,
  };
};

/** A deep copy that may be edited freely; weights are shared, not copied, so replace them and never write into them. */
export const cloneModel = (model: OnnxModel): OnnxModel => ({ ...model, proto: copyMessage(model.proto) });

/** `wanted`, or `wanted_1`, `wanted_2` … : the first name that no tensor anywhere in the model has. */
export const freshName = (model: OnnxModel, wanted: string): string => {
  const taken = new Set<string>();
  for (const graph of allGraphs(mainGraph(model.proto, model.graph))) for (const name of definedNames(graph)) taken.add(name);
  if (!taken.has(wanted)) return wanted;
  for (let i = 1; ; i++) if (!taken.has(`${wanted}_${i}`)) return `${wanted}_${i}`;
};

/**
 * Copy on write: gives `consumers` (default: all readers) of the initializer `name` the tensor `replacement` instead.
 * When somebody else still reads the old one, the new one is added under a fresh name and only `consumers` are rewired; else it takes
 * the old one's place and name. Returns the name that the replacement has now. Edits the model in place, and renames `replacement`.
 * Throws `onnx-dangling-input` for a name that is no initializer.
 */
export const replaceInitializer = (model: OnnxModel, name: string, replacement: TensorProto, consumers?: readonly Consumer[]): string => {
  const graph = mainGraph(model.proto, model.graph);
  const at = graph.initializer.findIndex((tensor) => tensor.name === name);
  if (at < 0)
    throw new GateError('onnx-dangling-input', `The graph was rewritten. No initializer is called ${JSON.stringify(name)}.`, {
      where: model.graph,
    });
  const index = graphIndex(model);
  const readers = index.consumers.get(name) ?? [];
  const chosen = consumers ?? readers;
  const others = readers.some((reader) => !chosen.some((each) => each.node === reader.node && each.input === reader.input));
  if (consumers === undefined || (!others && !index.outputs.has(name))) {
    replacement.name = name;
    graph.initializer[at] = replacement;
    return name;
  }
  replacement.name = freshName(model, name);
  graph.initializer.splice(at + 1, 0, replacement);
  for (const { node, input } of chosen) {
    if (node.input[input] !== name)
      throw new GateError(
        'onnx-malformed',
        `The graph was rewritten. ${nodeLabel(node)} does not read ${JSON.stringify(name)} at input ${input}.`,
      );
    node.input[input] = replacement.name;
  }
  return replacement.name;
};

/** Removes initializers of the main graph that nothing reads, in place; returns their names. */
export const removeUnusedInitializers = (model: OnnxModel): readonly string[] => {
  const graph = mainGraph(model.proto, model.graph);
  const index = graphIndex(model);
  const isUsed = (name: string): boolean => index.consumers.has(name) || index.outputs.has(name);
  const removed = graph.initializer.map((tensor) => tensor.name).filter((name) => !isUsed(name));
  const gone = new Set(removed);
  graph.initializer = graph.initializer.filter((tensor) => !gone.has(tensor.name));
  graph.input = graph.input.filter((each) => !gone.has(each.name));
  graph.quantizationAnnotation = graph.quantizationAnnotation.filter((each) => !gone.has(each.tensorName));
  return removed;
};

/** Drops the recorded shapes of intermediate tensors, in place: they go stale with every edit, and stale ones break buffer reuse. */
export const dropValueInfo = (model: OnnxModel): void => {
  for (const graph of allGraphs(mainGraph(model.proto, model.graph))) graph.valueInfo = [];
};

const renameDefinition = (graph: GraphProto, from: string, to: string): void => {
  for (const each of [...graph.initializer, ...graph.input, ...graph.output, ...graph.valueInfo]) if (each.name === from) each.name = to;
  for (const { values } of graph.sparseInitializer) if (values?.name === from) values.name = to;
  for (const each of graph.quantizationAnnotation) if (each.tensorName === from) each.tensorName = to;
  for (const node of graph.node) node.output = node.output.map((name) => (name === from ? to : name));
};

const renameReads = (graph: GraphProto, from: string, to: string): void => {
  for (const node of graph.node) {
    node.input = node.input.map((name) => (name === from ? to : name));
    for (const inner of subgraphs(node)) {
      if (definedNames(inner).has(from)) continue;
      for (const each of inner.output) if (each.name === from) each.name = to;
      renameReads(inner, from, to);
    }
  }
};

/**
 * Renames a tensor of the main graph everywhere, in place: where it is made, read, declared and handed out.
 * Throws `onnx-dangling-input` when nothing is called `from`, `onnx-malformed` when something is called `to` already.
 */
export const renameTensor = (model: OnnxModel, from: string, to: string): void => {
  if (from === to) return;
  const graph = mainGraph(model.proto, model.graph);
  if (from === '' || !definedNames(graph).has(from)) {
    throw new GateError('onnx-dangling-input', `The graph was rewritten. No tensor is called ${JSON.stringify(from)}.`, {
      where: model.graph,
    });
  }
  if (to === '' || freshName(model, to) !== to)
    throw new GateError('onnx-malformed', `The graph was rewritten. A tensor called ${JSON.stringify(to)} exists already.`, {
      where: model.graph,
    });
  renameDefinition(graph, from, to);
  renameReads(graph, from, to);
};

/**
 * A copy of the model that also hands out the named intermediate tensors as graph outputs (for calibration). The runtime infers
 * their types and shapes. Throws `onnx-dangling-input` for a name that no node of the main graph produces.
 */
export const exposeTensors = (model: OnnxModel, names: readonly string[]): OnnxModel => {
  const exposed = cloneModel(model);
  const graph = mainGraph(exposed.proto, exposed.graph);
  const produced = new Set(graph.node.flatMap((node) => node.output));
  const outputs = new Set(graph.output.map((each) => each.name));
  for (const name of names) {
    if (name === '' || !produced.has(name)) {
      throw new GateError('onnx-dangling-input', `The graph was rewritten. No node produces ${JSON.stringify(name)}.`, {
        where: model.graph,
      });
    }
    if (outputs.has(name)) continue;
    outputs.add(name);
    graph.output.push(create(ValueInfoProtoSchema, { name }));
  }
  return exposed;
};
