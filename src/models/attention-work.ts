import { inferredShapes } from '../onnx/count.ts';
import type { OnnxModel } from '../onnx/model.ts';
import { mainGraph } from '../onnx/model.ts';
import type { Attention } from '../onnx/recognise/architecture.ts';
import { recogniseParts } from '../onnx/recognise/recognise.ts';
import type { ServeHints } from '../records/serving.ts';

/** What attention computes and keeps for one text, from the graph's shapes. */
export interface AttentionWork {
  /**
   * Scores computed ÷ scores at or below the diagonal, in percent. A spelled-out product counts as it stands: one of all queries with all keys has
   * about 200. What an operator computes inside itself cannot be seen, and a mask spares nothing: it counts as 100.
   */
  readonly density: number;
  /** Bytes of keys and values that are held behind the text, per token of it. */
  readonly cacheBytesPerToken: number;
}

/** Bytes per element of the caches that decoders are driven with: float32, float16. */
const bytesOf: ReadonlyMap<number, number> = new Map([
  [1, 4],
  [10, 2],
]);

const volume = (dims: readonly number[] | null | undefined): number => (dims ?? [Number.NaN]).reduce((product, dim) => product * dim, 1);

/** Positions that a driver leaves in a cache. */
const bounded = ({ sinks = 0, keepLast }: ServeHints, positions: number): number =>
  keepLast === undefined ? positions : Math.min(positions, sinks + keepLast);

/**
 * The attention of a decoder on one text of `tokens` tokens without a cache before it; in words why not, where layers or shapes are not
 * recognised.
 */
export const attentionWork = (model: OnnxModel, serve: ServeHints, tokens: number): AttentionWork | string => {
  const { inputs, layers, notRecognised } = recogniseParts(model);
  if (notRecognised.length > 0) return notRecognised.slice(0, 3).join('; ');
  if (layers.length === 0) return 'no layer of attention and feed-forward';
  const attentions = layers.map(({ attention }) => attention);
  const claimed = new Set(attentions.flatMap(({ cache }) => (cache === null ? [] : [cache.pastKey, cache.pastValue])));
  const left = inputs.find(({ name, dims }) => dims.length === 4 && !claimed.has(name));
  if (left !== undefined) return `the cache ${left.name} belongs to no layer that is recognised`;
  const shapes = inferredShapes(model, { past: 0, batch: 1, tokens });
  const types = new Map(
    mainGraph(model.proto, model.graph).output.map(({ name, type }) => [
      name,
      type?.value.case === 'tensorType' ? type.value.value.elemType : 0,
    ]),
  );
  const diagonal = (tokens * (tokens + 1)) / 2;
  const scores = ({ op, node, heads }: Attention): number => (op === 'Softmax' ? volume(shapes.get(node)) : heads * diagonal);
  const held = (name: string): number => {
    const dims = shapes.get(name);
    const kept = dims?.map((dim, axis) => (axis === 2 ? bounded(serve, dim) : dim));
    return volume(kept) * (bytesOf.get(types.get(name) ?? 0) ?? Number.NaN);
  };
  let [computed, causal, bytes] = [0, 0, 0];
  for (const attention of attentions) {
    computed += scores(attention);
    causal += attention.heads * diagonal;
    bytes += attention.cache === null ? Number.NaN : held(attention.cache.presentKey) + held(attention.cache.presentValue);
  }
  const work = { density: (100 * computed) / causal, cacheBytesPerToken: bytes / tokens };
  return Number.isFinite(work.density) && Number.isFinite(work.cacheBytesPerToken)
    ? work
    : 'shapes of its scores or caches do not follow from the graph';
};
