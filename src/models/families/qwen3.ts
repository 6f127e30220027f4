import { decoderBody, decoderInputs } from '../blocks/decoder.ts';
import { feedForward } from '../blocks/feed-forward.ts';
import { groupedAttention } from '../blocks/grouped-attention.ts';
import type { BlockContext } from '../blocks/linear.ts';
import { rotaryCaches } from '../blocks/rotary.ts';
import type { GroupedSize } from '../config.ts';

type FeedForward = (layer: number, normed: string, source: string) => string;

/** A decoder of grouped-query attention with rotary positions and per-head norms; `feed` says what follows attention. */
export const groupedDecoder = (context: BlockContext, size: GroupedSize, feed: FeedForward): void => {
  const cache = { heads: size.kvHeads, key: size.headSize, value: size.headSize };
  const call = decoderInputs(context, size.layers, cache);
  const frame = { ...call, rotary: rotaryCaches(context.graph, size.context, size.headSize, size.theta), rotaryRows: null };
  decoderBody(context, call, size, {
    root: 'model.',
    cache,
    attention: (layer, normed, source) => groupedAttention(context, frame, layer, normed, source, size),
    feedForward: feed,
  });
};

/** Qwen3: grouped-query attention and a dense SwiGLU block. */
export const qwen3Decoder = (context: BlockContext, size: GroupedSize): void =>
  groupedDecoder(context, size, (layer, normed, source) =>
    feedForward(context, `/model/layers.${layer}/mlp`, normed, source, size.hidden, size.feedForward),
  );
