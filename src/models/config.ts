import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import { GateError } from '../errors.ts';
import { isLfsPointerFile, lfsPointer } from '../records/lfs-pointer.ts';

/** Larger than any published model has, small enough that a product of two stays exact. */
const size = z.int().positive().max(10_000_000);
const layerCount = z.int().positive().max(4096);
const epsilon = z.number().positive().max(0.1);
const theta = z.number().positive().max(1e12);

/** Rotary base: a key of its own, or inside `rope_parameters` as newer configurations have it. */
const rotaryBase = { rope_theta: theta.optional(), rope_parameters: z.object({ rope_theta: theta.optional() }).optional() };
const common = {
  vocab_size: size,
  hidden_size: size,
  num_hidden_layers: layerCount,
  max_position_embeddings: size,
  num_attention_heads: size,
  rms_norm_eps: epsilon,
  intermediate_size: size,
  ...rotaryBase,
};
const grouped = { ...common, num_key_value_heads: size, head_dim: size };

const qwen3Schema = z.object({ model_type: z.literal('qwen3'), ...grouped, tie_word_embeddings: z.boolean() });
const qwen3MoeSchema = z.object({
  model_type: z.literal('qwen3_moe'),
  ...grouped,
  tie_word_embeddings: z.boolean(),
  moe_intermediate_size: size,
  num_experts: size,
  num_experts_per_tok: size,
  norm_topk_prob: z.literal(true),
  decoder_sparse_step: z.literal(1).optional(),
  mlp_only_layers: z.array(z.int()).max(0).optional(),
});
const glmSchema = z.object({
  model_type: z.literal('glm4_moe_lite'),
  ...common,
  tie_word_embeddings: z.boolean(),
  q_lora_rank: size,
  kv_lora_rank: size,
  qk_rope_head_dim: size,
  qk_nope_head_dim: size,
  v_head_dim: size,
  moe_intermediate_size: size,
  n_routed_experts: size,
  n_shared_experts: size,
  num_experts_per_tok: size,
  n_group: z.literal(1),
  topk_group: z.literal(1),
  norm_topk_prob: z.literal(true),
  routed_scaling_factor: z.number().positive(),
  first_k_dense_replace: z.int().nonnegative(),
});
const scaling = z.object({ mrope_section: z.tuple([size, size, size]), mrope_interleaved: z.literal(true), rope_theta: theta.optional() });
const vlSchema = z.object({
  model_type: z.literal('qwen3_vl'),
  tie_word_embeddings: z.boolean(),
  image_token_id: z.int().nonnegative(),
  vision_start_token_id: z.int().nonnegative(),
  vision_end_token_id: z.int().nonnegative(),
  text_config: z.object({ ...grouped, rope_scaling: scaling.optional(), rope_parameters: scaling.optional() }),
  vision_config: z.object({
    depth: layerCount,
    hidden_size: size,
    intermediate_size: size,
    num_heads: size,
    patch_size: size,
    temporal_patch_size: size,
    spatial_merge_size: size,
    in_channels: size,
    out_hidden_size: size,
    num_position_embeddings: size,
    deepstack_visual_indexes: z.array(z.int().nonnegative()).max(64),
    hidden_act: z.literal('gelu_pytorch_tanh'),
  }),
});
const configSchema = z.discriminatedUnion('model_type', [qwen3Schema, qwen3MoeSchema, glmSchema, vlSchema]);

/** What all decoders have. Sizes in elements. */
export interface DecoderSize {
  readonly vocabulary: number;
  readonly hidden: number;
  readonly layers: number;
  readonly context: number;
  readonly heads: number;
  readonly feedForward: number;
  readonly epsilon: number;
  readonly theta: number;
  readonly tied: boolean;
}
export interface GroupedSize extends DecoderSize {
  readonly kvHeads: number;
  readonly headSize: number;
}
export interface ExpertSize {
  readonly experts: number;
  readonly chosen: number;
  readonly width: number;
}
export interface LatentSize extends DecoderSize {
  readonly queryRank: number;
  readonly latentRank: number;
  readonly rotary: number;
  readonly plain: number;
  readonly value: number;
}
export interface VisionSize {
  readonly depth: number;
  readonly hidden: number;
  readonly feedForward: number;
  readonly heads: number;
  readonly patch: number;
  readonly frames: number;
  readonly merge: number;
  readonly channels: number;
  readonly output: number;
  readonly positions: number;
  /** Blocks whose output is tapped, in order. */
  readonly taps: readonly number[];
}
export type ModelConfig =
  | { readonly family: 'qwen3'; readonly text: GroupedSize }
  | { readonly family: 'qwen3_moe'; readonly text: GroupedSize; readonly experts: ExpertSize }
  | {
      readonly family: 'glm4_moe_lite';
      readonly text: LatentSize;
      readonly experts: ExpertSize & { readonly shared: number; readonly scale: number; readonly denseLayers: number };
    }
  | {
      readonly family: 'qwen3_vl';
      readonly text: GroupedSize;
      readonly vision: VisionSize;
      readonly imageToken: number;
      /** How many rotary frequencies belong to time, height and width. */
      readonly sections: readonly [number, number, number];
    };

type Parsed = z.infer<typeof configSchema>;
type Base = Pick<z.infer<typeof qwen3Schema>, keyof typeof common>;

const rotaryTheta = (base: {
  readonly rope_theta?: number | undefined;
  readonly rope_parameters?: { readonly rope_theta?: number | undefined } | undefined;
}): number => {
  const value = base.rope_theta ?? base.rope_parameters?.rope_theta;
  if (value === undefined)
    throw new GateError('model-invalid', 'The configuration of the model was read. It has no rope_theta.', { where: 'config.json' });
  return value;
};
const decoderSize = (base: Base, tied: boolean): DecoderSize => ({
  vocabulary: base.vocab_size,
  hidden: base.hidden_size,
  layers: base.num_hidden_layers,
  context: base.max_position_embeddings,
  heads: base.num_attention_heads,
  feedForward: base.intermediate_size,
  epsilon: base.rms_norm_eps,
  theta: rotaryTheta(base),
  tied,
});
const demand = (holds: boolean, message: string): void => {
  if (!holds) throw new GateError('model-invalid', `The configuration of the model was read. ${message}.`, { where: 'config.json' });
};
const groupedSize = (base: Base & { readonly num_key_value_heads: number; readonly head_dim: number }, tied: boolean): GroupedSize => {
  demand(base.num_attention_heads % base.num_key_value_heads === 0, 'Its num_attention_heads is not a multiple of num_key_value_heads');
  demand(base.head_dim % 16 === 0, 'Its head_dim is not a multiple of 16, which the attention kernel needs');
  return { ...decoderSize(base, tied), kvHeads: base.num_key_value_heads, headSize: base.head_dim };
};

const fromParsed = (raw: Parsed): ModelConfig => {
  switch (raw.model_type) {
    case 'qwen3':
      return { family: 'qwen3', text: groupedSize(raw, raw.tie_word_embeddings) };
    case 'qwen3_moe':
      demand(raw.num_experts_per_tok <= raw.num_experts, 'Its num_experts_per_tok exceeds num_experts');
      return {
        family: 'qwen3_moe',
        text: groupedSize(raw, raw.tie_word_embeddings),
        experts: { experts: raw.num_experts, chosen: raw.num_experts_per_tok, width: raw.moe_intermediate_size },
      };
    case 'glm4_moe_lite':
      demand(raw.num_experts_per_tok <= raw.n_routed_experts, 'Its num_experts_per_tok exceeds n_routed_experts');
      demand(raw.qk_rope_head_dim % 2 === 0, 'Its qk_rope_head_dim is odd');
      return {
        family: 'glm4_moe_lite',
        text: {
          ...decoderSize(raw, raw.tie_word_embeddings),
          queryRank: raw.q_lora_rank,
          latentRank: raw.kv_lora_rank,
          rotary: raw.qk_rope_head_dim,
          plain: raw.qk_nope_head_dim,
          value: raw.v_head_dim,
        },
        experts: {
          experts: raw.n_routed_experts,
          chosen: raw.num_experts_per_tok,
          width: raw.moe_intermediate_size,
          shared: raw.n_shared_experts,
          scale: raw.routed_scaling_factor,
          denseLayers: raw.first_k_dense_replace,
        },
      };
    case 'qwen3_vl': {
      const text = groupedSize(raw.text_config, raw.tie_word_embeddings);
      const { vision_config: v } = raw;
      const sections = (raw.text_config.rope_scaling ?? raw.text_config.rope_parameters)?.mrope_section;
      if (sections === undefined)
        throw new GateError('model-invalid', 'The configuration of the model was read. Its text_config has no mrope_section.', {
          where: 'config.json',
        });
      demand(sections[0] + sections[1] + sections[2] === text.headSize / 2, 'Its mrope_section does not add up to half of head_dim');
      demand(v.hidden_size % (v.num_heads * 4) === 0, 'Its vision head size is not a multiple of 4');
      demand(v.out_hidden_size === text.hidden, 'Its out_hidden_size differs from the hidden size of the text model');
      demand(
        v.deepstack_visual_indexes.length <= text.layers && v.deepstack_visual_indexes.every((tap) => tap < v.depth),
        'Its deepstack_visual_indexes names a block that is not there',
      );
      demand(Number.isInteger(Math.sqrt(v.num_position_embeddings)), 'Its num_position_embeddings is not a square');
      return {
        family: 'qwen3_vl',
        text,
        imageToken: raw.image_token_id,
        sections,
        vision: {
          depth: v.depth,
          hidden: v.hidden_size,
          feedForward: v.intermediate_size,
          heads: v.num_heads,
          patch: v.patch_size,
          frames: v.temporal_patch_size,
          merge: v.spatial_merge_size,
          channels: v.in_channels,
          output: v.out_hidden_size,
          positions: v.num_position_embeddings,
          taps: v.deepstack_visual_indexes,
        },
      };
    }
  }
};

/** A hub-style config.json as the configuration of one of the four families. Throws `model-invalid`, naming the key. */
export const parseModelConfig = (value: unknown, where = 'config.json'): ModelConfig => {
  const parsed = configSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new GateError(
      'model-invalid',
      `The configuration of the model was read. At ${issue?.path.join('.') || 'its top'}: ${issue?.message ?? 'malformed'}.`,
      { where },
    );
  }
  try {
    return fromParsed(parsed.data);
  } catch (thrown) {
    if (thrown instanceof GateError) throw new GateError(thrown.code, thrown.message, { where });
    throw thrown;
  }
};

/** Reads a JSON file of at most 4 MiB. Throws `model-invalid` when it is missing, larger or not JSON. */
export const readJsonFile = (path: string): unknown => {
  try {
    if (statSync(path).size > 4 * 1024 * 1024)
      throw new GateError('model-invalid', 'A file of the model was read. Expected at most 4 MiB, got more.', { where: path });
    if (isLfsPointerFile(path)) throw lfsPointer(path);
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    if (cause instanceof GateError) throw cause;
    throw new GateError('model-invalid', 'A file of the model was read. It is missing, or not JSON.', { where: path, cause });
  }
};
