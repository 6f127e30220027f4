import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { BuildResult } from '../../../src/contract/build.ts';
import { readModel } from '../../../src/onnx/read.ts';
import { recognise } from '../../../src/onnx/recognise/recognise.ts';
import { finishRewrite, startRewrite } from '../../../src/optimizations/graph/rewrite.ts';
import { sparseAttentionBenchmark } from '../../../src/optimizations/sparse-attention/benchmark.ts';
import { layerErrors } from '../../../src/optimizations/sparse-attention/calibrated.ts';
import { sparseAttentionOptions } from '../../../src/optimizations/sparse-attention/options.ts';
import { sinkWindow, stridedWindow, windowOnly } from '../../../src/optimizations/sparse-attention/pattern.ts';
import { sparsify } from '../../../src/optimizations/sparse-attention/rewrite.ts';
import { sparseAttention } from '../../../src/optimizations/sparse-attention/subject.ts';
import { openCalibration } from '../../../src/runtime/calibration.ts';
import { openProducts } from '../../../src/runtime/product.ts';
import { tinyFamilies } from '../../models/random-weights.ts';
import { type Built, builtTiny, roots, tinyWindows } from '../../runtime/tiny-model.ts';
import { testFolder } from '../../testkit/folder.ts';
import { denseFacts, visionFacts } from '../miniature.ts';

const decoderOf = (built: Built) => readModel(join(built.folder, built.stages.find(({ id }) => id === 'decoder')!.graph));
const calibrationOf = (built: Built, count = 2, length = 14) =>
  openCalibration({ input: built, windows: tinyWindows(built.config, count, length), roots });

const build = async (built: Built, options: object): Promise<BuildResult & { readonly built: Built }> => {
  const output = testFolder();
  const calibration = calibrationOf(built);
  try {
    const result = await sparseAttention.build!({
      model: denseFacts,
      input: built,
      options: sparseAttentionOptions.parse(options, 'with'),
      variant: { name: 'main', options: null },
      output,
      seed: 1,
      calibration,
      products: openProducts(roots),
    });
    return { ...result, built: { ...built, folder: output } };
  } finally {
    await calibration.release();
  }
};

/** Values of tensors of the decoder on every window of calibration. */
const observed = async (built: Built, names: readonly string[]): Promise<readonly Record<string, Float32Array>[]> => {
  const calibration = calibrationOf(built);
  const out: Record<string, Float32Array>[] = [];
  await calibration.observe('decoder', names, (values) => {
    out.push(Object.fromEntries(Object.entries(values).map(([name, { data }]) => [name, Float32Array.from(data)])));
  });
  await calibration.release();
  return out;
};

const energy = (values: Float32Array): number => values.reduce((sum, value) => sum + value * value, 0);

describe.each(tinyFamilies)('%s', (family) => {
  test('the errors that are foretold for the first layer are those that its rewritten graph makes', async () => {
    const built = builtTiny(family);
    const { layers, inputs } = recognise(decoderOf(built));
    const [layer] = layers;
    const patterns = [windowOnly(4), sinkWindow(3, 2), stridedWindow(3, 3)];
    const calibration = calibrationOf(built);
    const { positions, errors } = await layerErrors(decoderOf(built), 'decoder', layers, calibration, () => patterns);
    await calibration.release();
    expect(positions).toBe(14);
    const { stream, delta } = layer!.attentionWrite;
    const mixed = layer!.attention.output.input;
    const dense = await observed(built, [stream, delta, mixed]);
    for (const [at, pattern] of patterns.entries()) {
      const folder = testFolder();
      for (const { id, graph } of built.stages) {
        const model = startRewrite(readModel(join(built.folder, graph)));
        if (id === 'decoder') sparsify(model, inputs, [{ layer: 0, attention: layer!.attention, pattern }], 8);
        finishRewrite(model, folder);
      }
      const sparse = await observed({ ...built, folder }, [mixed]);
      const each = dense.flatMap((window, which) =>
        Array.from({ length: positions }, (_, position) => {
          const row = (name: string, of: Record<string, Float32Array> = window): Float32Array => {
            const data = of[name]!;
            return data.slice((position * data.length) / positions, ((position + 1) * data.length) / positions);
          };
          const gone = row(mixed, sparse[which]).map((value, i) => value - row(mixed)[i]!);
          const behind = row(stream).map((value, i) => value + row(delta)[i]!);
          return ((energy(gone) / energy(row(mixed))) * energy(row(delta))) / energy(behind);
        }),
      );
      const mean = each.reduce((sum, value) => sum + value, 0) / each.length;
      expect(mean).toBeGreaterThan(1e-6);
      expect(errors[0]?.[at]).toBeCloseTo(mean, 5);
    }
  });

  test('the budget decides which layers become sparse', async () => {
    const built = builtTiny(family);
    const options = { window: 3, sinks: 2, stride: 4, block: 8 };
    const [none, all] = [await build(built, { ...options, budget: 0 }), await build(built, { ...options, budget: 10 })];
    expect(none.facts).toEqual({ 'sparse-layers': 0, 'dense-layers': 2, 'predicted-stray': 0 });
    expect(all.facts).toMatchObject({ 'sparse-layers': 2, 'dense-layers': 0 });
    const spent = all.facts?.['predicted-stray'] ?? 0;
    const some = await build(built, { ...options, budget: spent * 0.8 });
    expect(some.facts?.['predicted-stray']).toBeGreaterThan(0);
    expect(some.facts?.['predicted-stray']).toBeLessThanOrEqual(spent * 0.8);
    const fixed = await build(built, { ...options, pattern: 'window' });
    expect(fixed.facts).toEqual({ 'sparse-layers': 2, 'dense-layers': 0 });
    expect(recognise(decoderOf(fixed.built)).layers.map(({ attention }) => attention.op)).toEqual(['Softmax', 'Softmax']);
  });
});

test('sinks cover the image where the model sees, unless they are said', async () => {
  const built = builtTiny('qwen3_vl');
  // Four sinks and four features of the image, the newest seven of fourteen positions; two sinks and seven.
  const kept = async (sinks: number): Promise<number> => {
    const { built: made } = await build(built, { pattern: 'sink-window', sinks, window: 4 });
    return (await observed(made, ['present.0.key']))[0]!['present.0.key']!.length / (2 * 16);
  };
  expect([await kept(0), await kept(2)]).toEqual([8 + 3, 2 + 3]);
});

test('a context that is too short for the points is not applicable; all others are', () => {
  const options = sparseAttentionOptions.parse({}, 'with');
  expect(sparseAttentionBenchmark.applies(denseFacts, options)).toMatchObject({ status: 'not-applicable' });
  expect(sparseAttentionBenchmark.applies({ ...denseFacts, context: 2048 }, options)).toBe(true);
  const { variants, metrics, points } = sparseAttentionBenchmark.workload({ ...visionFacts, context: 2048 }, options);
  expect(variants['fixed-window']?.options).toMatchObject({ pattern: 'window' });
  const timed = points.filter((point) => point.kind === 'call' && point.arms.includes('comparator:fixed-window'));
  expect(timed.map(({ id }) => id)).toEqual(['prefill-512']);
  expect(metrics.find(({ id }) => id === 'speed-over-fixed-window')?.from).toMatchObject({
    point: 'prefill-512',
    arm: 'comparator:fixed-window',
  });
  expect(metrics.find(({ id }) => id === 'late-nll-delta')?.unit).toBe('nats/character');
});
