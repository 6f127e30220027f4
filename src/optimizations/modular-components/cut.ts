import { GateError } from '../../errors.ts';
import { mainGraph, type OnnxModel } from '../../onnx/model.ts';
import type { NodeProto } from '../../onnx/proto/onnx_pb.js';
import type { Architecture, Layer } from '../../onnx/recognise/architecture.ts';
import { residualSum } from './residual-sum.ts';

/** How a decoder is cut. */
export interface Cut {
  /** Groups of layers. */
  readonly groups: number;
  /** Whether a module works out for itself what follows from the inputs alone (masks, positions, angles), or is handed it. */
  readonly repeat: boolean;
}

/** One module as a part of the graph: which nodes, what it reads besides weights, what it gives. */
export interface Module {
  readonly id: string;
  /** In graph order. */
  readonly nodes: readonly NodeProto[];
  /** Inputs of the graph and tensors of earlier modules. */
  readonly reads: readonly string[];
  /** Outputs of the graph and tensors that later modules read. */
  readonly gives: readonly string[];
}

const unsupported = (model: OnnxModel, message: string): GateError =>
  new GateError('onnx-unsupported', `The graph was to be cut into modules. That cannot be: ${message}.`, { where: model.graph });

/** The residual stream where modules meet: before the first layer of each group, and behind the last layer. */
const boundariesOf = (model: OnnxModel, layers: readonly Layer[], groups: number): readonly string[] => {
  if (layers.length < groups)
    throw new GateError(
      'option-invalid',
      `The graph was to be cut into modules. Expected at most as many groups as layers, ${layers.length}, got ${groups}.`,
      { where: 'modules' },
    );
  return Array.from({ length: groups + 1 }, (_, group) => {
    const first = Math.floor((group * layers.length) / groups);
    const before = layers[first - 1];
    const stream = before === undefined ? layers[0]?.attentionWrite.stream : residualSum(model, before.feedForwardWrite);
    if (stream === undefined || stream === '') throw unsupported(model, `the residual stream before layer ${first} is not in the graph`);
    return stream;
  });
};

/** How many boundaries lie above each tensor: the module that it belongs to. A boundary itself counts for its readers only. */
const levelsOf = (nodes: readonly NodeProto[], boundaries: readonly string[]): ReadonlyMap<NodeProto, number> => {
  const above = new Map<string, number>();
  const levels = new Map<NodeProto, number>();
  for (const node of nodes) {
    const level = Math.max(0, ...node.input.map((name) => above.get(name) ?? 0));
    levels.set(node, level);
    for (const name of node.output) above.set(name, Math.max(level, boundaries.indexOf(name) + 1));
  }
  return levels;
};

/** Nodes that hold large weights or attend: never worth a second run. */
const heavyOutputs = ({ linears, layers, embedding }: Architecture): ReadonlySet<string> =>
  new Set([
    ...linears.map(({ node }) => node),
    ...layers.flatMap(({ attention, experts }) => [attention.node, ...(experts === null ? [] : [experts.node])]),
    ...(embedding === null ? [] : [embedding.node]),
  ]);

/**
 * Cuts a decoder at the residual stream into `embedding`, `blocks-0` …, `head`. Edits `model` where sum and norm are one operator. What a
 * module reads besides the stream is worked out again in it where it follows from weights alone, or (`repeat`) from the inputs
 * without a matrix; else it is handed on. `streams` are the tensors cut at, [batch, sequence, hidden]. Throws `onnx-unsupported` for a decoder without layers or whose stream is not in the graph,
 * `option-invalid` for more groups than layers.
 */
export const cutDecoder = (
  model: OnnxModel,
  architecture: Architecture,
  { groups, repeat }: Cut,
): { readonly modules: readonly Module[]; readonly streams: readonly string[] } => {
  const { layers } = architecture;
  if (layers.length === 0) throw unsupported(model, 'no layers are recognised');
  const boundaries = boundariesOf(model, layers, groups);
  const graph = mainGraph(model.proto, model.graph);
  const weights = new Set(graph.initializer.map(({ name }) => name));
  const inputs = new Set(graph.input.map(({ name }) => name).filter((name) => !weights.has(name)));
  const producers = new Map(graph.node.flatMap((node) => node.output.filter((name) => name !== '').map((name) => [name, node] as const)));
  const levels = levelsOf(graph.node, boundaries);
  const levelOf = (node: NodeProto): number => levels.get(node) ?? 0;
  boundaries.forEach((name, at) => {
    const maker = producers.get(name);
    if (maker === undefined || levelOf(maker) !== at)
      throw unsupported(model, `the residual stream ${name} does not follow from the module before it`);
  });

  const heavy = heavyOutputs(architecture);
  const repeatable = new Map<NodeProto, { readonly constant: boolean; readonly light: boolean }>();
  const kindOf = (node: NodeProto): { readonly constant: boolean; readonly light: boolean } => {
    const known = repeatable.get(node);
    if (known !== undefined) return known;
    const below = node.input.flatMap((name) => producers.get(name) ?? []).map(kindOf);
    const kind = {
      constant: !node.input.some((name) => inputs.has(name)) && below.every(({ constant }) => constant),
      light: levelOf(node) === 0 && !node.output.some((name) => heavy.has(name)) && below.every(({ light }) => light),
    };
    repeatable.set(node, kind);
    return kind;
  };
  // In graph order, so that no recursion goes deeper than one node.
  for (const node of graph.node) kindOf(node);
  const again = (node: NodeProto): boolean => kindOf(node).constant || (repeat && kindOf(node).light);

  const last = boundaries.length;
  const gives = Array.from({ length: last + 1 }, (_, module) => new Set(boundaries.slice(module, module + 1)));
  for (const { name } of graph.output) {
    const maker = producers.get(name);
    if (maker !== undefined) gives[levelOf(maker)]?.add(name);
  }
  const modules: Module[] = [];
  // From the last to the first, since a module learns from later ones what it must hand on.
  for (let module = last; module >= 0; module--) {
    const own = new Set<NodeProto>();
    const reads = new Set<string>();
    const queue = [...(gives[module] ?? [])];
    for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
      const maker = producers.get(name);
      if (inputs.has(name)) reads.add(name);
      if (maker === undefined || own.has(maker)) continue;
      const level = levelOf(maker);
      if (level === module || (again(maker) && !boundaries.includes(name))) {
        own.add(maker);
        queue.push(...maker.input);
      } else {
        reads.add(name);
        gives[level]?.add(name);
      }
    }
    modules.unshift({
      id: module === 0 ? 'embedding' : module === last ? 'head' : `blocks-${module - 1}`,
      nodes: graph.node.filter((node) => own.has(node)),
      reads: [...reads],
      gives: [...(gives[module] ?? [])],
    });
  }
  return { modules, streams: boundaries };
};
