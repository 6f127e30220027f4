import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ModelView } from '../../../src/contract/build.ts';
import { weightSparsity } from '../../../src/models/weight-sparsity.ts';
import { usedBytes } from '../../../src/onnx/digest.ts';
import { packedWeights } from '../../../src/onnx/packed-weights.ts';
import { readModel } from '../../../src/onnx/read.ts';
import { recognise } from '../../../src/onnx/recognise/recognise.ts';
import { readFloats } from '../../../src/onnx/tensor.ts';
import { channelEnergy } from '../../../src/optimizations/graph/activations.ts';
import { readMatrix, startRewrite } from '../../../src/optimizations/graph/rewrite.ts';
import { sparseNetworkBenchmark } from '../../../src/optimizations/sparse-network/benchmark.ts';
import { type SparsityOptions, sparsityOptions } from '../../../src/optimizations/sparse-network/options.ts';
import { sparseNetwork } from '../../../src/optimizations/sparse-network/subject.ts';
import { pruningOptions } from '../../../src/optimizations/structured-pruning/options.ts';
import { structuredPruning } from '../../../src/optimizations/structured-pruning/subject.ts';
import { decompositionOptions } from '../../../src/optimizations/tensor-decomposition/options.ts';
import { tensorDecomposition } from '../../../src/optimizations/tensor-decomposition/subject.ts';
import {
  build,
  calibrationOf,
  denseFacts,
  type Family,
  familyNames,
  largestDifference,
  miniature,
  prefillFeeds,
  runGraph,
  visionFacts,
} from '../miniature.ts';

const options = (value: object): SparsityOptions => sparsityOptions.parse(value, 'with');
const pathOf = (view: ModelView, stage = 'decoder'): string => join(view.folder, view.stages.find(({ id }) => id === stage)!.graph);
const logitsOf = async (view: ModelView): Promise<Float32Array> =>
  (await runGraph(pathOf(view), prefillFeeds(pathOf(view), 12, 5)))['logits']!.data;
const bytesOf = (view: ModelView): number => usedBytes(view.folder, ...view.stages.map(({ graph }) => graph));
const counted = (view: ModelView, target: SparsityOptions['target'], pattern: { kept: number; of: number } | null = null) =>
  weightSparsity(view.folder, view.stages, target, pattern, 16);
describe('the pattern that is asked for is in the files', () => {
  test.each(
    familyNames.flatMap(
      (family) =>
        [
          [family, '2:4'],
          [family, '1:4'],
        ] as const,
    ),
  )('%s %s', async (family: Family, pattern) => {
    const [kept, of] = pattern.split(':').map(Number) as [number, number];
    const built = await build(sparseNetwork, miniature(family), options({ pattern }));
    const found = counted(built, 'all', { kept, of });
    expect(found.conforming).toBe(found.groups);
    expect(found.zeros).toBe(found.eligible * (1 - kept / of));
    expect(counted(miniature(family), 'all', { kept, of }).conforming).toBe(0);
  });

  test.each(['ffn', 'attention', 'vision'] as const)('%s: nothing else becomes zero', async (target) => {
    const built = await build(sparseNetwork, miniature('vl'), options({ target, pattern: 'unstructured', sparsity: 0.75 }));
    const [own, all] = [counted(built, target), counted(built, 'all')];
    expect(own.zeros / own.eligible).toBeCloseTo(0.75, 2);
    expect(all.zeros).toBe(own.zeros);
    expect(all.eligible).toBeGreaterThan(own.eligible);
  });

  test('the same share of every output, none of it in routers, norms, embeddings or the head', async () => {
    const built = await build(sparseNetwork, miniature('glm'), options({ pattern: 'unstructured', sparsity: 0.25, storage: 'dense' }));
    const [before, after] = [readModel(pathOf(miniature('glm'))), readModel(pathOf(built))];
    const { layers, head, embedding } = recognise(after);
    const untouched = [head!.weight, embedding!.weight, layers[1]!.experts!.router.linear.weight];
    for (const name of untouched) expect(readFloats(after, name)).toEqual(readFloats(before, name));
    const output = layers[0]!.attention.output;
    const matrix = readMatrix(after, output);
    for (let column = 0; column < output.columns; column += 1) {
      const zeros = Array.from({ length: output.rows }, (_, row) => matrix[row * output.columns + column]).filter((value) => value === 0);
      expect(zeros).toHaveLength(Math.round(output.rows / 4));
    }
  });
});

describe('what stays', () => {
  test('is decided by weight × norm of its input, as an oracle in plain loops decides', async () => {
    const view = miniature('dense');
    const built = await build(sparseNetwork, view, options({ refit: false }));
    const refitted = await build(sparseNetwork, view, options({}));
    const [model, sparse] = [readModel(pathOf(view)), startRewrite(readModel(pathOf(built)))];
    const linear = recognise(model).layers[1]!.feedForwards[0]!.down;
    const norms = (await channelEnergy(calibrationOf(view), 'decoder', [linear.input])).get(linear.input)!.map(Math.sqrt);
    const [dense, found] = [readMatrix(model, linear), readMatrix(sparse, linear)];
    for (let output = 0; output < linear.columns; output += 1)
      for (let from = 0; from < linear.rows; from += 4) {
        const at = (input: number): number => input * linear.columns + output;
        const ranked = [0, 1, 2, 3]
          .map((offset) => from + offset)
          .sort((a, b) => Math.abs(dense[at(b)]!) * norms[b]! - Math.abs(dense[at(a)]!) * norms[a]!);
        expect(ranked.map((input) => found[at(input)])).toEqual([dense[at(ranked[0]!)], dense[at(ranked[1]!)], 0, 0]);
      }
    const zeros = (values: Float32Array): readonly boolean[] => Array.from(values, (value) => value === 0);
    const moved = readMatrix(startRewrite(readModel(pathOf(refitted))), linear);
    expect(zeros(moved)).toEqual(zeros(found));
    expect(moved).not.toEqual(found);
  });

  test('loses least of what the input lets through; by weight alone and by chance it is more', async () => {
    const view = miniature('dense');
    const model = readModel(pathOf(view));
    const linears = recognise(model).layers.map(({ feedForwards }) => feedForwards[0]!.down);
    const energies = await channelEnergy(
      calibrationOf(view),
      'decoder',
      linears.map(({ input }) => input),
    );
    const lost = async (importance: string): Promise<number> => {
      const sparse = startRewrite(readModel(pathOf(await build(sparseNetwork, view, options({ importance })))));
      return linears.reduce((sum, linear) => {
        const [dense, left] = [readMatrix(model, linear), readMatrix(sparse, linear)];
        const squares = energies.get(linear.input)!;
        return sum + dense.reduce((part, value, at) => part + squares[Math.floor(at / linear.columns)]! * (value - left[at]!) ** 2, 0);
      }, 0);
    };
    const [activation, magnitude, random] = [await lost('activation'), await lost('magnitude'), await lost('random')];
    expect(activation).toBeLessThan(magnitude);
    expect(magnitude).toBeLessThan(0.5 * random);
  });
});

describe('faults that the counted metrics see', () => {
  test('a mask that is not applied, and one along the wrong axis', async () => {
    const view = miniature('dense');
    expect(counted(view, 'all', { kept: 2, of: 4 })).toMatchObject({ zeros: 0, conforming: 0 });
    const halved = await build(sparseNetwork, view, options({ pattern: 'unstructured', sparsity: 0.5 }));
    const { zeros, eligible, groups, conforming } = counted(halved, 'all', { kept: 2, of: 4 });
    expect(zeros / eligible).toBeCloseTo(0.5, 2);
    expect(conforming / groups).toBeLessThan(0.9);
  });
});

describe('how zeros are stored', () => {
  test.each(familyNames)('%s: packed computes what plain zeros compute, in fewer bytes', async (family) => {
    const view = miniature(family);
    const [packed, dense] = [
      await build(sparseNetwork, view, options({ pattern: '1:4' })),
      await build(sparseNetwork, view, options({ pattern: '1:4', storage: 'dense' })),
    ];
    expect(packed.facts['packed-matrices']).toBeGreaterThan(0);
    expect(dense.facts['packed-matrices']).toBe(0);
    expect(bytesOf(packed)).toBeLessThan(bytesOf(dense));
    expect(counted(packed, 'all')).toEqual(counted(dense, 'all'));
    expect(largestDifference(await logitsOf(packed), await logitsOf(dense))).toBe(0);
  });

  test('the comparator is the same weights, stored plainly', async () => {
    const packed = await build(sparseNetwork, miniature('moe'), options({ pattern: '1:4' }));
    const comparator = sparseNetworkBenchmark.workload(denseFacts, options({ pattern: '1:4' })).variants['dense-with-zeros']!;
    expect(comparator.on).toBe('main');
    const plain = await build(sparseNetwork, packed, options(comparator.options as object));
    expect(packedWeights(readModel(pathOf(plain)))).toEqual([]);
    expect(counted(plain, 'all', { kept: 1, of: 4 })).toEqual(counted(packed, 'all', { kept: 1, of: 4 }));
    expect(largestDifference(await logitsOf(plain), await logitsOf(packed))).toBe(0);
  });

  test('a pass behind it reads packed weights, and packs again what is left', async () => {
    const packed = await build(sparseNetwork, miniature('dense'), options({ pattern: '1:4' }));
    const pruned = await build(structuredPruning, packed, pruningOptions.parse({ ratio: 0.25 }, 'with'));
    const names = packedWeights(readModel(pathOf(packed))).map(({ name }) => name);
    expect(packedWeights(readModel(pathOf(pruned))).map(({ name }) => name)).toEqual(expect.arrayContaining(names.slice(0, 1)));
    expect(bytesOf(pruned)).toBeLessThan(bytesOf(packed));
    const { zeros, eligible } = counted(pruned, 'all');
    expect(zeros / eligible).toBeGreaterThan(0.7);
    expect((await logitsOf(pruned)).every(Number.isFinite)).toBe(true);
  });

  test.each(['moe', 'glm'] as const)('%s: before and behind low-rank factors, whose matrices are masked too', async (family) => {
    const factors = decompositionOptions.parse({ target: 'all', 'rank-ratio': 0.3, multiple: 1 }, 'with');
    const first = await build(tensorDecomposition, await build(sparseNetwork, miniature(family), options({})), factors);
    const last = await build(sparseNetwork, await build(tensorDecomposition, miniature(family), factors), options({}));
    for (const built of [first, last]) expect((await logitsOf(built)).every(Number.isFinite)).toBe(true);
    expect(last.facts['masked-matrices']).toBeGreaterThan(0);
    expect(packedWeights(readModel(pathOf(last))).length).toBe(last.facts['packed-matrices']);
  });

  test.each(['glm', 'vl'] as const)('%s: same input and seed, same bytes', async (family) => {
    const [first, second] = [
      await build(sparseNetwork, miniature(family), options({})),
      await build(sparseNetwork, miniature(family), options({})),
    ];
    for (const { graph } of first.stages)
      for (const file of [graph, `${graph}.data`])
        expect(readFileSync(join(first.folder, file)).equals(readFileSync(join(second.folder, file)))).toBe(true);
  });
});

describe('bench', () => {
  test('options: a pattern, or a share', () => {
    expect(options({})).toEqual({ target: 'all', pattern: '2:4', importance: 'activation', refit: true, storage: 'packed' });
    expect(options({ pattern: 'unstructured' })).toMatchObject({ sparsity: 0.5 });
    for (const pattern of ['4:2', '2:2', '2:80', '0:4', '2-4', 'half']) expect(() => options({ pattern }), pattern).toThrow('N');
    expect(() => options({ sparsity: 0.5 })).toThrow('unstructured');
    expect(() => options({ sparcity: 0.5 })).toThrow('Did you mean "sparsity"');
  });

  test('conformity is judged where a pattern is claimed; what is counted follows the options', () => {
    const { metrics, points } = sparseNetworkBenchmark.workload(denseFacts, options({ pattern: '4:8', target: 'ffn' }));
    expect(metrics.find(({ id }) => id === 'pattern-conformity')).toMatchObject({ role: 'gate', kind: 'exact' });
    expect(points.find(({ kind }) => kind === 'inspection')).toMatchObject({ sparse: { target: 'ffn', pattern: { kept: 4, of: 8 } } });
    const other = sparseNetworkBenchmark.workload(denseFacts, options({ pattern: 'unstructured' }));
    expect(other.metrics.map(({ id }) => id)).not.toContain('pattern-conformity');
    expect(other.points.find(({ kind }) => kind === 'inspection')).toMatchObject({ sparse: { pattern: null } });
  });

  test('says where it does not apply', () => {
    const { applies } = sparseNetworkBenchmark;
    expect(applies(denseFacts, options({ target: 'vision' }))).toMatchObject({ status: 'not-applicable' });
    expect(applies(visionFacts, options({ target: 'vision' }))).toBe(true);
    expect(applies({ ...denseFacts, quantized: true }, options({}))).toMatchObject({ status: 'unsupported-export' });
  });
});
