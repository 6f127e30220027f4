import type { NodeProto } from '../proto/onnx_pb.js';
import type { Attention, Experts, FeedForward, Layer, ResidualWrite } from './architecture.ts';
import { type Dataflow, nodeId } from './dataflow.ts';
import { origin } from './walk.ts';

const skips = new Set(['SkipSimplifiedLayerNormalization', 'SkipLayerNormalization']);
const wanders = new Set(['Add', 'Mul', 'Cast', 'Identity', 'Reshape', 'Transpose', 'Squeeze', 'Unsqueeze', 'Div', 'ScatterND']);

/** The last factor of a matrix that was taken apart lies between a block and its sum. */
const isFactor = (flow: Dataflow, node: NodeProto): boolean =>
  node.opType === 'MatMul' && node.input.some((name) => flow.constant(name) !== null);

/**
 * The first node below `tensor` that adds it to a stream that `isStream` knows. Sums with anything else (a shared expert) and further
 * factors of the same matrix are walked through.
 */
const writerBelow = (flow: Dataflow, tensor: string, isStream: (name: string) => boolean): ResidualWrite | null => {
  const queue = [tensor];
  const seen = new Set(queue);
  for (let at = 0; at < queue.length && at < 256; at += 1) {
    const name = queue[at] ?? '';
    for (const node of flow.consumers(name)) {
      const skip = skips.has(node.opType);
      if (skip || node.opType === 'Add') {
        const stream = node.input.slice(0, 2).find((each) => each !== name);
        if (stream !== undefined && flow.constant(stream) === null && isStream(stream))
          return { node: nodeId(node), stream, delta: name, output: (skip ? node.output[3] : node.output[0]) ?? '' };
      }
      if (!wanders.has(node.opType) && !isFactor(flow, node)) continue;
      for (const next of node.output)
        if (!seen.has(next)) {
          seen.add(next);
          queue.push(next);
        }
    }
  }
  return null;
};

export interface Assembly {
  readonly layers: readonly Layer[];
  readonly projections: readonly FeedForward[];
  readonly warnings: readonly string[];
}

/** Puts blocks together in the order of the residual stream: a layer is what one attention and the feed-forwards after it write. */
export const assembleLayers = (
  flow: Dataflow,
  attentions: readonly Attention[],
  feedForwards: readonly FeedForward[],
  experts: readonly Experts[],
): Assembly => {
  const warnings: string[] = [];
  const streams = new Map<string, { readonly attention: Attention; readonly write: ResidualWrite }>();
  for (const attention of attentions) {
    const write = writerBelow(flow, attention.output.output, () => true);
    if (write === null) warnings.push(`attention ${attention.node} writes to no residual stream`);
    else streams.set(origin(flow, write.output), { attention, write });
  }
  const gathered = new Map<string, { readonly write: ResidualWrite; readonly dense: FeedForward[]; experts: Experts | null }>();
  const projections: FeedForward[] = [];
  const place = (output: string): { readonly key: string; readonly write: ResidualWrite } | null => {
    const write = writerBelow(flow, output, (name) => streams.has(origin(flow, name)));
    return write === null ? null : { key: origin(flow, write.stream), write };
  };
  for (const each of [...feedForwards, ...experts]) {
    const placed = place(each.kind === 'experts' ? each.output : each.down.output);
    if (placed === null) {
      if (each.kind === 'experts') warnings.push(`experts ${each.node} write to no residual stream`);
      else projections.push(each);
      continue;
    }
    const entry = gathered.get(placed.key) ?? { write: placed.write, dense: [], experts: null };
    if (each.kind === 'experts') entry.experts = each;
    else entry.dense.push(each);
    gathered.set(placed.key, entry);
  }
  const layers: Layer[] = [];
  for (const [key, { attention, write }] of streams) {
    const found = gathered.get(key);
    if (found === undefined) {
      warnings.push(`attention ${attention.node} is followed by no feed-forward`);
      continue;
    }
    layers.push({
      index: layers.length,
      attention,
      attentionWrite: write,
      feedForwards: found.dense,
      experts: found.experts,
      feedForwardWrite: found.write,
    });
  }
  return { layers, projections, warnings };
};
