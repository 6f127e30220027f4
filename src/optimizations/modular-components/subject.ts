import { join } from 'node:path';
import type { Subject } from '../../contract/optimization.ts';
import { GateError } from '../../errors.ts';
import { cloneModel, removeUnusedInitializers } from '../../onnx/edit.ts';
import { elementTypes } from '../../onnx/element-types.ts';
import { mainGraph, type OnnxModel } from '../../onnx/model.ts';
import { packedWeights, packWeight } from '../../onnx/packed-weights.ts';
import type { ValueInfoProto } from '../../onnx/proto/onnx_pb.js';
import { readModel } from '../../onnx/read.ts';
import type { Architecture } from '../../onnx/recognise/architecture.ts';
import { recognise } from '../../onnx/recognise/recognise.ts';
import { findInitializer } from '../../onnx/tensor.ts';
import { type Dimension, tensorInfo } from '../../onnx/value-info.ts';
import type { Stage } from '../../records/serving.ts';
import { finishRewrite, startRewrite } from '../graph/rewrite.ts';
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
      throw new GateError(
        'onnx-unsupported',
        `The graph was to be cut into modules. It does not say the element type of ${name}, which they hand on.`,
        {
          where: model.graph,
        },
      );
    return tensorInfo(name, type, streams.includes(name) ? [...tokens, hidden] : null);
  };
};

/** What the modules of one decoder are written with. */
interface Writing {
  readonly declare: (name: string) => ValueInfoProto;
  /** Weights that were packed when the decoder was read. */
  readonly packed: readonly string[];
  readonly folder: string;
}

/** Writes one module under its own name; weights that are not packed stay in the data files of the whole model. */
const writeModule = (model: OnnxModel, { id, nodes, reads, gives }: Module, { declare, packed, folder }: Writing): Stage => {
  const own = new Set(nodes);
  const mine = mainGraph(model.proto, model.graph).node.map((node) => own.has(node));
  const module: OnnxModel = { ...cloneModel(model), graph: `${id}.onnx` };
  const graph = mainGraph(module.proto, module.graph);
  graph.name = id;
  graph.node = graph.node.filter((_, at) => mine[at] === true);
  graph.input = reads.map(declare);
  graph.output = gives.map(declare);
  removeUnusedInitializers(module);
  for (const name of packed) if (findInitializer(module, name) !== undefined) packWeight(module, name);
  finishRewrite(module, folder);
  return { id, graph: module.graph };
};

/**
 * Builds the pipeline: modules in place of the stage `decoder`, in the order in which they run; other stages stay as they are.
 * Throws GateError onnx-unsupported for a decoder that cannot be cut, option-invalid for more groups than layers.
 */
export const modularComponents: Subject<ModularOptions> = {
  build: async ({ input, options, output }) => {
    const stages: Stage[] = [];
    if (!input.stages.some(({ id }) => id === 'decoder'))
      throw new GateError('onnx-unsupported', 'The decoder was to be rewritten. The model has no ONNX file of that name.');
    for (const stage of input.stages) {
      const source = readModel(join(input.folder, stage.graph));
      if (stage.id !== 'decoder') {
        finishRewrite(cloneModel(source), output);
        stages.push(stage);
        continue;
      }
      const model = startRewrite(source);
      const architecture = recognise(model);
      const { modules, streams } = cutDecoder(model, architecture, { groups: options.modules, repeat: options.repeat });
      const packed = packedWeights(source).map(({ name }) => name);
      const writing = { declare: declarations(model, architecture, streams), packed, folder: output };
      for (const module of modules) stages.push(writeModule(model, module, writing));
    }
    return { stages };
  },
};
