import { join } from 'node:path';
import { readWindows } from '../../../src/models/evaluation.ts';
import { openModelSource } from '../../../src/models/model-source.ts';
import { buildGraphs } from '../../../src/models/reference.ts';
import { openWeights } from '../../../src/models/weights.ts';
import { streamingOptions } from '../../../src/optimizations/streaming/options.ts';
import { streaming } from '../../../src/optimizations/streaming/subject.ts';
import type { EvaluationWindows, ServeHints } from '../../../src/records/serving.ts';
import { type LoadedModel, openModel } from '../../../src/runtime/decoder.ts';
import { runtime, settings } from '../../runtime/tiny-model.ts';
import { calibrationOf, freshFolder, products } from '../miniature.ts';

/** A shipped model as streaming makes it by default, to be served with any hints. */
export interface ShippedStream {
  readonly windows: EvaluationWindows;
  readonly hints: ServeHints;
  readonly open: (serve: ServeHints) => Promise<LoadedModel>;
}

export const shippedStream = async (): Promise<ShippedStream> => {
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
  return {
    windows: readWindows(join(source.folder, 'evaluation.safetensors'), source.config),
    hints: built?.serve ?? {},
    open: async (serve) => openModel(output, built?.stages ?? [], serve, { runtime: await runtime(), settings, prompts: null }),
  };
};
