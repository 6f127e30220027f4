import { GateError } from '../errors.ts';
import { cloneModel } from './edit.ts';
import { isExternal } from './external.ts';
import { mainGraph, type OnnxModel, subgraphs } from './model.ts';
import type { GraphProto, TensorProto } from './proto/onnx_pb.js';

const storage = ({ externalData }: TensorProto): string =>
  JSON.stringify(externalData.map(({ key, value }) => [key, value]).sort(([a = ''], [b = '']) => (a < b ? -1 : 1)));

/** Whether two tensors surely hold the same bytes, without reading external ones; typed fields are not looked at. */
const sameTensor = (a: TensorProto, b: TensorProto): boolean => {
  if (a.dataType !== b.dataType || a.dims.join() !== b.dims.join() || isExternal(a) !== isExternal(b)) return false;
  return isExternal(a) ? storage(a) === storage(b) : a.rawData.length > 0 && Buffer.compare(a.rawData, b.rawData) === 0;
};

const rename = (graph: GraphProto, names: ReadonlyMap<string, string>): void => {
  const renamed = (name: string): string => names.get(name) ?? name;
  for (const each of graph.initializer) each.name = renamed(each.name);
  for (const { values } of graph.sparseInitializer) if (values !== undefined) values.name = renamed(values.name);
  for (const node of graph.node) {
    node.input = node.input.map(renamed);
    node.output = node.output.map(renamed);
    for (const inner of subgraphs(node)) renameNested(inner, names);
  }
};

/** What a nested graph defines itself is another tensor, whatever its name. */
const renameNested = (graph: GraphProto, names: ReadonlyMap<string, string>): void => {
  const own = new Set([...graph.input, ...graph.initializer].map(({ name }) => name).concat(graph.node.flatMap((node) => node.output)));
  const outer = new Map([...names].filter(([name]) => !own.has(name)));
  for (const each of graph.output) each.name = outer.get(each.name) ?? each.name;
  rename(graph, outer);
};

/**
 * One graph that computes what stages of one folder compute one after the other, each handing on its outputs by name. Names inside a stage
 * are its own: they are changed where an earlier stage has them, except of an initializer stored as the same bytes, which is kept once.
 * For counting and analysis. Throws `onnx-malformed` when two stages make an output of one name.
 */
export const joinStages = (stages: readonly OnnxModel[]): OnnxModel => {
  const [first, ...others] = stages.map(cloneModel);
  if (first === undefined) throw new GateError('internal', 'There are no ONNX files to join.');
  const joined = mainGraph(first.proto, first.graph);
  const initializers = new Map(joined.initializer.map((tensor) => [tensor.name, tensor]));
  const inputs = new Set(joined.input.map(({ name }) => name));
  const outputs = new Set(joined.output.map(({ name }) => name));
  // Names that other stages see must stay, so a stage's own names make way for them too.
  const faces = stages.flatMap(({ proto, graph }) => [...mainGraph(proto, graph).input, ...mainGraph(proto, graph).output]);
  const taken = new Set([...faces.map(({ name }) => name), ...initializers.keys(), ...joined.node.flatMap((node) => node.output)]);
  for (const [at, stage] of others.entries()) {
    const graph = mainGraph(stage.proto, stage.graph);
    const face = new Set([...graph.input, ...graph.output].map(({ name }) => name));
    for (const { name } of graph.output)
      if (outputs.has(name))
        throw new GateError(
          'onnx-malformed',
          `The ONNX files of the model were joined. Two of them make the tensor ${JSON.stringify(name)}.`,
          { where: stage.graph },
        );
    const names = new Map<string, string>();
    const settle = (name: string): void => {
      if (name === '' || face.has(name)) return;
      let free = name;
      for (let i = at + 1; taken.has(free); i++) free = `${name}:${i}`;
      taken.add(free);
      if (free !== name) names.set(name, free);
    };
    const known = new Set(graph.initializer.filter((each) => sameAs(initializers.get(each.name), each)));
    for (const each of graph.initializer) if (!known.has(each)) settle(each.name);
    for (const { values } of graph.sparseInitializer) settle(values?.name ?? '');
    for (const node of graph.node) for (const name of node.output) settle(name);
    rename(graph, names);
    // The name of a node must be unique, and is of no use: no name is.
    for (const node of graph.node) node.name = '';
    for (const each of graph.initializer) if (!known.has(each)) initializers.set(each.name, each);
    // Concatenated, not pushed: an argument list of a hundred thousand nodes overflows the stack.
    joined.node = joined.node.concat(graph.node);
    joined.initializer = joined.initializer.concat(graph.initializer.filter((each) => !known.has(each)));
    joined.sparseInitializer = joined.sparseInitializer.concat(graph.sparseInitializer);
    joined.input.push(...graph.input.filter(({ name }) => !inputs.has(name) && !outputs.has(name)));
    joined.output.push(...graph.output);
    for (const { name } of graph.input) inputs.add(name);
    for (const { name } of graph.output) outputs.add(name);
    first.proto.functions.push(...stage.proto.functions);
  }
  return first;
};

const sameAs = (known: TensorProto | undefined, tensor: TensorProto): boolean => known !== undefined && sameTensor(known, tensor);
