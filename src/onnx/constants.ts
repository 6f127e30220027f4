import { copyMessage } from './copy.ts';
import { dataType } from './data-type.ts';
import { mainGraph, type OnnxModel } from './model.ts';
import type { NodeProto, TensorProto } from './proto/onnx_pb.js';
import { floatTensor, integerTensor } from './tensor.ts';

const renamed = (tensor: TensorProto, name: string): TensorProto => {
  const copy = copyMessage(tensor);
  copy.name = name;
  return copy;
};

/**
 * The dense numeric tensor that a Constant node makes, under the name of its output; null for any other node. Of a list of integers that no
 * number holds exactly nothing is told.
 */
export const constantTensor = (node: NodeProto): TensorProto | null => {
  const [name = '', value] = [node.output[0], node.attribute[0]];
  if (node.opType !== 'Constant' || node.domain !== '' || name === '' || value === undefined) return null;
  const integers = (dims: readonly number[], all: readonly bigint[]): TensorProto | null =>
    all.every((each) => Number.isSafeInteger(Number(each))) ? integerTensor(name, dims, all.map(Number)) : null;
  switch (value.name) {
    case 'value':
      return value.t === undefined || value.t.dataType === dataType.string ? null : renamed(value.t, name);
    case 'value_float':
      return floatTensor(name, [], Float32Array.of(value.f));
    case 'value_floats':
      return floatTensor(name, [value.floats.length], Float32Array.from(value.floats));
    case 'value_int':
      return integers([], [value.i]);
    case 'value_ints':
      return integers([value.ints.length], value.ints);
    default:
      return null;
  }
};

/**
 * Makes initializers of the Constant nodes of the main graph, in place, so that weights are read and replaced in one way. Nodes that
 * make an output of the graph stay.
 */
export const liftConstants = (model: OnnxModel): void => {
  const graph = mainGraph(model.proto, model.graph);
  const outputs = new Set(graph.output.map(({ name }) => name));
  graph.node = graph.node.filter((node) => {
    const tensor = outputs.has(node.output[0] ?? '') ? null : constantTensor(node);
    if (tensor === null) return true;
    graph.initializer.push(tensor);
    return false;
  });
};
