import type { LatentSize } from '../config.ts';
import { reordered } from '../weights.ts';
import { type BlockContext, linear } from './linear.ts';
import { rootMeanSquareNorm } from './norm.ts';
import type { RotaryCaches } from './rotary.ts';

/** What the layers share about the call. */
export interface LatentFrame {
  /** float32 [batch, 1, sequence, total]: 0 where a token may look, a very negative number elsewhere. */
  readonly bias: string;
  /** int64 [1]: position of the first new token. */
  readonly offset: string;
  readonly rotary: RotaryCaches;
}

/** Interleaved rotary pairs (2i, 2i + 1) become halves (i, i + size/2), which the cheap rotation takes. */
const halves = (size: number): readonly number[] => Array.from({ length: size }, (_, i) => (i < size / 2 ? 2 * i : 2 * (i - size / 2) + 1));

/** Rows of q_b: in each head the rotary part moves in front of the plain one and is de-interleaved. Scores do not change: keys are laid out alike. */
const queryOrder = ({ heads, plain, rotary }: LatentSize): readonly number[] =>
  Array.from({ length: heads }, (_, head) => head * (plain + rotary)).flatMap((start) => [
    ...halves(rotary).map((row) => start + plain + row),
    ...Array.from({ length: plain }, (_, row) => start + row),
  ]);

/** Rows of kv_a: the latent stays, the shared rotary key is de-interleaved. */
const keyOrder = ({ latentRank, rotary }: LatentSize): readonly number[] => [
  ...Array(latentRank).keys(),
  ...halves(rotary).map((row) => latentRank + row),
];

/**
 * Multi-head latent attention, expanded: low-rank queries, keys and values of one normed latent, and one rotary key that all
 * heads share. The cache holds expanded keys (rotary part first) and values.
 * Plain products, because MultiHeadAttention cannot cache values of another size than keys, and Attention of opset 23 cost as much
 * (same results; 4 to 16 % less processor time of this block alone).
 */
export const latentAttention = (
  context: BlockContext,
  frame: LatentFrame,
  layer: number,
  input: string,
  source: string,
  size: LatentSize,
): string => {
  const { graph } = context;
  const { heads, plain, rotary, value, latentRank, queryRank, hidden, epsilon } = size;
  const path = `/model/layers.${layer}/attn`;
  const transpose = (name: string, tensor: string, perm: readonly number[]): string =>
    graph.node('Transpose', `${path}/${name}/Transpose`, [tensor], { attributes: { perm: { ints: perm } } });
  const rotate = (name: string, tensor: string, headCount: number, partial: boolean): string =>
    graph.node('RotaryEmbedding', `${path}/${name}/RotaryEmbedding`, [tensor, frame.offset, frame.rotary.cos, frame.rotary.sin], {
      domain: 'com.microsoft',
      attributes: partial ? { num_heads: { int: headCount }, rotary_embedding_dim: { int: rotary } } : {},
    });
  const queryLatent = rootMeanSquareNorm(
    context,
    `${path}/q_a_layernorm`,
    linear(context, `${path}/q_a_proj`, input, `${source}.q_a_proj`, queryRank, hidden),
    `${source}.q_a_layernorm.weight`,
    queryRank,
    epsilon,
  );
  const query = linear(context, `${path}/q_b_proj`, queryLatent, `${source}.q_b_proj`, heads * (plain + rotary), queryRank, {
    order: (rows) => reordered(rows, queryRank, queryOrder(size)),
  });
  const turned = graph.node('Reshape', `${path}/q_rotary/Reshape`, [
    rotate('q_rotary', query, heads, true),
    graph.integers([0, 0, heads, plain + rotary]),
  ]);
  const queries = transpose('q_rotary', turned, [0, 2, 1, 3]);

  const compressed = linear(context, `${path}/kv_a_proj_with_mqa`, input, `${source}.kv_a_proj_with_mqa`, latentRank + rotary, hidden, {
    order: (rows) => reordered(rows, hidden, keyOrder(size)),
  });
  const split = `${path}/kv_a_split/Split`;
  const latent = graph.node('Split', split, [compressed, graph.integers([latentRank, rotary])], {
    attributes: { axis: { int: -1 } },
    outputs: [`${split}/output_0`, `${split}/output_1`],
  });
  const normed = rootMeanSquareNorm(context, `${path}/kv_a_layernorm`, latent, `${source}.kv_a_layernorm.weight`, latentRank, epsilon);
  const expanded = graph.node('Reshape', `${path}/kv_b_proj/Reshape`, [
    linear(context, `${path}/kv_b_proj`, normed, `${source}.kv_b_proj`, heads * (plain + value), latentRank),
    graph.integers([0, 0, heads, plain + value]),
  ]);
  const parts = `${path}/kv_b_split/Split`;
  const plainKeys = graph.node('Split', parts, [transpose('kv_b_proj', expanded, [0, 2, 1, 3]), graph.integers([plain, value])], {
    attributes: { axis: { int: -1 } },
    outputs: [`${parts}/output_0`, `${parts}/output_1`],
  });
  const shared = graph.node('Unsqueeze', `${path}/k_rotary/Unsqueeze`, [
    rotate('k_rotary', `${split}/output_1`, 1, false),
    graph.integers([1]),
  ]);
  const everyHead = graph.node('Expand', `${path}/k_rotary/Expand`, [shared, graph.integers([1, heads, 1, 1])]);
  const newKeys = graph.node('Concat', `${path}/k/Concat`, [everyHead, plainKeys], { attributes: { axis: { int: -1 } } });
  const keys = graph.node('Concat', `${path}/past_k/Concat`, [`past_key_values.${layer}.key`, newKeys], {
    attributes: { axis: { int: 2 } },
    outputs: [`present.${layer}.key`],
  });
  const values = graph.node('Concat', `${path}/past_v/Concat`, [`past_key_values.${layer}.value`, `${parts}/output_1`], {
    attributes: { axis: { int: 2 } },
    outputs: [`present.${layer}.value`],
  });

  const scores = graph.node('MatMul', `${path}/scores/MatMul`, [queries, transpose('scores', keys, [0, 1, 3, 2])]);
  const scaled = graph.node('Mul', `${path}/scores/Mul`, [scores, graph.floats([(plain + rotary) ** -0.5], [])]);
  const share = graph.node('Softmax', `${path}/scores/Softmax`, [graph.node('Add', `${path}/scores/Add`, [scaled, frame.bias])], {
    attributes: { axis: { int: -1 } },
  });
  const mixed = transpose('mix', graph.node('MatMul', `${path}/mix/MatMul`, [share, values]), [0, 2, 1, 3]);
  const joined = graph.node('Reshape', `${path}/mix/Reshape`, [mixed, graph.integers([0, 0, heads * value])]);
  return linear(context, `${path}/o_proj`, joined, `${source}.o_proj`, hidden, heads * value);
};
