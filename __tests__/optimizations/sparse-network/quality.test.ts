import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ModelView } from '../../../src/contract/build.ts';
import { readWindows } from '../../../src/models/evaluation.ts';
import { openModelSource } from '../../../src/models/model-source.ts';
import { buildReference } from '../../../src/models/reference.ts';
import { sparsityOptions } from '../../../src/optimizations/sparse-network/options.ts';
import { sparseNetwork } from '../../../src/optimizations/sparse-network/subject.ts';
import { openCalibration } from '../../../src/runtime/calibration.ts';
import { openModel } from '../../../src/runtime/decoder.ts';
import { roots, runtime, settings } from '../../runtime/tiny-model.ts';
import { testFolder } from '../../testkit/folder.ts';
import { products } from '../miniature.ts';

/** Trained weights: with random ones every change is as bad as every other. */
const source = openModelSource(join(import.meta.dirname, '../../../models/mini-qwen3-dense'));
const windowsOf = (file: string) => readWindows(join(source.folder, file), source.config);

const built = async (reference: ModelView, options: object): Promise<ModelView> => {
  const calibration = openCalibration({ input: reference, windows: windowsOf('calibration.safetensors'), roots });
  const output = testFolder();
  const { stages } = await sparseNetwork.build!({
    model: source.facts,
    input: reference,
    options: sparsityOptions.parse(options, 'with'),
    variant: { name: 'main', options: null },
    output,
    seed: 1,
    calibration,
    products,
  });
  await calibration.release();
  return { folder: output, stages };
};

/** Mean nats per token over the first held-out windows, in plain loops. */
const count = 6;
const nll = async ({ folder, stages }: ModelView): Promise<number> => {
  const model = await openModel(folder, stages, {}, { runtime: await runtime(), settings, prompts: null });
  const windows = windowsOf('evaluation.safetensors');
  const { values, vocabulary, length } = await model.score(windows, 0, count);
  await model.release();
  let sum = 0;
  for (let position = 0; position < count * length; position += 1) {
    const row = values.subarray(position * vocabulary, (position + 1) * vocabulary);
    const peak = row.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
    const total = row.reduce((all, value) => all + Math.exp(value - peak), 0);
    const target = windows.tokens[Math.floor(position / length) * windows.length + (position % length) + 1]!;
    sum += peak + Math.log(total) - row[target]!;
  }
  return sum / (count * length);
};

test('on trained weights: 2:4 costs little by activations, more by magnitude, far more by chance; half of every output less', async () => {
  const folder = testFolder();
  const reference = { folder, stages: buildReference(source, folder) };
  const dense = await nll(reference);
  const delta = async (options: object): Promise<number> => (await nll(await built(reference, options))) - dense;
  const activation = await delta({});
  const magnitude = await delta({ importance: 'magnitude' });
  expect(activation).toBeGreaterThan(0.02);
  expect(activation).toBeLessThan(0.4);
  expect(magnitude).toBeGreaterThan(activation);
  expect(await delta({ importance: 'random' })).toBeGreaterThan(3 * activation);
  expect(await delta({ pattern: 'unstructured' })).toBeLessThan(activation);
});
