import { type CallFrame, decoderBody, decoderInputs } from '../blocks/decoder.ts';
import { sigmoidExperts } from '../blocks/experts.ts';
import { feedForward } from '../blocks/feed-forward.ts';
import { type LatentFrame, latentAttention } from '../blocks/latent-attention.ts';
import type { BlockContext } from '../blocks/linear.ts';
import { rotaryCaches } from '../blocks/rotary.ts';
import type { ExpertSize, LatentSize } from '../config.ts';

export interface SharedExpertSize extends ExpertSize {
  readonly shared: number;
  readonly scale: number;
  /** The first layers have a dense block instead. */
  readonly denseLayers: number;
}

/** Who sees whom: a key at or before the query, and not masked. Position of the first new token: total − new. */
const latentFrame = ({ graph }: BlockContext, call: CallFrame, size: LatentSize): LatentFrame => {
  const path = '/model/attn_mask_reformat/causal';
  const scalar = (name: string, tensor: string): string =>
    graph.node('Gather', `${path}/${name}/Gather`, [graph.node('Shape', `${path}/${name}/Shape`, [tensor]), graph.integers([1], [])], {
      attributes: { axis: { int: 0 } },
    });
  const total = scalar('total', call.mask);
  const start = graph.node('Sub', `${path}/Sub`, [total, scalar('sequence', call.tokens)]);
  const zero = graph.integers([0], []);
  const one = graph.integers([1], []);
  const keys = graph.node('Range', `${path}/keys/Range`, [zero, total, one]);
  const queries = graph.node('Unsqueeze', `${path}/queries/Unsqueeze`, [
    graph.node('Range', `${path}/queries/Range`, [start, total, one]),
    graph.integers([1]),
  ]);
  const before = graph.node('LessOrEqual', `${path}/LessOrEqual`, [keys, queries]);
  const present = graph.node('Unsqueeze', `${path}/mask/Unsqueeze`, [
    graph.node('Cast', `${path}/mask/Cast`, [call.mask], { attributes: { to: { int: 9 } } }),
    graph.integers([1, 2]),
  ]);
  const seen = graph.node('And', `${path}/And`, [before, present]);
  return {
    bias: graph.node('Where', `${path}/Where`, [seen, graph.floats([0], []), graph.floats([-1e30], [])]),
    offset: graph.node('Reshape', `${path}/Reshape`, [start, graph.integers([1])]),
    rotary: rotaryCaches(graph, size.context, size.rotary, size.theta),
  };
};

/** GLM-4 MoE lite: latent attention; dense blocks first, then sigmoid-routed experts plus a shared one. */
export const glm4MoeLiteDecoder = (context: BlockContext, size: LatentSize, experts: SharedExpertSize): void => {
  const cache = { heads: size.heads, key: size.plain + size.rotary, value: size.value };
  const call = decoderInputs(context, size.layers, cache);
  const frame = latentFrame(context, call, size);
  decoderBody(context, call, size, {
    root: 'model.',
    cache,
    attention: (layer, normed, source) => latentAttention(context, frame, layer, normed, source, size),
    feedForward: (layer, normed, source) => {
      const path = `/model/layers.${layer}/mlp`;
      if (layer < experts.denseLayers) return feedForward(context, path, normed, source, size.hidden, size.feedForward);
      const routed = sigmoidExperts(context, path, normed, source, size.hidden, experts);
      const shared = feedForward(
        context,
        `${path}/shared_experts`,
        normed,
        `${source}.shared_experts`,
        size.hidden,
        experts.width * experts.shared,
      );
      return context.graph.node('Add', `${path}/Add`, [routed, shared]);
    },
  });
};
