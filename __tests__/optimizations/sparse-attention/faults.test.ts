import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { beforeAll, expect, test } from 'vitest';
import { type AttentionWork, attentionWork } from '../../../src/models/attention-work.ts';
import { readWindows } from '../../../src/models/evaluation.ts';
import { openModelSource } from '../../../src/models/model-source.ts';
import { buildReference } from '../../../src/models/reference.ts';
import { AttributeProtoSchema } from '../../../src/onnx/proto/onnx_pb.js';
import { readModel } from '../../../src/onnx/read.ts';
import { recognise } from '../../../src/onnx/recognise/recognise.ts';
import { finishRewrite, replaceFloats, startRewrite } from '../../../src/optimizations/graph/rewrite.ts';
import { root } from '../../../src/optimizations/sparse-attention/fragment.ts';
import { sparseAttentionOptions } from '../../../src/optimizations/sparse-attention/options.ts';
import { windowOnly } from '../../../src/optimizations/sparse-attention/pattern.ts';
import { sparsify } from '../../../src/optimizations/sparse-attention/rewrite.ts';
import { sparseAttention } from '../../../src/optimizations/sparse-attention/subject.ts';
import type { Stage } from '../../../src/records/serving.ts';
import { openCalibration } from '../../../src/runtime/calibration.ts';
import { type LoadedModel, openModel } from '../../../src/runtime/decoder.ts';
import { openProducts } from '../../../src/runtime/product.ts';
import { scoreArms } from '../../../src/runtime/scoring.ts';
import { roots, runtime, settings } from '../../runtime/tiny-model.ts';
import { freshFolder } from '../miniature.ts';

type Model = ReturnType<typeof readModel>;
const source = openModelSource(join(process.cwd(), 'models/mini-qwen3-dense'));
const windows = readWindows(join(source.folder, 'evaluation.safetensors'), source.config);

let stages: readonly Stage[] = [];
let untouched = '';
const folders: Record<string, string> = {};
const scores: Record<string, { nll: number; late: number; kl: number }> = {};

const rewritten = (edit: (model: Model) => void): string => {
  const folder = freshFolder();
  const model = startRewrite(readModel(join(untouched, stages[0]!.graph)));
  edit(model);
  finishRewrite(model, folder);
  return folder;
};
const everyLayer = (model: Model, window: number): void => {
  const { layers, inputs } = recognise(model);
  sparsify(
    model,
    inputs,
    layers.map(({ attention }, layer) => ({ layer, attention, pattern: windowOnly(window) })),
    64,
  );
};

beforeAll(async () => {
  untouched = freshFolder();
  stages = buildReference(source, untouched);
  const calibration = openCalibration({
    input: { folder: untouched, stages },
    windows: readWindows(join(source.folder, 'calibration.safetensors'), source.config),
    roots,
  });
  folders['sound'] = freshFolder();
  await sparseAttention.build!({
    model: source.facts,
    input: { folder: untouched, stages },
    options: sparseAttentionOptions.parse({}, 'with'),
    variant: { name: 'main', options: null },
    output: folders['sound'],
    seed: 1,
    calibration,
    products: openProducts(roots),
  });
  await calibration.release();
  folders['too narrow'] = rewritten((model) => everyLayer(model, 4));
  folders['not masked'] = rewritten((model) => {
    everyLayer(model, 64);
    const hides = model.proto.graph!.node.find(({ name }) => name === `${root}/pattern.0/near/bias/Where`)!;
    replaceFloats(model, hides, hides.input[2]!, [], Float32Array.of(0));
  });
  folders['only masked'] = rewritten((model) => {
    for (const node of model.proto.graph!.node)
      if (node.opType === 'GroupQueryAttention')
        node.attribute.push(create(AttributeProtoSchema, { name: 'local_window_size', type: 2, i: 64n }));
  });
  const opened: Record<string, LoadedModel> = {};
  const open = async (folder: string): Promise<LoadedModel> =>
    openModel(folder, stages, {}, { runtime: await runtime(), settings, prompts: null });
  for (const [name, folder] of Object.entries({ untouched, ...folders })) opened[name] = await open(folder);
  const count = 2;
  await scoreArms(opened['untouched']!, opened, windows, { limit: count }, (_, found) => {
    for (const [name, { nll, lateNll, kl }] of Object.entries(found)) {
      const sum = scores[name] ?? { nll: 0, late: 0, kl: 0 };
      scores[name] = { nll: sum.nll + nll / count, late: sum.late + lateNll / count, kl: sum.kl + kl / count };
    }
  });
  for (const model of Object.values(opened)) await model.release();
}, 60_000);

const delta = (name: string, series: 'nll' | 'late' | 'kl'): number => scores[name]![series] - scores['untouched']![series];
const workOf = (folder: string): AttentionWork => {
  const found = attentionWork(readModel(join(folder, stages[0]!.graph)), {}, 1024);
  if (typeof found === 'string') throw new Error(found);
  return found;
};

test('a sound build keeps to its budget on text that it has never seen', () => {
  expect(delta('sound', 'kl')).toBeLessThan(0.02);
  expect(Math.abs(delta('sound', 'nll'))).toBeLessThan(0.02);
  expect(Math.abs(delta('sound', 'late'))).toBeLessThan(0.03);
});

test('a window that is too narrow costs likelihood, late positions most', () => {
  expect(delta('too narrow', 'nll')).toBeGreaterThan(0.1);
  expect(delta('too narrow', 'late')).toBeGreaterThan(0.1);
});

test('blocks without their mask look at what is to come, and are far from the model', () => {
  expect(delta('not masked', 'kl')).toBeGreaterThan(0.05);
  // Four times the tolerance of `nll-delta`.
  expect(delta('not masked', 'nll')).toBeGreaterThan(0.02);
});

test('a window that only masks spares neither scores nor cache, whatever it claims', () => {
  const [sound, masked, dense] = [workOf(folders['sound']!), workOf(folders['only masked']!), workOf(untouched)];
  expect(masked).toEqual(dense);
  expect(dense.density).toBe(100);
  expect(sound.density).toBeLessThan(60);
  expect(sound.cacheBytesPerToken).toBeLessThan(0.5 * dense.cacheBytesPerToken);
});
