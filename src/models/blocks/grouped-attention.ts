import type { GroupedSize } from '../config.ts';
import { type BlockContext, linear } from './linear.ts';
import { rootMeanSquareNorm } from './norm.ts';
import type { RotaryCaches } from './rotary.ts';

/** What the layers of a decoder share about the call: who may see whom, and the rotary angles. */
export interface AttentionFrame {
  /** int32 [batch]: last position of each row. */
  readonly lastPositions: string;
  /** int32 scalar: past and new tokens. */
  readonly totalLength: string;
  readonly rotary: RotaryCaches;
  /** int64 [batch, sequence] rows of `rotary`, turned by a node of its own; null: the attention node turns by position. */
  readonly rotaryRows: string | null;
}

/**
 * Grouped-query attention with a norm on each query and key head. Reads `past_key_values.N.*`, writes `present.N.*`.
 * @param source hub prefix such as `model.layers.0.self_attn`
 */
export const groupedAttention = (
  context: BlockContext,
  frame: AttentionFrame,
  layer: number,
  input: string,
  source: string,
  size: GroupedSize,
): string => {
  const { graph } = context;
  const path = `/model/layers.${layer}/attn`;
  const project = (part: 'q' | 'k' | 'v', heads: number): string =>
    linear(context, `${path}/${part}_proj`, input, `${source}.${part}_proj`, heads * size.headSize, size.hidden);
  const normed = (part: 'q' | 'k', heads: number): string => {
    const name = `${path}/${part}_norm`;
    const split = graph.node('Reshape', `${name}/Reshape_1`, [project(part, heads), graph.integers([0, -1, size.headSize])]);
    const norm = rootMeanSquareNorm(context, name, split, `${source}.${part}_norm.weight`, size.headSize, size.epsilon);
    const joined = graph.node('Reshape', `${name}/Reshape_2`, [norm, graph.integers([0, -1, heads * size.headSize])]);
    if (frame.rotaryRows === null) return joined;
    return graph.node(
      'RotaryEmbedding',
      `${path}/${part}_rotary/RotaryEmbedding`,
      [joined, frame.rotaryRows, frame.rotary.cos, frame.rotary.sin],
      { domain: 'com.microsoft' },
    );
  };
  const attended = graph.node(
    'GroupQueryAttention',
    `${path}/GroupQueryAttention`,
    [
      normed('q', size.heads),
      normed('k', size.kvHeads),
      project('v', size.kvHeads),
      `past_key_values.${layer}.key`,
      `past_key_values.${layer}.value`,
      frame.lastPositions,
      frame.totalLength,
      ...(frame.rotaryRows === null ? [frame.rotary.cos, frame.rotary.sin] : []),
    ],
    {
      domain: 'com.microsoft',
      attributes: {
        num_heads: { int: size.heads },
        kv_num_heads: { int: size.kvHeads },
        scale: { float: size.headSize ** -0.5 },
        do_rotary: { int: frame.rotaryRows === null ? 1 : 0 },
        rotary_interleaved: { int: 0 },
      },
      outputs: [`${path}/GroupQueryAttention/output_0`, `present.${layer}.key`, `present.${layer}.value`],
    },
  );
  return linear(context, `${path}/o_proj`, attended, `${source}.o_proj`, size.hidden, size.heads * size.headSize);
};
