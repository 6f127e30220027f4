import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ModelView } from '../../src/contract/build.ts';
import { usedBytes } from '../../src/onnx/digest.ts';
import { readModel } from '../../src/onnx/read.ts';
import { recognise } from '../../src/onnx/recognise/recognise.ts';
import { matrix } from '../../src/optimizations/algebra/matrix.ts';
import { finishRewrite, readMatrix, startRewrite } from '../../src/optimizations/graph/rewrite.ts';
import { tensorDecompositionBenchmark } from '../../src/optimizations/tensor-decomposition/benchmark.ts';
import { expertBasis, replaceExperts } from '../../src/optimizations/tensor-decomposition/experts.ts';
import { factorise, replaceLinear, unweighed } from '../../src/optimizations/tensor-decomposition/linear.ts';
import { type DecompositionOptions, decompositionOptions } from '../../src/optimizations/tensor-decomposition/options.ts';
import { tensorDecomposition } from '../../src/optimizations/tensor-decomposition/subject.ts';
import { seededRandom } from '../../src/statistics/random.ts';
import {
  build,
  denseFacts,
  type Family,
  familyNames,
  freshFolder,
  largestDifference,
  miniature,
  prefillFeeds,
  products,
  runGraph,
} from './miniature.ts';

const options = (value: object): DecompositionOptions => decompositionOptions.parse(value, 'with');
const decoderOf = (view: ModelView): string => join(view.folder, view.stages.find((each) => each.id === 'decoder')!.graph);
const logitsOf = async (path: string): Promise<Float32Array> => (await runGraph(path, prefillFeeds(path, 12, 5)))['logits']!.data;

describe('at full rank the graph computes what it did', () => {
  test.each(familyNames)('%s', async (family: Family) => {
    const path = decoderOf(miniature(family));
    const model = startRewrite(readModel(path));
    const { layers } = recognise(model);
    const linears = new Set(
      layers.flatMap(({ attention, feedForwards }) => [
        attention.query.linear,
        attention.output,
        ...(attention.latent === null ? [] : [attention.latent.keyValueDown]),
        ...feedForwards.flatMap((each) => [each.up.linear, each.down]),
      ]),
    );
    for (const linear of linears)
      replaceLinear(
        model,
        linear,
        await factorise(
          matrix(linear.rows, linear.columns, readMatrix(model, linear)),
          Math.min(linear.rows, linear.columns),
          unweighed,
          seededRandom(2),
          products,
        ),
      );
    for (const { experts } of layers)
      if (experts !== null)
        await replaceExperts(
          model,
          experts,
          await expertBasis(model, experts, 32, unweighed, null, seededRandom(2), products),
          32,
          products,
        );
    const folder = freshFolder();
    finishRewrite(model, folder);
    expect(largestDifference(await logitsOf(path), await logitsOf(join(folder, model.graph)))).toBeLessThan(1e-4);
    expect(recognise(readModel(join(folder, model.graph))).linears.length).toBeGreaterThan(recognise(readModel(path)).linears.length);
  });
});

const relativeError = async (
  family: Family,
  value: object,
): Promise<{ readonly error: number; readonly bytes: number; readonly facts: Readonly<Record<string, number>> }> => {
  const view = miniature(family);
  const built = await build(tensorDecomposition, view, options(value));
  const [before, after] = [await logitsOf(decoderOf(view)), await logitsOf(decoderOf(built))];
  const scale = Math.sqrt(before.reduce((sum, each) => sum + each * each, 0));
  const error = Math.sqrt(before.reduce((sum, each, at) => sum + (each - after[at]!) ** 2, 0)) / scale;
  const bytes =
    built.stages.reduce((sum, { graph }) => sum + usedBytes(built.folder, graph), 0) /
    view.stages.reduce((sum, { graph }) => sum + usedBytes(view.folder, graph), 0);
  return { error, bytes, facts: built.facts };
};

describe('builds', () => {
  test.each([
    ['dense', 'ffn'],
    ['dense', 'attention'],
    ['moe', 'ffn'],
    ['glm', 'all'],
    ['glm', 'attention'],
    ['vl', 'all'],
  ] as const)('%s %s: a smaller rank is smaller and further off', async (family, target) => {
    const half = await relativeError(family, { target, 'rank-ratio': 0.5, refit: false, multiple: 1 });
    const quarter = await relativeError(family, { target, 'rank-ratio': 0.25, refit: false, multiple: 1 });
    expect(half.bytes).toBeLessThan(1);
    expect(quarter.bytes).toBeLessThan(half.bytes);
    expect(half.error).toBeGreaterThan(1e-4);
    expect(quarter.error).toBeGreaterThan(half.error);
    expect(half.facts['factored-matrices']).toBeGreaterThan(0);
  });

  test('latent attention: what opens the latent (kv_b) is factored, and what makes it', async () => {
    const view = miniature('glm');
    const built = await build(tensorDecomposition, view, options({ target: 'attention', 'rank-ratio': 0.3, multiple: 1 }));
    const { layers } = recognise(readModel(decoderOf(view)));
    const left = new Set(readModel(decoderOf(built)).proto.graph!.initializer.map(({ name }) => name));
    for (const { attention } of layers)
      for (const { weight } of [attention.key.linear, attention.latent!.keyValueDown, attention.latent!.queryDown!]) {
        expect(left.has(weight)).toBe(false);
        expect(left.has(`${weight}.first`)).toBe(true);
      }
    expect(layers[0]!.attention.key.linear.rows).toBe(20);
    expect(recognise(readModel(decoderOf(built))).layers).toHaveLength(layers.length);
  });

  test('the vision tower alone: the decoder stays as it is', async () => {
    const view = miniature('vl');
    const built = await build(tensorDecomposition, view, options({ target: 'vision', 'rank-ratio': 0.3, multiple: 1 }));
    const bytes = (of: ModelView, stage: string): number => usedBytes(of.folder, of.stages.find(({ id }) => id === stage)!.graph);
    expect(bytes(built, 'decoder')).toBe(bytes(view, 'decoder'));
    expect(bytes(built, 'vision')).toBeLessThan(bytes(view, 'vision'));
    await expect(build(tensorDecomposition, miniature('dense'), options({ target: 'vision' }))).rejects.toMatchObject({
      code: 'onnx-unsupported',
    });
    const { applies } = tensorDecompositionBenchmark;
    expect(applies(denseFacts, options({ target: 'vision' }))).toMatchObject({ status: 'not-applicable' });
    expect(applies({ ...denseFacts, vision: true }, options({ target: 'vision' }))).toBe(true);
  });

  test('a compression that is none is refused', async () => {
    await expect(build(tensorDecomposition, miniature('dense'), options({ 'rank-ratio': 1 }))).rejects.toMatchObject({
      code: 'build-ineffective',
    });
    await expect(build(tensorDecomposition, miniature('moe'), options({ energy: 1 }))).rejects.toMatchObject({ code: 'build-ineffective' });
  });

  test.each(['glm', 'vl'] as const)('%s: same input and seed, same bytes', async (family) => {
    const value = { target: 'all', 'rank-ratio': 0.3, multiple: 2 };
    const [first, second] = [
      await build(tensorDecomposition, miniature(family), options(value)),
      await build(tensorDecomposition, miniature(family), options(value)),
    ];
    for (const { graph } of first.stages)
      for (const file of [graph, `${graph}.data`])
        expect(readFileSync(join(first.folder, file)).equals(readFileSync(join(second.folder, file)))).toBe(true);
  });
});

test('options: energy or rank, one of them', () => {
  expect(options({})).toMatchObject({ target: 'ffn', rank: { by: 'energy' } });
  expect(() => options({ energy: 0.9, 'rank-ratio': 0.5 })).toThrow('got both');
  expect(() => options({ rank: 8 })).toThrow('Did you mean');
  for (const value of [{}, { 'rank-ratio': 0.4, aware: false }, { energy: 0.5, target: 'all' }]) {
    const parsed = options(value);
    expect(
      decompositionOptions.parse(tensorDecompositionBenchmark.workload(denseFacts, parsed).variants['main']!.options, 'again'),
    ).toEqual(parsed);
  }
});
