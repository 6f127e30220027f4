import { GateError } from '../errors.ts';
import { nodeLabel, subgraphs } from './model.ts';
import type { FunctionProto, GraphProto, ModelProto, NodeProto } from './proto/onnx_pb.js';

interface Names {
  has(name: string): boolean;
}

const malformed = (where: string, message: string): GateError =>
  new GateError('onnx-malformed', `The ONNX graph was read. It is not valid: ${message}.`, { where });

/** Initializers (sparse ones too) and inputs: what a graph has before its first node runs. */
const givenNames = (graph: GraphProto, where: string): Set<string> => {
  const initializers = new Set<string>();
  for (const name of [...graph.initializer.map((each) => each.name), ...graph.sparseInitializer.map((each) => each.values?.name ?? '')]) {
    if (name === '') throw malformed(where, 'an initializer has no name');
    if (initializers.has(name)) throw malformed(where, `two initializers are called ${JSON.stringify(name)}`);
    initializers.add(name);
  }
  const inputs = new Set<string>();
  for (const { name } of graph.input) {
    if (name === '') throw malformed(where, 'a graph input has no name');
    if (inputs.has(name)) throw malformed(where, `two graph inputs are called ${JSON.stringify(name)}`);
    inputs.add(name);
  }
  return new Set([...initializers, ...inputs]);
};

const producers = (nodes: readonly NodeProto[], given: Names, where: string): Map<string, number> => {
  const found = new Map<string, number>();
  nodes.forEach((node, index) => {
    if (node.opType === '') throw malformed(where, `node ${JSON.stringify(node.name)} has no operator`);
    for (const name of node.output) {
      if (name === '') continue;
      if (given.has(name) || found.has(name))
        throw malformed(where, `${nodeLabel(node)} produces ${JSON.stringify(name)}, which exists already`);
      found.set(name, index);
    }
  });
  return found;
};

/** Depth-first without recursion: hostile graphs may be one chain of a million nodes. Already sorted graphs keep their order. */
const topologicalOrder = (needs: readonly ReadonlySet<number>[], nodes: readonly NodeProto[], where: string): readonly number[] => {
  const order: number[] = [];
  const state = new Uint8Array(nodes.length);
  const [fresh, open, done] = [0, 1, 2];
  for (let start = 0; start < nodes.length; start++) {
    const stack: { readonly node: number; readonly rest: Iterator<number> }[] = [];
    const enter = (node: number): void => {
      state[node] = open;
      stack.push({ node, rest: (needs[node] ?? new Set<number>()).values() });
    };
    if (state[start] === fresh) enter(start);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const next = top.rest.next();
      if (next.done) {
        state[top.node] = done;
        order.push(top.node);
        stack.pop();
      } else if (state[next.value] === open) {
        const node = nodes[next.value];
        throw malformed(where, `the graph has a cycle through ${node === undefined ? 'a node' : nodeLabel(node)}`);
      } else if (state[next.value] === fresh) enter(next.value);
    }
  }
  return order;
};

interface Scope {
  readonly given: Names;
  readonly outer: Names;
  readonly outputs: readonly string[];
  readonly where: string;
}

/** Checks and sorts a list of nodes in place; returns the outer names that it reads. */
const arrange = (nodes: NodeProto[], scope: Scope): Set<string> => {
  const produced = producers(nodes, scope.given, scope.where);
  const visible: Names = { has: (name) => scope.given.has(name) || produced.has(name) || scope.outer.has(name) };
  const free = new Set<string>();
  const needs = nodes.map((node) => {
    const own = new Set<number>();
    const inner = subgraphs(node).map((graph) => arrangeGraph(graph, visible, `${scope.where} › ${nodeLabel(node)}`));
    const names = [...node.input, ...inner.flatMap((each) => [...each])];
    for (const name of names) {
      const producer = produced.get(name);
      if (name === '' || scope.given.has(name)) continue;
      if (producer !== undefined) own.add(producer);
      else if (scope.outer.has(name)) free.add(name);
      else throw dangling(scope.where, `${nodeLabel(node)} reads ${JSON.stringify(name)}, which nothing produces`);
    }
    return own;
  });
  for (const name of scope.outputs) {
    if (scope.given.has(name) || produced.has(name)) continue;
    if (!scope.outer.has(name)) throw dangling(scope.where, `the graph output ${JSON.stringify(name)} is produced by nothing`);
    free.add(name);
  }
  const sorted = topologicalOrder(needs, nodes, scope.where).flatMap((index) => nodes[index] ?? []);
  if (sorted.some((node, index) => node !== nodes[index]))
    sorted.forEach((node, index) => {
      nodes[index] = node;
    });
  return free;
};

const arrangeGraph = (graph: GraphProto, outer: Names, where: string): Set<string> => {
  const outputs = graph.output.map((each) => each.name);
  return arrange(graph.node, { given: givenNames(graph, where), outer, outputs, where });
};

const dangling = (where: string, message: string): GateError =>
  new GateError('onnx-dangling-input', `The ONNX graph was read. It is not complete: ${message}.`, { where });

const nothing: Names = new Set<string>();

const arrangeFunction = (local: FunctionProto, where: string): void => {
  arrange(local.node, { given: new Set(local.input), outer: nothing, outputs: local.output, where: `${where} › function ${local.name}` });
};

/**
 * Checks that every tensor read is produced, given or an initializer (in nested graphs: also of an outer graph), that no name is
 * defined twice in one graph, and that there is no cycle; nodes that are not in topological order are put into one, in place.
 * `where` (the file) leads the messages. Throws `onnx-dangling-input` and `onnx-malformed`, naming the tensor and the node.
 */
export const checkDataflow = (proto: ModelProto, where: string): void => {
  if (proto.graph === undefined) throw malformed(where, 'the model has no graph');
  arrangeGraph(proto.graph, nothing, where);
  for (const local of proto.functions) arrangeFunction(local, where);
};
