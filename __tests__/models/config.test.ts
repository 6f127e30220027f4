import { describe, expect, test } from 'vitest';
import { GateError } from '../../src/errors.ts';
import { parseModelConfig } from '../../src/models/config.ts';
import { modelFacts } from '../../src/models/facts.ts';
import { tinyConfig, tinyConfigs, tinyFamilies } from './random-weights.ts';

const refusal = (value: unknown): string => {
  try {
    parseModelConfig(value);
  } catch (thrown) {
    if (thrown instanceof GateError) return `${thrown.code}: ${thrown.message}`;
    throw thrown;
  }
  return 'accepted';
};

describe('parseModelConfig', () => {
  test.each(tinyFamilies)('reads %s', (family) => {
    expect(parseModelConfig(tinyConfigs[family]).family).toBe(family);
  });

  test('takes the rotary base from rope_parameters too', () => {
    const { rope_theta: _, ...rest } = tinyConfigs.qwen3;
    expect(parseModelConfig({ ...rest, rope_parameters: { rope_theta: 5e6 } }).text.theta).toBe(5e6);
    expect(refusal(rest)).toContain('has no rope_theta');
  });

  test.each([
    ['an unknown family', { ...tinyConfigs.qwen3, model_type: 'llama' }, 'model_type'],
    ['a size of zero', { ...tinyConfigs.qwen3, hidden_size: 0 }, 'hidden_size'],
    ['a size beyond reason', { ...tinyConfigs.qwen3, vocab_size: 1e15 }, 'vocab_size'],
    ['heads that do not divide', { ...tinyConfigs.qwen3, num_key_value_heads: 3 }, 'num_attention_heads'],
    ['a head that no kernel takes', { ...tinyConfigs.qwen3, head_dim: 8 }, 'head_dim'],
    ['more chosen than there are', { ...tinyConfigs.qwen3_moe, num_experts_per_tok: 5 }, 'num_experts_per_tok'],
    ['unnormalised routing', { ...tinyConfigs.qwen3_moe, norm_topk_prob: false }, 'norm_topk_prob'],
    ['grouped routing', { ...tinyConfigs.glm4_moe_lite, n_group: 2 }, 'n_group'],
    [
      'a tap that is not there',
      { ...tinyConfigs.qwen3_vl, vision_config: { ...tinyConfigs.qwen3_vl.vision_config, deepstack_visual_indexes: [2] } },
      'deepstack',
    ],
    ['no object', null, 'config'],
  ])('refuses %s', (_, value, place) => {
    expect(refusal(value)).toContain(place);
    expect(refusal(value)).toMatch(/^model-invalid/);
  });
});

test('published sizes are read too', () => {
  const dense = {
    ...tinyConfigs.qwen3,
    vocab_size: 151936,
    hidden_size: 2560,
    num_hidden_layers: 36,
    head_dim: 128,
    num_attention_heads: 32,
    num_key_value_heads: 8,
  };
  expect(
    parseModelConfig({
      ...dense,
      intermediate_size: 9728,
      max_position_embeddings: 262144,
      rope_theta: 5e6,
      rope_scaling: null,
      use_cache: true,
    }).text,
  ).toMatchObject({
    vocabulary: 151936,
    context: 262144,
    theta: 5e6,
  });
  const { text_config, vision_config } = tinyConfigs.qwen3_vl;
  const vl = parseModelConfig({
    ...tinyConfigs.qwen3_vl,
    text_config: {
      ...text_config,
      hidden_size: 2048,
      num_hidden_layers: 28,
      head_dim: 128,
      rope_scaling: { mrope_section: [24, 20, 20], mrope_interleaved: true },
    },
    vision_config: {
      ...vision_config,
      depth: 24,
      hidden_size: 1024,
      num_heads: 16,
      patch_size: 16,
      out_hidden_size: 2048,
      num_position_embeddings: 2304,
      deepstack_visual_indexes: [5, 11, 17],
    },
  });
  expect(vl).toMatchObject({ sections: [24, 20, 20], vision: { taps: [5, 11, 17], positions: 2304 } });
});

test('facts follow from the configuration alone', () => {
  expect(modelFacts('tiny', 'd', tinyConfig('glm4_moe_lite'), true)).toMatchObject({
    experts: 4,
    kvHeads: 4,
    latentAttention: true,
    vision: false,
    vocabulary: 40,
  });
  expect(modelFacts('tiny', 'd', tinyConfig('qwen3_vl'), false)).toMatchObject({
    experts: 0,
    kvHeads: 2,
    latentAttention: false,
    vision: true,
    miniature: false,
  });
});
