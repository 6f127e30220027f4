import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { frequencyAxes } from '../../src/models/families/qwen3-vl.ts';
import { buildGraphs } from '../../src/models/reference.ts';
import { readModel } from '../../src/onnx/read.ts';
import { testFolder } from '../testkit/folder.ts';
import { randomWeights, tinyConfig, tinyFamilies } from './random-weights.ts';

const contents = (folder: string): Record<string, string> =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name)).toString('base64')]));
const interfaceOf = (path: string): { inputs: string[]; outputs: string[] } => {
  const graph = readModel(path).proto.graph;
  return { inputs: graph?.input.map(({ name }) => name) ?? [], outputs: graph?.output.map(({ name }) => name) ?? [] };
};

describe.each(tinyFamilies)('%s', (family) => {
  test('the same weights give the same bytes, and valid graphs', () => {
    const [first, second] = [testFolder(), testFolder()];
    const stages = buildGraphs(randomWeights(), tinyConfig(family), first);
    buildGraphs(randomWeights(), tinyConfig(family), second);
    expect(contents(second)).toEqual(contents(first));
    for (const { graph } of stages) expect(readModel(join(first, graph)).proto.graph?.node.length).toBeGreaterThan(20);
  });

  test('every weight of a layer is read', () => {
    const asked = new Set<string>();
    buildGraphs(randomWeights(asked), tinyConfig(family), testFolder());
    const attention =
      family === 'glm4_moe_lite'
        ? ['q_a_proj', 'q_b_proj', 'kv_a_proj_with_mqa', 'kv_b_proj', 'o_proj', 'q_a_layernorm', 'kv_a_layernorm']
        : ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'q_norm', 'k_norm'];
    const root = family === 'qwen3_vl' ? 'model.language_model.' : 'model.';
    for (const part of attention) expect(asked).toContain(`${root}layers.1.self_attn.${part}.weight`);
    expect(asked).toContain(`${root}norm.weight`);
  });
});

test('a decoder has the inputs and outputs of the dialect', () => {
  const folder = testFolder();
  buildGraphs(randomWeights(), tinyConfig('qwen3'), folder);
  const past = ['past_key_values.0.key', 'past_key_values.1.key', 'past_key_values.0.value', 'past_key_values.1.value'];
  expect(interfaceOf(join(folder, 'model.onnx'))).toEqual({
    inputs: ['input_ids', 'attention_mask', ...past, 'num_logits_to_keep'],
    outputs: ['logits', ...past.map((name) => name.replace('past_key_values', 'present'))],
  });
});

test('a vision-language model is two stages that fit each other', () => {
  const folder = testFolder();
  expect(buildGraphs(randomWeights(), tinyConfig('qwen3_vl'), folder)).toEqual([
    { id: 'vision', graph: 'vision.onnx' },
    { id: 'decoder', graph: 'model.onnx' },
  ]);
  const { outputs } = interfaceOf(join(folder, 'vision.onnx'));
  expect([...outputs].sort()).toEqual(['deepstack_features_0', 'deepstack_features_1', 'image_features']);
  expect(interfaceOf(join(folder, 'model.onnx')).inputs).toEqual(expect.arrayContaining(outputs));
});

test('rotary frequencies interleave time, height and width as far as the sections go', () => {
  expect(frequencyAxes([6, 5, 5]).join('')).toBe('0120120120120120');
  expect(frequencyAxes([3, 1, 1]).join('')).toBe('01200');
});
