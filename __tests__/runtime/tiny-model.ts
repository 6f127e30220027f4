import { join } from 'node:path';
import { patchGrid } from '../../src/models/blocks/vision.ts';
import type { ModelConfig } from '../../src/models/config.ts';
import { imagePatches, sectionedPositions } from '../../src/models/evaluation.ts';
import { buildGraphs } from '../../src/models/reference.ts';
import type { WeightSource } from '../../src/models/weights.ts';
import type { EvaluationWindows, ServeHints, Stage } from '../../src/records/serving.ts';
import { type LoadedModel, openModel } from '../../src/runtime/decoder.ts';
import { loadRuntime, type Runtime, runtimeRoots } from '../../src/runtime/library.ts';
import { randomWeights, type TinyFamily, tinyConfig } from '../models/random-weights.ts';
import { testFolder } from '../testkit/folder.ts';

export const roots = runtimeRoots(null, process.cwd());
export const settings = { provider: 'cpu', threads: 1, spinning: false } as const;

let loading: Promise<Runtime> | null = null;
export const runtime = (): Promise<Runtime> => {
  loading ??= loadRuntime(roots);
  return loading;
};

export interface Built {
  readonly folder: string;
  readonly stages: readonly Stage[];
  readonly config: ModelConfig;
}
export const builtTiny = (family: TinyFamily, weights: WeightSource = randomWeights()): Built => {
  const folder = testFolder();
  const config = tinyConfig(family);
  return { folder, config, stages: buildGraphs(weights, config, folder) };
};

export const opened = async (built: Built, prompts: EvaluationWindows | null, serve: ServeHints = {}): Promise<LoadedModel> =>
  openModel(built.folder, built.stages, serve, { runtime: await runtime(), settings, prompts });

/** Windows of tokens below 30; with images for a vision-language configuration: one of four tokens, then targets. */
export const tinyWindows = (config: ModelConfig, count = 3, length = 12): EvaluationWindows => {
  const vision = config.family === 'qwen3_vl' ? config.vision : null;
  const tokens = Uint16Array.from({ length: count * length }, (_, i) =>
    vision !== null && i % length > 0 && i % length < 5 ? 30 : (i * 7 + (i >> 2)) % 29,
  );
  const images =
    vision === null
      ? null
      : {
          patches: 16,
          patchWidth: 24,
          imageToken: 30,
          pixels: (window: number) =>
            imagePatches(
              Uint8Array.from({ length: 192 }, (_, i) => (i * (window + 3)) % 256),
              vision,
              patchGrid(vision),
            ),
          positions: (row: ArrayLike<number>) => sectionedPositions(row, 30),
        };
  return {
    count,
    length,
    tokens,
    scored: vision === null ? null : Uint8Array.from({ length: count * length }, (_, i) => (i % length > 5 ? 1 : 0)),
    images,
  };
};

export const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  return Array.from(a).reduce((largest, value, i) => Math.max(largest, Math.abs(value - (b[i] ?? Number.NaN))), 0);
};

export const fileIn = (built: Built, name: string): string => join(built.folder, name);
