import type { DecoderSize } from '../config.ts';
import { transposed } from '../weights.ts';
import type { BlockContext } from './linear.ts';
import { addAndNorm, rootMeanSquareNorm, type Stream } from './norm.ts';

/** Lengths of a call, derived once from the inputs. */
export interface CallFrame {
  readonly tokens: string;
  /** int64 [batch, total]. */
  readonly mask: string;
  /** int32 [batch]: last position of each row. */
  readonly lastPositions: string;
  /** int32 scalar: past and new tokens. */
  readonly totalLength: string;
}

export interface DecoderLayers {
  /** Hub prefix of the decoder: `model.` or `model.language_model.`. */
  readonly root: string;
  /** Heads and sizes of the cache. */
  readonly cache: { readonly heads: number; readonly key: number; readonly value: number };
  /** Called once, before the layers. */
  begin?(embedded: string): string;
  attention(layer: number, normed: string, source: string): string;
  feedForward(layer: number, normed: string, source: string): string;
}

/** Declares the inputs that every decoder has, and what follows from them. */
export const decoderInputs = ({ graph }: BlockContext, layers: number, cache: DecoderLayers['cache']): CallFrame => {
  const tokens = graph.input('input_ids', 'int64', ['batch_size', 'sequence_length']);
  const mask = graph.input('attention_mask', 'int64', ['batch_size', 'total_sequence_length']);
  for (const part of ['key', 'value'] as const) {
    for (let layer = 0; layer < layers; layer++) {
      graph.input(`past_key_values.${layer}.${part}`, 'float32', ['batch_size', cache.heads, 'past_sequence_length', cache[part]]);
    }
  }
  graph.input('num_logits_to_keep', 'int64', []);
  const path = '/model/attn_mask_reformat/attn_mask_subgraph';
  const seen = graph.node('ReduceSum', `${path}/ReduceSum`, [mask, graph.integers([1])], { attributes: { keepdims: { int: 0 } } });
  const last = graph.node('Cast', `${path}/Sub/Cast`, [graph.node('Sub', `${path}/Sub`, [seen, graph.integers([1])])], {
    attributes: { to: { int: 6 } },
  });
  const length = graph.node('Gather', `${path}/Gather`, [graph.node('Shape', `${path}/Shape`, [mask]), graph.integers([1], [])], {
    attributes: { axis: { int: 0 } },
  });
  return {
    tokens,
    mask,
    lastPositions: last,
    totalLength: graph.node('Cast', `${path}/Gather/Cast`, [length], { attributes: { to: { int: 6 } } }),
  };
};

/**
 * Embedding, pre-norm residual layers, final norm and head: `logits` of the last `num_logits_to_keep` positions (0: of all).
 * A tied head is stored once, [hidden, vocabulary], and gathered from through its transpose.
 */
export const decoderBody = (context: BlockContext, frame: CallFrame, size: DecoderSize, layers: DecoderLayers): void => {
  const { graph, weights } = context;
  const { hidden, vocabulary, epsilon } = size;
  const embedding = `${layers.root}embed_tokens.weight`;
  const head = graph.weight('lm_head.MatMul.weight', [hidden, vocabulary], () =>
    transposed(weights.read(size.tied ? embedding : 'lm_head.weight', [vocabulary, hidden]), vocabulary, hidden),
  );
  const table = size.tied
    ? graph.node('Transpose', '/model/embed_tokens/Transpose', [head], { attributes: { perm: { ints: [1, 0] } } })
    : graph.weight('model.embed_tokens.weight', [vocabulary, hidden], () => weights.read(embedding, [vocabulary, hidden]));
  const gathered = graph.node('Gather', '/model/embed_tokens/Gather', [table, frame.tokens], { attributes: { axis: { int: 0 } } });
  const embedded = layers.begin?.(gathered) ?? gathered;
  const first = `${layers.root}layers.0.`;
  let stream: Stream = {
    residual: embedded,
    normed: rootMeanSquareNorm(context, '/model/layers.0/input_layernorm', embedded, `${first}input_layernorm.weight`, hidden, epsilon),
  };
  for (let layer = 0; layer < size.layers; layer++) {
    const source = `${layers.root}layers.${layer}.`;
    const attended = layers.attention(layer, stream.normed, `${source}self_attn`);
    stream = addAndNorm(
      context,
      `/model/layers.${layer}/post_attention_layernorm`,
      stream.residual,
      attended,
      `${source}post_attention_layernorm.weight`,
      hidden,
      epsilon,
    );
    const fed = layers.feedForward(layer, stream.normed, `${source}mlp`);
    const last = layer + 1 === size.layers;
    stream = last
      ? addAndNorm(
          context,
          `/model/layers.${layer + 1}/final_norm_layernorm`,
          stream.residual,
          fed,
          `${layers.root}norm.weight`,
          hidden,
          epsilon,
          true,
        )
      : addAndNorm(
          context,
          `/model/layers.${layer + 1}/input_layernorm`,
          stream.residual,
          fed,
          `${layers.root}layers.${layer + 1}.input_layernorm.weight`,
          hidden,
          epsilon,
        );
  }
  const start = graph.node('Reshape', '/lm_head/Reshape', [graph.node('Neg', '/lm_head/Neg', ['num_logits_to_keep']), graph.integers([1])]);
  const kept = graph.node('Slice', '/lm_head/Slice', [stream.normed, start, graph.integers([2 ** 53 - 1]), graph.integers([1])]);
  graph.node('MatMul', '/lm_head/MatMul', [kept, head], { outputs: ['logits'] });
  graph.output('logits', 'float32', ['batch_size', 'logits_length', vocabulary]);
  for (const part of ['key', 'value'] as const) {
    for (let layer = 0; layer < size.layers; layer++) {
      graph.output(`present.${layer}.${part}`, 'float32', ['batch_size', layers.cache.heads, 'total_sequence_length', layers.cache[part]]);
    }
  }
};
