import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import type { ModelView } from '../../src/contract/build.ts';
import { graphDigest, usedBytes } from '../../src/onnx/digest.ts';
import { NodeProtoSchema } from '../../src/onnx/proto/onnx_pb.js';
import { readModel } from '../../src/onnx/read.ts';
import type { Architecture } from '../../src/onnx/recognise/architecture.ts';
import { recognise } from '../../src/onnx/recognise/recognise.ts';
import { initializer, readFloats } from '../../src/onnx/tensor.ts';
import {
  addFloats,
  finishRewrite,
  insertAfter,
  producerOf,
  redirect,
  replaceFloats,
  startRewrite,
} from '../../src/optimizations/graph/rewrite.ts';
import { structuredPruningBenchmark } from '../../src/optimizations/structured-pruning/benchmark.ts';
import { type PruningOptions, pruningOptions } from '../../src/optimizations/structured-pruning/options.ts';
import { structuredPruning } from '../../src/optimizations/structured-pruning/subject.ts';
import {
  build,
  calibrationOf,
  denseFacts,
  expertFacts,
  type Family,
  freshFolder,
  largestDifference,
  miniature,
  prefillFeeds,
  runGraph,
  visionFacts,
} from './miniature.ts';

type Model = ReturnType<typeof readModel>;
const options = (value: object): PruningOptions => pruningOptions.parse(value, 'with');
const stageFile = (view: ModelView, stage = 'decoder'): string => join(view.folder, view.stages.find((each) => each.id === stage)!.graph);

/** Positions of `kept` rows among `all` rows of the same width, in order. */
const positionsOf = (kept: Float32Array, all: Float32Array, width: number): number[] => {
  const rows = (data: Float32Array): string[] =>
    Array.from({ length: data.length / width }, (_, row) => data.subarray(row * width, (row + 1) * width).join());
  const index = new Map(rows(all).map((row, at) => [row, at]));
  return rows(kept).map((row) => index.get(row)!);
};
const withZeroRows = (model: Model, node: string, weight: string, kept: readonly number[]): void => {
  const dims = initializer(model, weight).dims.map(Number);
  const data = readFloats(model, weight);
  const width = dims.at(-1)!;
  for (let row = 0; row < data.length / width; row += 1) if (!kept.includes(row)) data.fill(0, row * width, (row + 1) * width);
  replaceFloats(model, producerOf(model, node), weight, dims, data);
};
/** The same graph with edits that change no shape. */
const edited = (view: ModelView, stage: string, edit: (model: Model, architecture: Architecture) => void): string => {
  const model = startRewrite(readModel(stageFile(view, stage)));
  edit(model, recognise(model));
  const folder = freshFolder();
  finishRewrite(model, folder);
  return join(folder, model.graph);
};
const sameOutputs = async (a: string, b: string, only?: readonly string[]): Promise<void> => {
  const feeds = prefillFeeds(a, 12, 5);
  const left = await runGraph(a, feeds);
  const wanted = new Set(readModel(b).proto.graph!.input.map((port) => port.name));
  const right = await runGraph(b, {
    ...prefillFeeds(b, 12, 5),
    ...Object.fromEntries(Object.entries(feeds).filter(([name]) => wanted.has(name) && !name.startsWith('past'))),
  });
  for (const name of only ?? Object.keys(left)) expect(largestDifference(left[name]!.data, right[name]!.data), name).toBeLessThan(1e-4);
};
const architectureOf = (view: ModelView, stage = 'decoder'): Architecture => recognise(readModel(stageFile(view, stage)));

describe('feed-forward channels', () => {
  test.each(['dense', 'vl', 'glm'] as const)(
    '%s: the pruned graph computes what the dense one does without those channels',
    async (family) => {
      const view = miniature(family);
      const pruned = await build(structuredPruning, view, options({ refit: false, ratio: 0.5, multiple: 4 }));
      const cut = architectureOf(pruned);
      const model = readModel(stageFile(pruned));
      const masked = edited(view, 'decoder', (dense, architecture) => {
        for (const [at, layer] of architecture.layers.entries()) {
          for (const [which, { down, width }] of layer.feedForwards.entries()) {
            const smaller = cut.layers[at]!.feedForwards[which]!;
            expect(smaller.width).toBe(width / 2);
            const kept = positionsOf(readFloats(model, smaller.down.weight), readFloats(dense, down.weight), down.columns);
            expect(kept).toEqual([...kept].sort((a, b) => a - b));
            withZeroRows(dense, down.node, down.weight, kept);
          }
          if (layer.experts === null) continue;
          // Each expert keeps its own channels: zero the columns of `down` that are gone.
          const smaller = cut.layers[at]!.experts!;
          const [stored, left] = [readFloats(dense, layer.experts.down), readFloats(model, smaller.down)];
          const { count, width } = layer.experts;
          const rows = stored.length / (count * width);
          const column = (data: Float32Array, expert: number, channel: number, size: number): string =>
            Array.from({ length: rows }, (_, row) => data[(expert * rows + row) * size + channel]).join();
          for (let expert = 0; expert < count; expert += 1) {
            const kept = new Set(Array.from({ length: smaller.width }, (_, channel) => column(left, expert, channel, smaller.width)));
            for (let channel = 0; channel < width; channel += 1)
              if (!kept.has(column(stored, expert, channel, width)))
                for (let row = 0; row < rows; row += 1) stored[(expert * rows + row) * width + channel] = 0;
          }
          replaceFloats(dense, producerOf(dense, layer.experts.node), layer.experts.down, [count, rows, width], stored);
        }
      });
      await sameOutputs(masked, stageFile(pruned));
      await expect(sameOutputs(stageFile(view), stageFile(pruned), ['logits'])).rejects.toThrow('logits');
      expect(pruned.facts['removed-channels']).toBeGreaterThan(0);
    },
  );

  test('activation keeps the channels that are used', async () => {
    const view = miniature('dense');
    // Channels 0–31 of the first layer are shut: their activations are zero whatever their weights.
    const shut = edited(view, 'decoder', (model, { layers }) => {
      const { up, down } = layers[0]!.feedForwards[0]!;
      const data = readFloats(model, up.linear.weight);
      for (let row = 0; row < up.linear.rows; row += 1) data.fill(0, row * up.linear.columns, row * up.linear.columns + 32);
      replaceFloats(model, producerOf(model, up.linear.node), up.linear.weight, [up.linear.rows, up.linear.columns], data);
      const strong = readFloats(model, down.weight).map((value, at) => (at < 32 * down.columns ? value * 100 : value));
      replaceFloats(model, producerOf(model, down.node), down.weight, [down.rows, down.columns], strong);
    });
    const source: ModelView = { folder: join(shut, '..'), stages: view.stages };
    const keptOf = (pruned: ModelView): number[] => {
      const [before, after] = [architectureOf(source), architectureOf(pruned)].map(({ layers }) => layers[0]!.feedForwards[0]!.down);
      return positionsOf(
        readFloats(readModel(stageFile(pruned)), after!.weight),
        readFloats(readModel(shut), before!.weight),
        before!.columns,
      );
    };
    expect(Math.min(...keptOf(await build(structuredPruning, source, options({ refit: false, ratio: 0.5 }))))).toBe(32);
    expect(
      Math.min(...keptOf(await build(structuredPruning, source, options({ refit: false, ratio: 0.5, importance: 'random' })))),
    ).toBeLessThan(32);
  });

  test('the vision tower is cut with its biases', async () => {
    const view = miniature('vl');
    const pruned = await build(structuredPruning, view, options({ refit: false, target: 'vision', ratio: 0.25 }));
    const cut = architectureOf(pruned, 'vision');
    expect(cut.layers.map((layer) => layer.feedForwards[0]!.width)).toEqual([48, 48]);
    expect(cut.projections.map((each) => each.width)).toEqual([128, 128]);
    const masked = edited(view, 'vision', (dense, { layers }) => {
      for (const [at, layer] of layers.entries()) {
        const { down } = layer.feedForwards[0]!;
        const kept = positionsOf(
          readFloats(readModel(stageFile(pruned, 'vision')), cut.layers[at]!.feedForwards[0]!.down.weight),
          readFloats(dense, down.weight),
          down.columns,
        );
        withZeroRows(dense, down.node, down.weight, kept);
      }
    });
    await sameOutputs(masked, stageFile(pruned, 'vision'));
    expect(graphDigest(pruned.folder, 'model.onnx')).toBe(graphDigest(view.folder, 'model.onnx'));
  });
});

describe('a traced export, everything spelled out', () => {
  const view: ModelView = {
    folder: fileURLToPath(new URL('../oracles/onnx', import.meta.url)),
    stages: [{ id: 'decoder', graph: 'traced-decoder.onnx' }],
  };

  test('channels', async () => {
    const pruned = await build(structuredPruning, view, options({ refit: false, ratio: 0.5, importance: 'magnitude', multiple: 4 }));
    const cut = architectureOf(pruned);
    const masked = edited(view, 'decoder', (dense, { layers }) => {
      for (const [at, layer] of layers.entries()) {
        const { down } = layer.feedForwards[0]!;
        const smaller = cut.layers[at]!.feedForwards[0]!;
        expect(smaller.width).toBe(12);
        withZeroRows(
          dense,
          down.node,
          down.weight,
          positionsOf(readFloats(readModel(stageFile(pruned)), smaller.down.weight), readFloats(dense, down.weight), down.columns),
        );
      }
    });
    await sameOutputs(masked, stageFile(pruned));
  });

  test('the first layer, from whose cache the others read the past length', async () => {
    for (let seed = 0; ; seed += 1) {
      const pruned = await build(structuredPruning, view, options({ target: 'layers', ratio: 0.5, importance: 'random' }), seed);
      const [left] = architectureOf(pruned).layers;
      const [first] = architectureOf(view).layers;
      if (left!.attention.output.weight === first!.attention.output.weight) continue;
      expect(left!.attention.cache).toEqual(first!.attention.cache);
      const masked = edited(view, 'decoder', (dense, { layers }) => {
        const { attention, feedForwards } = layers[0]!;
        for (const { node, weight } of [attention.output, feedForwards[0]!.down]) withZeroRows(dense, node, weight, []);
      });
      await sameOutputs(masked, stageFile(pruned), ['logits']);
      return;
    }
  });

  test('heads behind repeated keys are refused by name', async () => {
    await expect(build(structuredPruning, view, options({ target: 'heads', importance: 'magnitude' }))).rejects.toMatchObject({
      code: 'onnx-unsupported',
    });
  });
});

describe('heads', () => {
  test.each(['dense', 'moe', 'glm', 'vl'] as const)('%s: a group goes with its queries, shapes and cache', async (family) => {
    const view = miniature(family);
    const pruned = await build(structuredPruning, view, options({ refit: false, target: 'heads', ratio: 0.5 }));
    const cut = architectureOf(pruned);
    const masked = edited(view, 'decoder', (dense, architecture) => {
      for (const [at, { attention }] of architecture.layers.entries()) {
        const smaller = cut.layers[at]!.attention;
        expect([smaller.heads, smaller.kvHeads]).toEqual([attention.heads / 2, attention.kvHeads / 2]);
        const kept = positionsOf(
          readFloats(readModel(stageFile(pruned)), smaller.output.weight),
          readFloats(dense, attention.output.weight),
          attention.output.columns,
        );
        withZeroRows(dense, attention.output.node, attention.output.weight, kept);
      }
    });
    await sameOutputs(masked, stageFile(pruned), ['logits']);
    const ports = cut.inputs.filter((port) => port.name.startsWith('past'));
    expect(new Set(ports.map((port) => port.dims[1]))).toEqual(new Set([family === 'glm' ? 2 : 1]));
  });
});

describe('layers', () => {
  test.each(['dense', 'moe', 'glm', 'vl'] as const)('%s: dropped layers add nothing, caches are renumbered', async (family) => {
    const view = miniature(family);
    for (const importance of ['activation', 'magnitude', 'random'] as const) {
      const pruned = await build(structuredPruning, view, options({ target: 'layers', ratio: 0.3, importance }), 3);
      const cut = architectureOf(pruned);
      expect(cut.layers).toHaveLength(2);
      expect(cut.warnings).toEqual([]);
      expect(cut.layers.map((layer) => layer.attention.cache)).toEqual(
        [0, 1].map((at) => ({
          pastKey: `past_key_values.${at}.key`,
          pastValue: `past_key_values.${at}.value`,
          presentKey: `present.${at}.key`,
          presentValue: `present.${at}.value`,
        })),
      );
      const kept = new Set(cut.layers.map((layer) => layer.attention.output.weight));
      const masked = edited(view, 'decoder', (dense, { layers }) => {
        for (const { attention, feedForwards, experts } of layers) {
          if (kept.has(attention.output.weight)) continue;
          for (const { node, weight } of [attention.output, ...feedForwards.map((each) => each.down)])
            withZeroRows(dense, node, weight, []);
          if (experts !== null) withZeroRows(dense, experts.node, experts.down, []);
        }
      });
      await sameOutputs(masked, stageFile(pruned), ['logits']);
    }
  });
});

describe('experts', () => {
  test.each(['moe', 'glm'] as const)('%s: the rest is routed as if the removed ones were never chosen', async (family) => {
    const view = miniature(family);
    const pruned = await build(structuredPruning, view, options({ target: 'experts' }));
    const cut = architectureOf(pruned);
    const masked = edited(view, 'decoder', (dense, { layers }) => {
      for (const [at, { experts }] of layers.entries()) {
        if (experts === null) continue;
        const smaller = cut.layers[at]!.experts!;
        expect([experts.count, smaller.count, smaller.chosen]).toEqual([4, 3, 2]);
        const stored = readFloats(dense, experts.down);
        const kept = positionsOf(readFloats(readModel(stageFile(pruned)), smaller.down), stored, stored.length / 4);
        const never = Float32Array.from({ length: 4 }, (_, expert) => (kept.includes(expert) ? 0 : -60));
        const { router } = experts;
        const mask = addFloats(dense, `${router.linear.weight}.mask`, router.linear.weight, [4], never);
        redirect(dense, router.linear.output, `${router.linear.output}/masked`);
        insertAfter(
          dense,
          producerOf(dense, router.linear.output),
          create(NodeProtoSchema, { opType: 'Add', input: [router.linear.output, mask], output: [`${router.linear.output}/masked`] }),
        );
      }
    });
    await sameOutputs(masked, stageFile(pruned));
    expect(pruned.facts['removed-experts']).toBe(family === 'moe' ? 3 : 2);
  });

  test('never fewer than a token chooses', async () => {
    const pruned = await build(structuredPruning, miniature('moe'), options({ target: 'experts', ratio: 0.9, importance: 'magnitude' }));
    expect(architectureOf(pruned).layers.map((layer) => layer.experts!.count)).toEqual([2, 2, 2]);
    await runGraph(stageFile(pruned), prefillFeeds(stageFile(pruned), 8, 1));
  });
});

describe('builds', () => {
  test.each([
    ['dense', {}],
    ['glm', {}],
    ['vl', { target: 'layers' }],
    ['moe', { target: 'experts', importance: 'random' }],
  ] as const)('%s %o: same input, same bytes', async (family: Family, value) => {
    const [first, second] = [
      await build(structuredPruning, miniature(family), options(value), 4),
      await build(structuredPruning, miniature(family), options(value), 4),
    ];
    for (const { graph } of first.stages)
      for (const file of [graph, `${graph}.data`])
        expect(readFileSync(join(first.folder, file)).equals(readFileSync(join(second.folder, file)))).toBe(true);
  });

  test('ratio 0 changes nothing that computes', async () => {
    for (const target of ['ffn', 'heads', 'layers'] as const) {
      const pruned = await build(structuredPruning, miniature('dense'), options({ target, ratio: 0 }));
      expect(graphDigest(pruned.folder, 'model.onnx')).toBe(graphDigest(miniature('dense').folder, 'model.onnx'));
    }
  });

  test('another seed draws other channels, but only at random', async () => {
    const digest = async (importance: string, seed: number): Promise<string> =>
      graphDigest((await build(structuredPruning, miniature('dense'), options({ importance }), seed)).folder, 'model.onnx');
    expect(await digest('random', 1)).not.toBe(await digest('random', 2));
    expect(await digest('magnitude', 1)).toBe(await digest('magnitude', 2));
  });
});

describe('what is left makes up for what went', () => {
  /** ‖Y − Y'‖² of a tensor of the first layer, whose inputs no cut has changed, over the calibration text. */
  const apart = async (view: ModelView, built: ModelView, stage: string, tensor: string): Promise<number> => {
    const calibration = calibrationOf(view);
    const before: Float32Array[] = [];
    await calibration.observe(stage, [tensor], (values) => before.push(values[tensor]!.data));
    let sum = 0;
    let window = 0;
    await calibration.through(built).observe(stage, [tensor], (values) => {
      sum += before[window]!.reduce((part, value, at) => part + (value - values[tensor]!.data[at]!) ** 2, 0);
      window += 1;
    });
    return sum;
  };

  test.each([
    ['dense', 'ffn'],
    ['glm', 'ffn'],
    ['moe', 'ffn'],
    ['vl', 'vision'],
    ['dense', 'heads'],
    ['glm', 'heads'],
  ] as const)('%s %s: the first layer is nearer to what it made on calibration text, in as many weights', async (family, target) => {
    const view = miniature(family);
    const stage = target === 'vision' ? 'vision' : 'decoder';
    const [layer] = architectureOf(view, stage).layers;
    const tensor = target === 'heads' ? layer!.attention.output.node : (layer!.feedForwards[0]?.down.node ?? layer!.experts!.output);
    const [cut, refitted] = [
      await build(structuredPruning, view, options({ target, ratio: 0.25, multiple: 4, refit: false })),
      await build(structuredPruning, view, options({ target, ratio: 0.25, multiple: 4 })),
    ];
    expect(await apart(view, refitted, stage, tensor)).toBeLessThan(0.9 * (await apart(view, cut, stage, tensor)));
    expect(refitted.facts).toEqual(cut.facts);
    const bytes = ({ folder, stages }: ModelView): number => usedBytes(folder, ...stages.map(({ graph }) => graph));
    expect(bytes(refitted)).toBe(bytes(cut));
  });

  test('by chance and by norms too; layers and whole experts have nothing to refit', async () => {
    const digest = async (family: Family, value: object): Promise<string> =>
      graphDigest((await build(structuredPruning, miniature(family), options(value))).folder, 'model.onnx');
    for (const importance of ['magnitude', 'random'])
      expect(await digest('dense', { importance })).not.toBe(await digest('dense', { importance, refit: false }));
    for (const [family, target] of [
      ['dense', 'layers'],
      ['moe', 'experts'],
    ] as const)
      expect(await digest(family, { target })).toBe(await digest(family, { target, refit: false }));
  });
});

describe('bench', () => {
  test('says where it does not apply', () => {
    const { applies } = structuredPruningBenchmark;
    expect(applies(denseFacts, options({ target: 'experts' }))).toMatchObject({ status: 'not-applicable' });
    expect(applies(expertFacts, options({ target: 'experts' }))).toBe(true);
    expect(applies(denseFacts, options({ target: 'vision' }))).toMatchObject({ status: 'not-applicable' });
    expect(applies(visionFacts, options({ target: 'vision' }))).toBe(true);
    expect(applies({ ...denseFacts, quantized: true }, options({}))).toMatchObject({ status: 'unsupported-export' });
  });

  test('refuses options by name', () => {
    expect(options({})).toEqual({ target: 'ffn', ratio: 0.25, importance: 'activation', refit: true, multiple: 8 });
    expect(() => options({ ration: 0.1 })).toThrow('Did you mean "ratio"');
    expect(() => options({ ratio: 0.95 })).toThrow();
    expect(() => options({ target: 'neurons' })).toThrow('ffn');
  });
});
