import { create } from '@bufbuild/protobuf';
import { renameTensor } from '../../onnx/edit.ts';
import { findAttribute, mainGraph, type OnnxModel } from '../../onnx/model.ts';
import { NodeProtoSchema } from '../../onnx/proto/onnx_pb.js';
import type { CacheTensors, Layer, ResidualWrite } from '../../onnx/recognise/architecture.ts';
import { readFloats } from '../../onnx/tensor.ts';
import { meanCosines } from '../graph/activations.ts';
import { insertAfter, producerOf, redirect, removeUnusedNodes } from '../graph/rewrite.ts';
import { keptCount, largest } from '../graph/selection.ts';
import { type Choice, randomScores } from './choice.ts';

/** Lets a writer of the stream add nothing: its sum is the stream, its fused norm a plain one. */
const silence = (model: OnnxModel, write: ResidualWrite, stream: string): void => {
  const node = producerOf(model, write.node);
  if (node.opType === 'Add') {
    redirect(model, write.output, stream);
    return;
  }
  const plain = node.opType === 'SkipLayerNormalization' ? 'LayerNormalization' : 'SimplifiedLayerNormalization';
  const epsilon = findAttribute(node, 'epsilon');
  const norm = create(NodeProtoSchema, {
    name: node.name,
    opType: plain,
    input: [stream, ...node.input.slice(2, plain === 'LayerNormalization' ? 4 : 3)],
    output: [node.output[0] ?? ''],
    attribute: epsilon === undefined ? [] : [epsilon],
  });
  if (write.output !== '') redirect(model, write.output, stream);
  insertAfter(model, node, norm);
  const { node: nodes } = mainGraph(model.proto, model.graph);
  nodes.splice(nodes.indexOf(node), 1);
};

/**
 * The stream behind a silenced block: what is scattered into the block's output on its way (features of a picture) is no part
 * of the block and now goes into the stream itself.
 */
const besides = (model: OnnxModel, write: ResidualWrite, stream: string): string => {
  const node = mainGraph(model.proto, model.graph).node.find((each) => each.output.includes(write.delta));
  if (node?.opType !== 'ScatterND') return stream;
  node.input[0] = stream;
  return write.delta;
};

const namesOf = (cache: CacheTensors): readonly string[] => [cache.pastKey, cache.pastValue, cache.presentKey, cache.presentValue];

/** Takes the cache of dropped layers out and gives those that stay the names of the first ones, so that numbers stay dense. */
const renumber = (model: OnnxModel, layers: readonly Layer[], keep: readonly number[]): void => {
  const caches = layers.map((layer) => layer.attention.cache);
  const kept = keep.map((at) => caches[at]).filter((cache) => cache !== null && cache !== undefined);
  const [survivor] = kept;
  if (survivor === undefined || kept.length !== keep.length) return;
  const graph = mainGraph(model.proto, model.graph);
  const gone = new Set(
    caches.filter((cache, at) => cache !== null && !keep.includes(at)).flatMap((cache) => (cache === null ? [] : namesOf(cache))),
  );
  graph.output = graph.output.filter((port) => !gone.has(port.name));
  removeUnusedNodes(model);
  // Exporters read the past length from the first layer's cache, whoever needs it.
  for (const cache of caches)
    if (cache !== null && gone.has(cache.pastKey)) {
      redirect(model, cache.pastKey, survivor.pastKey);
      redirect(model, cache.pastValue, survivor.pastValue);
    }
  graph.input = graph.input.filter((port) => !gone.has(port.name));
  for (const [at, cache] of kept.entries()) {
    const target = caches[at];
    if (target === null || target === undefined) continue;
    const names = namesOf(target);
    for (const [slot, name] of namesOf(cache).entries()) renameTensor(model, name, names[slot] ?? name);
  }
};

/** One score per layer: how far it turns the stream (1 − mean cosine of what enters and leaves), or the norm of what it writes with. */
const layerScores = async (
  model: OnnxModel,
  layers: readonly Layer[],
  { stage, options, seed, calibration }: Choice,
): Promise<readonly number[]> => {
  if (options.importance === 'random') return [...randomScores(layers.length, seed, 'layers')];
  if (options.importance === 'magnitude')
    return layers.map(({ attention, feedForwards, experts }) =>
      [attention.output.weight, ...feedForwards.map((each) => each.down.weight), ...(experts === null ? [] : [experts.down])].reduce(
        (sum, name) => sum + readFloats(model, name).reduce((squares, value) => squares + value * value, 0),
        0,
      ),
    );
  const cosines = await meanCosines(
    calibration,
    stage,
    layers.map(({ attentionWrite, feedForwardWrite }) => ({
      before: attentionWrite.stream,
      sum: [feedForwardWrite.stream, feedForwardWrite.delta],
    })),
  );
  return cosines.map((cosine) => 1 - cosine);
};

/** Removes the layers that change the stream least, with their caches; returns how many went. */
export const pruneLayers = async (model: OnnxModel, layers: readonly Layer[], choice: Choice): Promise<number> => {
  const count = keptCount(layers.length, choice.options.ratio);
  if (count === layers.length) return 0;
  const keep = largest(await layerScores(model, layers, choice), count);
  const aliases = new Map<string, string>();
  for (const [at, { attentionWrite, feedForwardWrite }] of layers.entries()) {
    if (keep.includes(at)) continue;
    const entering = aliases.get(attentionWrite.stream) ?? attentionWrite.stream;
    silence(model, attentionWrite, entering);
    const leaving = besides(model, feedForwardWrite, entering);
    silence(model, feedForwardWrite, leaving);
    aliases.set(attentionWrite.output, entering);
    aliases.set(feedForwardWrite.output, leaving);
  }
  renumber(model, layers, keep);
  return layers.length - count;
};
