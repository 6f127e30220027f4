import { softmaxExperts } from '../blocks/experts.ts';
import type { BlockContext } from '../blocks/linear.ts';
import type { ExpertSize, GroupedSize } from '../config.ts';
import { groupedDecoder } from './qwen3.ts';

/** Qwen3-MoE: the attention of Qwen3 and routed experts in every layer. */
export const qwen3MoeDecoder = (context: BlockContext, size: GroupedSize, experts: ExpertSize): void =>
  groupedDecoder(context, size, (layer, normed, source) =>
    softmaxExperts(context, `/model/layers.${layer}/mlp`, normed, source, size.hidden, experts),
  );
