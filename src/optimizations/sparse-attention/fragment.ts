import { graphBuilder } from '../../onnx/graph-builder.ts';
import { mainGraph, type OnnxModel } from '../../onnx/model.ts';
import type { NodeProto } from '../../onnx/proto/onnx_pb.js';
import type { Emitter } from './frame.ts';

/** Prefix of everything that sparse attention adds to a graph. */
export const root = '/sparse_attention';

/**
 * Lets `emit` write nodes into a graph, right before `before`; constants that an earlier fragment has brought along are used again.
 * Names of nodes are the emitter's; the same name twice makes the graph invalid.
 */
export const insertFragment = <Result>(model: OnnxModel, before: NodeProto, emit: (graph: Emitter) => Result): Result => {
  const fragment = graphBuilder('fragment');
  const result = emit(fragment);
  const { proto, data } = fragment.finish();
  const graph = mainGraph(model.proto, model.graph);
  const known = new Set(graph.initializer.map(({ name }) => name));
  const renamed = new Map([...data.keys()].map((name) => [name, `${root}${name}`]));
  for (const tensor of proto.graph?.initializer ?? []) {
    tensor.rawData = data.get(tensor.name)?.() ?? new Uint8Array();
    tensor.name = renamed.get(tensor.name) ?? tensor.name;
    if (!known.has(tensor.name)) graph.initializer.push(tensor);
  }
  const nodes = proto.graph?.node ?? [];
  for (const node of nodes) node.input = node.input.map((name) => renamed.get(name) ?? name);
  graph.node.splice(graph.node.indexOf(before), 0, ...nodes);
  return result;
};
