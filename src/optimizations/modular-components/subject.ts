import { join } from 'node:path';
import { GateError } from '../../errors.ts';
import { cloneModel } from '../../onnx/edit.ts';
import { elementTypes } from '../../onnx/element-types.ts';
import { mainGraph, type OnnxModel } from '../../onnx/model.ts';
import type { ValueInfoProto } from '../../onnx/proto/onnx_pb.js';
import { readModel } from '../../onnx/read.ts';
import type { Architecture } from '../../onnx/recognise/architecture.ts';
import { recognise } from '../../onnx/recognise/recognise.ts';
import { type Dimension, tensorInfo } from '../../onnx/value-info.ts';
import type { Stage, Subject } from '../contract.ts';
import { finishRewrite, startRewrite } from '../graph-rewrite.ts';
import { cutDecoder, type Module } from './cut.ts';
import type { ModularOptions } from './options.ts';

/** How the tensors that modules read and give are declared: as the graph does, the residual stream as [batch, sequence, hidden]. */
const declarations = (
  model: OnnxModel,
  { inputs, layers, embedding, head }: Architecture,
  streams: readonly string[],
): ((name: string) => ValueInfoProto) => {
  const graph = mainGraph(model.proto, model.graph);
  const declared = new Map([...graph.valueInfo, ...graph.input, ...graph.output].map((info) => [info.name, info]));
  const types = elementTypes(model);
  const tokens: readonly Dimension[] = inputs.find(({ name }) => name === 'input_ids')?.dims ?? ['batch_size', 'sequence_length'];
  const hidden = embedding?.columns ?? head?.rows ?? layers[0]?.attention.output.columns ?? 'hidden';
  return (name) => {
    const known = declared.get(name);
    if (known !== undefined) return known;
    const type = types.get(name) ?? 0;
    if (type === 0)
      throw new GateError('onnx-unsupported', `the element type of ${name}, which modules hand on, is not in the graph`, {
        where: model.graph,
      });
    return tensorInfo(name, type, streams.includes(name) ? [...tokens, hidden] : null);
  };
};

/** Writes one module under its own name; its weights stay in the data files of the whole model. */
const writeModule = (
  model: OnnxModel,
  { id, nodes, reads, gives }: Module,
  declare: (name: string) => ValueInfoProto,
  folder: string,
): Stage => {
  const own = new Set(nodes);
  const mine = mainGraph(model.proto, model.graph).node.map((node) => own.has(node));
  const module: OnnxModel = { ...cloneModel(model), graph: `${id}.onnx` };
  const graph = mainGraph(module.proto, module.graph);
  graph.name = id;
  graph.node = graph.node.filter((_, at) => mine[at] === true);
  graph.input = reads.map(declare);
  graph.output = gives.map(declare);
  finishRewrite(module, folder);
  return { id, graph: module.graph };
};

/**
 * Builds the pipeline: modules in place of the stage `decoder`, in the order in which they run; other stages stay as they are.
 * Throws GateError onnx-unsupported for a decoder that cannot be cut, option-invalid for more groups than layers.
 */
export const modularComponents: Subject<ModularOptions> = {
  build: async ({ input, options, output, signal }) => {
    const stages: Stage[] = [];
    if (!input.stages.some(({ id }) => id === 'decoder')) throw new GateError('onnx-unsupported', 'the model has no stage called decoder');
    for (const stage of input.stages) {
      if (signal.aborted) throw new GateError('build-failed', 'the build was cancelled');
      const model = startRewrite(readModel(join(input.folder, stage.graph)));
      if (stage.id !== 'decoder') {
        finishRewrite(model, output);
        stages.push(stage);
        continue;
      }
      const architecture = recognise(model);
      const { modules, streams } = cutDecoder(model, architecture, { groups: options.modules, repeat: options.repeat });
      const declare = declarations(model, architecture, streams);
      for (const module of modules) stages.push(writeModule(model, module, declare, output));
    }
    return { stages };
  },
};
