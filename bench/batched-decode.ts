import { join } from 'node:path';
import { parseModelConfig, readJsonFile } from '../src/models/config.ts';
import { readWindows } from '../src/models/evaluation.ts';
import { buildGraphs } from '../src/models/reference.ts';
import { openWeights, type WeightSource } from '../src/models/weights.ts';
import { makeFolder } from '../src/onnx/output-file.ts';
import { openModel } from '../src/runtime/decoder.ts';
import { loadRuntime, runtimeRoots } from '../src/runtime/library.ts';
import { deriveSeed, seededRandom } from '../src/statistics/random.ts';
import { clocks } from '../src/worker/clocks.ts';
import type { Comparison, Row } from './comparison.ts';
import { describeRatio, inBlocks, ratioOf, type Side } from './side-by-side.ts';
import { randomWeights } from './swiglu-layer.ts';

const miniature = 'mini-qwen3-dense';
const batch = 16;
const decoding = { blocks: 15, warmUp: 2, calls: 10 } as const;

/** Layers of a size that people serve, few of them: 100 MB of weights, more than most caches hold. */
const layerSized = {
  hidden_size: 1024,
  num_hidden_layers: 2,
  num_attention_heads: 16,
  num_key_value_heads: 8,
  head_dim: 64,
  intermediate_size: 3072,
} as const;

/** Time does not depend on what weights are: norms of one, matrices drawn at random. */
const drawnWeights = (seed: number): WeightSource => ({
  dims: () => null,
  read: (name, dims) => {
    const [rows = 1, columns] = dims;
    return columns === undefined ? new Float32Array(rows).fill(1) : randomWeights(rows, columns, deriveSeed(seed, name));
  },
});

/** Processor time of each call: one thread does all the work, and long calls meet more of a machine's neighbours than short ones. */
const spent =
  (call: () => Promise<unknown>): Side =>
  async (calls) => {
    const times: number[] = [];
    while (times.length < calls) {
      const started = clocks.cpu();
      await call();
      times.push(clocks.cpu() - started);
    }
    return times;
  };

/**
 * Whether a step serves sixteen sequences in less than sixteen times the time of one: on layers whose weights come from memory, where batching is
 * for, and on a miniature, whose weights lie in the cache and whose steps are mostly small operators.
 */
export const batchedDecode: Comparison = {
  name: 'batched-decode',
  onRequest: false,
  run: async ({ root, folder, seed }, show) => {
    const shipped = join(root, 'models', miniature);
    const stored = readJsonFile(join(shipped, 'config.json')) as Readonly<Record<string, unknown>>;
    const trained = openWeights([join(shipped, 'model.safetensors')]);
    const sizes = [
      { of: 'two layers of hidden 1024', config: { ...stored, ...layerSized }, weights: drawnWeights(seed), target: 4.5 },
      { of: miniature, config: stored, weights: trained, target: null },
    ];
    const runtime = await loadRuntime(runtimeRoots(null, root));
    for (const [at, { of, config: document, weights, target }] of sizes.entries()) {
      const config = parseModelConfig(document);
      const graphs = join(folder, String(at));
      makeFolder(graphs);
      const stages = buildGraphs(weights, config, graphs);
      const prompts = readWindows(join(shipped, 'calibration.safetensors'), config);
      const model = await openModel(graphs, stages, {}, { runtime, settings: { provider: 'cpu', threads: 1, spinning: false }, prompts });
      for (const length of [64, 256]) {
        const step = (size: number): Promise<() => Promise<unknown>> =>
          model.prepareCall({ id: `b${size}`, kind: 'call', phase: 'decode', length, batch: size, rounds: 1, warmUp: 0, arms: [] }, seed);
        const sides = { one: spent(await step(1)), many: spent(await step(batch)) };
        const times = await inBlocks(sides, { ...decoding, random: seededRandom(deriveSeed(seed, of, String(length))) });
        const ratio = ratioOf(times.one, times.many);
        const row: Row = {
          what: `tokens/s of a step, batch ${batch} ÷ 1, ${of}, ${length} past`,
          value: batch * ratio.median,
          unit: '×',
          target: target !== null && length === 64 ? { bound: 'least', value: target } : null,
          note: `processor time of batch 1 ÷ batch ${batch}: ${describeRatio(ratio)}`,
        };
        show(row);
      }
      await model.release();
    }
    trained.close();
  },
};
