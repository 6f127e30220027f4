import { GateError } from '../errors.ts';
import { graphDigest } from '../onnx/digest.ts';
import { mainGraph, type OnnxModel, readNames } from '../onnx/model.ts';
import { countParameters } from '../onnx/parameters.ts';
import type { GraphProto, NodeProto } from '../onnx/proto/onnx_pb.js';
import type { Stage } from '../records/serving.ts';
import { type Dependencies, dependencies, reachablePairs } from './reachable-pairs.ts';

/** What the cut of a model into stages is worth, from its graphs alone. */
export interface ModuleStructure {
  /** 1 − propagation cost, 0 to 1; higher: a change reaches less. */
  readonly modularityScore: number;
  /** Newman's Q of the undirected graph of nodes, −0.5 to 1; higher: more of the edges stay inside modules. 0 without edges. */
  readonly newmanQ: number;
  /** Tensors that a module takes from and gives to others, mean over modules. */
  readonly interfaceTensors: number;
  /** Share of the weights of all modules that the largest module carries, 0 to 1; 1 for one module. */
  readonly largestModule: number;
}

/** Live nodes of all modules in topological order. */
interface ModuleGraph {
  readonly depends: Dependencies;
  /** The module of each node. */
  readonly moduleOf: readonly number[];
  /** Nodes that make a tensor which another module takes. */
  readonly open: ReadonlySet<number>;
  readonly modules: number;
  /** Sum over modules of tensors taken and given. */
  readonly handed: number;
}

/** Kahn's order. Throws `onnx-malformed` when modules wait for each other. */
const ordered = (needs: readonly ReadonlySet<number>[]): readonly number[] => {
  const missing = needs.map((own) => own.size);
  const readers: number[][] = needs.map(() => []);
  for (const [node, own] of needs.entries()) for (const below of own) readers[below]?.push(node);
  const order = missing.flatMap((count, node) => (count === 0 ? [node] : []));
  for (let at = 0; at < order.length; at++)
    for (const reader of readers[order[at] ?? -1] ?? []) {
      const left = (missing[reader] ?? 0) - 1;
      missing[reader] = left;
      if (left === 0) order.push(reader);
    }
  if (order.length < needs.length)
    throw new GateError(
      'onnx-malformed',
      'The ONNX files of the model were put in order. Each waits for a tensor of another, in a circle.',
    );
  return order;
};

/** Nodes that an output of their module needs: what nothing needs is no part of the system. */
const liveNodes = (graph: GraphProto): readonly NodeProto[] => {
  const needed = new Set(graph.output.map(({ name }) => name));
  const live = graph.node.toReversed().filter((node) => {
    if (!node.output.some((name) => needed.has(name))) return false;
    for (const name of readNames(node)) needed.add(name);
    return true;
  });
  return live.toReversed();
};

const moduleGraph = (models: readonly OnnxModel[]): ModuleGraph => {
  const graphs = models.map(({ proto, graph }) => mainGraph(proto, graph));
  const makers = new Map<string, number>();
  graphs.forEach((graph, module) => {
    for (const { name } of graph.output) makers.set(name, module);
  });
  const nodes: { readonly node: NodeProto; readonly module: number }[] = [];
  const producers = graphs.map((graph, module) => {
    const own = new Map<string, number>();
    for (const node of liveNodes(graph)) {
      for (const name of node.output) if (name !== '') own.set(name, nodes.length);
      nodes.push({ node, module });
    }
    return own;
  });
  const open = new Set<number>();
  const given = graphs.map(() => new Set<string>());
  let taken = 0;
  const takes = graphs.map((graph, module) => {
    const from = new Map<string, number>();
    for (const { name } of graph.input) {
      const maker = makers.get(name);
      if (maker === undefined || maker === module) continue;
      taken++;
      given[maker]?.add(name);
      const producer = producers[maker]?.get(name);
      if (producer === undefined) continue;
      from.set(name, producer);
      open.add(producer);
    }
    return from;
  });
  const needs = nodes.map(({ node, module }, self) => {
    const own = new Set<number>();
    for (const name of readNames(node)) {
      const below = producers[module]?.get(name) ?? takes[module]?.get(name);
      if (below !== undefined && below !== self) own.add(below);
    }
    return own;
  });
  const order = ordered(needs);
  const place = new Map(order.map((node, at) => [node, at]));
  const placed = (node: number): number => place.get(node) ?? 0;
  return {
    depends: dependencies(order.map((node) => [...(needs[node] ?? [])].map(placed))),
    moduleOf: order.map((node) => nodes[node]?.module ?? 0),
    open: new Set([...open].map(placed)),
    modules: graphs.length,
    handed: taken + given.reduce((sum, names) => sum + names.size, 0),
  };
};

/** Edges that stay inside their module: the dependencies of a change that no other module sees. */
const inside = ({ depends, moduleOf }: ModuleGraph): Dependencies =>
  dependencies(
    moduleOf.map((module, node) =>
      [...depends.from.subarray(depends.starts[node], depends.starts[node + 1])].filter((below) => moduleOf[below] === module),
    ),
  );

const filledCells = (graph: ModuleGraph): number => {
  const { depends, moduleOf, open, modules } = graph;
  let filled = reachablePairs(inside(graph), [...moduleOf.keys()], () => true);
  for (let module = 0; module < modules; module++) {
    const sources = [...open].filter((node) => moduleOf[node] === module);
    filled += reachablePairs(depends, sources, (node) => moduleOf[node] !== module);
  }
  return filled;
};

const newmanQ = ({ depends, moduleOf, modules }: ModuleGraph): number => {
  const edges = depends.from.length;
  if (edges === 0) return 0;
  const within = new Float64Array(modules);
  const ends = new Float64Array(modules);
  for (const [node, module] of moduleOf.entries())
    for (const below of depends.from.subarray(depends.starts[node], depends.starts[node + 1])) {
      const other = moduleOf[below] ?? 0;
      if (other === module) within[module] = (within[module] ?? 0) + 1;
      ends[module] = (ends[module] ?? 0) + 1;
      ends[other] = (ends[other] ?? 0) + 1;
    }
  return within.reduce((q, own, module) => q + own / edges - ((ends[module] ?? 0) / (2 * edges)) ** 2, 0);
};

/**
 * How modular a model is under its cut into stages; one stage is one module. Elements are the operator nodes of all stages that an
 * output of their stage needs.
 *
 * Propagation cost (MacCormack, Rusnak, Baldwin: Exploring the Structure of Complex Software Designs, Management Science 52(7), 2006) is the
 * filled share of the transitive dependency matrix. Here its cell (i, j) is filled when i is j; when i depends on j, directly or through others, inside one
 * module; or when i lies in another module and depends on j, and j itself makes a tensor that modules hand on. What a module does not hand
 * on is hidden behind it (Parnas 1972): a change there stops at the interface, whose tensors are fixed in type and shape. So a finer
 * cut lowers the cost and every further tensor handed on raises it. In one module this is the cost as published.
 *
 * Q: Newman, Girvan: Finding and evaluating community structure in networks, Physical Review E 69, 2004; modules are the communities,
 * an edge is a node that reads another's output. Throws `onnx-malformed` for stages that wait for each other.
 */
export const moduleStructure = (models: readonly OnnxModel[]): ModuleStructure => {
  const graph = moduleGraph(models);
  const { count } = graph.depends;
  const weights = models.map(countParameters);
  return {
    modularityScore: count === 0 ? 0 : 1 - filledCells(graph) / count ** 2,
    newmanQ: newmanQ(graph),
    interfaceTensors: graph.handed / Math.max(1, graph.modules),
    largestModule:
      Math.max(...weights) /
      Math.max(
        1,
        weights.reduce((sum, each) => sum + each, 0),
      ),
  };
};

/** `module:ID` → the first 48 bits of the module's digest, as a number: equal where all that the module computes with is. */
export const moduleFingerprints = (folder: string, stages: readonly Stage[]): Readonly<Record<string, number>> =>
  Object.fromEntries(stages.map(({ id, graph }) => [`module:${id}`, Number.parseInt(graphDigest(folder, graph).slice(0, 12), 16)]));
