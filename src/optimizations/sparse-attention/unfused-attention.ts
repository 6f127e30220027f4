import { GateError } from '../../errors.ts';
import { findAttribute, mainGraph, type OnnxModel } from '../../onnx/model.ts';
import type { NodeProto } from '../../onnx/proto/onnx_pb.js';
import type { Attention } from '../../onnx/recognise/architecture.ts';
import { type Dataflow, dataflow } from '../../onnx/recognise/dataflow.ts';
import { findInitializer, readFloats } from '../../onnx/tensor.ts';
import { blockAttention, keptCache } from './block-attention.ts';
import { insertFragment } from './fragment.ts';
import type { PatternFrame } from './frame.ts';

/** Attention that is spelled out: softmax(queries · keysᵀ · scale + bias) · values, all with their heads first. */
export interface Spelled {
  readonly softmax: NodeProto;
  /** [batch, heads, sequence, size] */
  readonly queries: string;
  /** Concat of the cache and the new keys; and of values. */
  readonly keys: NodeProto;
  readonly values: NodeProto;
  readonly scale: number;
  readonly mix: NodeProto;
}

const scaleOf = (model: OnnxModel, node: NodeProto): { readonly scale: number; readonly from: string } | null => {
  if (node.opType !== 'Mul' && node.opType !== 'Div') return { scale: 1, from: node.output[0] ?? '' };
  const at = node.input.findIndex((name) => findInitializer(model, name) !== undefined);
  const values = at < 0 ? [] : readFloats(model, node.input[at] ?? '');
  const [factor] = values;
  if (values.length !== 1 || factor === undefined || (node.opType === 'Div' && at === 0)) return null;
  return { scale: node.opType === 'Div' ? 1 / factor : factor, from: node.input[1 - at] ?? '' };
};

const appending = (flow: Dataflow, tensor: string, past: string): NodeProto | null => {
  const node = flow.producer(tensor);
  const axis = node === undefined ? null : Number(findAttribute(node, 'axis')?.i ?? 0n);
  return node?.opType === 'Concat' && node.input[0] === past && node.input.length === 2 && (axis === 2 || axis === -2) ? node : null;
};

/** The parts of an attention of op `Softmax`, or null where it is spelled otherwise. */
export const spelledParts = (model: OnnxModel, attention: Attention): Spelled | null => {
  const flow = dataflow(model);
  const { cache } = attention;
  const softmax = flow.producer(attention.node);
  if (softmax === undefined || cache === null || attention.heads !== attention.kvHeads) return null;
  const sum = flow.producer(softmax.input[0] ?? '');
  if (sum?.opType !== 'Add') return null;
  for (const side of sum.input) {
    const above = flow.producer(side);
    const scaled = above === undefined ? null : scaleOf(model, above);
    const product = scaled === null ? undefined : flow.producer(scaled.from);
    const turn = flow.producer(product?.input[1] ?? '');
    const [mix, ...others] = flow.consumers(softmax.output[0] ?? '');
    if (scaled === null || product?.opType !== 'MatMul' || turn?.opType !== 'Transpose' || mix?.opType !== 'MatMul' || others.length > 0)
      continue;
    const [keys, values] = [appending(flow, turn.input[0] ?? '', cache.pastKey), appending(flow, mix.input[1] ?? '', cache.pastValue)];
    if (keys !== null && values !== null) return { softmax, queries: product.input[0] ?? '', keys, values, scale: scaled.scale, mix };
  }
  return null;
};

/**
 * Puts block attention in the place of products and softmax.
 * @throws GateError onnx-unsupported for a spelling other than `spelledParts` reads.
 */
export const rewriteSpelled = (model: OnnxModel, attention: Attention, frame: PatternFrame, path: string): void => {
  const parts = spelledParts(model, attention);
  if (parts === null || attention.cache === null)
    throw new GateError(
      'onnx-unsupported',
      `The attention ${attention.node} was to be rewritten. The operators that make it up are not recognised.`,
      {
        where: model.graph,
      },
    );
  const { queries, keys, values, scale, mix } = parts;
  const { heads, kvHeads, headSize, valueSize, cache } = attention;
  // The caches leave the graph cut: what was appended to them gets names of its own.
  const [allKeys, allValues] = [`${path}/k/all`, `${path}/v/all`];
  keys.output = [allKeys];
  values.output = [allValues];
  const [result = ''] = mix.output;
  const first = mix;
  insertFragment(model, first, (graph) => {
    const size = { heads, kvHeads, headSize, valueSize, scale };
    blockAttention(graph, path, frame, { queries, keys: allKeys, values: allValues }, size, result);
    keptCache(graph, `${path}/k/kept`, frame, allKeys, cache.presentKey);
    keptCache(graph, `${path}/v/kept`, frame, allValues, cache.presentValue);
  });
  const graph = mainGraph(model.proto, model.graph);
  graph.node = graph.node.filter((each) => each !== mix);
};
