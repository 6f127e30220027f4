import type { ModelConfig } from '../../src/models/config.ts';
import { parseModelConfig } from '../../src/models/config.ts';
import type { WeightSource } from '../../src/models/weights.ts';

/** Weights of any name and shape, drawn from the name: norms near one, matrices small. `asked` collects the names. */
export const randomWeights = (asked: Set<string> = new Set()): WeightSource => ({
  dims: () => null,
  read: (name, dims) => {
    asked.add(name);
    let state = [...name].reduce((hash, letter) => (Math.imul(hash, 31) + letter.charCodeAt(0)) >>> 0, 7) || 1;
    const scale = dims.length > 1 ? 0.15 : 0.05;
    const centre = dims.length === 1 && name.endsWith('.weight') ? 1 : 0;
    return Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return centre + ((state >>> 0) / 2 ** 31 - 1) * scale;
    });
  },
});

const text = {
  vocab_size: 40,
  hidden_size: 32,
  num_hidden_layers: 2,
  max_position_embeddings: 64,
  num_attention_heads: 4,
  rms_norm_eps: 1e-6,
  rope_theta: 10000,
  intermediate_size: 48,
};
const grouped = { ...text, num_key_value_heads: 2, head_dim: 16 };

/** Hub-style configurations of tiny models, one per family. */
export const tinyConfigs = {
  qwen3: { model_type: 'qwen3', tie_word_embeddings: true, ...grouped },
  qwen3_moe: {
    model_type: 'qwen3_moe',
    tie_word_embeddings: false,
    ...grouped,
    moe_intermediate_size: 16,
    num_experts: 4,
    num_experts_per_tok: 2,
    norm_topk_prob: true,
  },
  glm4_moe_lite: {
    model_type: 'glm4_moe_lite',
    tie_word_embeddings: false,
    ...text,
    q_lora_rank: 16,
    kv_lora_rank: 12,
    qk_rope_head_dim: 4,
    qk_nope_head_dim: 6,
    v_head_dim: 8,
    moe_intermediate_size: 16,
    n_routed_experts: 4,
    n_shared_experts: 1,
    num_experts_per_tok: 2,
    n_group: 1,
    topk_group: 1,
    norm_topk_prob: true,
    routed_scaling_factor: 1.8,
    first_k_dense_replace: 1,
  },
  qwen3_vl: {
    model_type: 'qwen3_vl',
    tie_word_embeddings: true,
    image_token_id: 30,
    vision_start_token_id: 31,
    vision_end_token_id: 32,
    text_config: { ...grouped, rope_scaling: { mrope_section: [3, 3, 2], mrope_interleaved: true } },
    vision_config: {
      depth: 2,
      hidden_size: 16,
      intermediate_size: 24,
      num_heads: 2,
      patch_size: 2,
      temporal_patch_size: 2,
      spatial_merge_size: 2,
      in_channels: 3,
      out_hidden_size: 32,
      num_position_embeddings: 16,
      deepstack_visual_indexes: [0, 1],
      hidden_act: 'gelu_pytorch_tanh',
    },
  },
} as const;

export type TinyFamily = keyof typeof tinyConfigs;
export const tinyFamilies = Object.keys(tinyConfigs) as TinyFamily[];
export const tinyConfig = (family: TinyFamily): ModelConfig => parseModelConfig(tinyConfigs[family]);
