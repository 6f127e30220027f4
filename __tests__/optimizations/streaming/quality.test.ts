import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readWindows } from '../../../src/models/evaluation.ts';
import { openModelSource } from '../../../src/models/model-source.ts';
import { buildGraphs } from '../../../src/models/reference.ts';
import { openWeights } from '../../../src/models/weights.ts';
import { streamingOptions } from '../../../src/optimizations/streaming/options.ts';
import { streaming } from '../../../src/optimizations/streaming/subject.ts';
import type { ServeHints } from '../../../src/records/serving.ts';
import { openModel } from '../../../src/runtime/decoder.ts';
import { scoreArms } from '../../../src/runtime/scoring.ts';
import { runtime, settings } from '../../runtime/tiny-model.ts';
import { calibrationOf, freshFolder, products } from '../miniature.ts';

it('the default window costs nearly nothing on the text of a shipped model; a window too small and keys not turned back do', async () => {
  const source = openModelSource(join('models', 'mini-qwen3-dense'));
  const weights = openWeights([join(source.folder, 'model.safetensors')]);
  const folder = freshFolder();
  const stages = buildGraphs(weights, source.config, folder);
  weights.close();
  const output = freshFolder();
  const built = await streaming.build?.({
    model: source.facts,
    input: { folder, stages },
    options: streamingOptions.parse({}, 'with'),
    variant: { name: 'main', options: null },
    output,
    seed: 1,
    calibration: calibrationOf({ folder, stages }),
    products,
  });
  const sound = built?.serve ?? {};
  const hints: Readonly<Record<string, ServeHints>> = {
    sound,
    'small window': { ...sound, keepLast: 4, chunk: 4, slack: 4 },
    'keys not turned back': { ...sound, keepLast: 28, chunk: 32, slack: 32, frequencies: sound.frequencies?.map(() => 0) },
  };
  const open = async (serve: ServeHints) => openModel(output, stages, serve, { runtime: await runtime(), settings, prompts: null });
  const reference = await open({});
  const windows = readWindows(join(source.folder, 'evaluation.safetensors'), source.config);
  const arms = Object.fromEntries(
    await Promise.all(Object.entries(hints).map(async ([name, serve]) => [name, await open(serve)] as const)),
  );
  const totals: Record<string, number> = {};
  await scoreArms(reference, { reference, ...arms }, windows, { limit: 3 }, (_, scores) => {
    for (const [name, { nll }] of Object.entries(scores)) totals[name] = (totals[name] ?? 0) + nll / 3;
  });
  const delta = (name: string): number => (totals[name] ?? Number.NaN) - (totals['reference'] ?? Number.NaN);
  expect(Math.abs(delta('sound'))).toBeLessThan(0.005);
  for (const name of ['small window', 'keys not turned back']) expect(delta(name)).toBeGreaterThan(0.02);
  for (const model of [reference, ...Object.values(arms)]) await model.release();
});
