import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ModelView } from '../../../src/contract/build.ts';
import { readModel } from '../../../src/onnx/read.ts';
import { recognise } from '../../../src/onnx/recognise/recognise.ts';
import { architectureSearchBenchmark } from '../../../src/optimizations/architecture-search/benchmark.ts';
import { searchOptions } from '../../../src/optimizations/architecture-search/options.ts';
import { poolOf } from '../../../src/optimizations/architecture-search/pool.ts';
import { architectureSearch } from '../../../src/optimizations/architecture-search/subject.ts';
import { keptWidth } from '../../../src/optimizations/graph/selection.ts';
import { pruningOptions } from '../../../src/optimizations/structured-pruning/options.ts';
import { structuredPruning } from '../../../src/optimizations/structured-pruning/subject.ts';
import type { Json } from '../../../src/records/words.ts';
import { defaultPool } from '../../testkit/default-pool.ts';
import { build, denseFacts, familyNames, largestDifference, miniature, prefillFeeds, runGraph } from '../miniature.ts';

const shaped = (view: ModelView, shape: Json) => build(architectureSearch, view, searchOptions.parse({}, 'with'), 1, shape);
const file = ({ folder }: { readonly folder: string }): string => join(folder, 'model.onnx');

describe.each(familyNames)('%s', (family) => {
  test('a variant is as deep and as wide as it says, runs, and is the same each time', async () => {
    const view = miniature(family);
    const dense = recognise(readModel(file(view)));
    const made = await shaped(view, { depth: 0.6, width: 0.5 });
    const halved = dense.layers.flatMap((layer) => layer.feedForwards.map(({ width }) => keptWidth(width, 0.5, 8)));
    const { layers } = recognise(readModel(file(made)));
    expect(layers).toHaveLength(2);
    for (const { feedForwards, experts } of layers) {
      for (const { width } of feedForwards) expect(halved).toContain(width);
      if (experts !== null) expect(experts).toMatchObject({ count: 4, chosen: 2, width: 16 });
    }
    expect(made.facts['removed-layers']).toBe(1);
    expect(made.facts['removed-channels']).toBeGreaterThan(0);
    const outputs = await runGraph(file(made), prefillFeeds(file(made), 12, 5));
    expect(outputs['logits']?.data.every(Number.isFinite)).toBe(true);
    const again = await shaped(view, { depth: 0.6, width: 0.5 });
    for (const each of ['model.onnx', 'model.onnx.data'])
      expect(readFileSync(join(again.folder, each)).equals(readFileSync(join(made.folder, each)))).toBe(true);
  });
});

test.each([
  [1, 0.5, { target: 'ffn', ratio: 0.5 }],
  [0.6, 1, { target: 'layers', ratio: 0.4 }],
] as const)('depth %d and width %d compute what pruning one of them gives', async (depth, width, pruned) => {
  const view = miniature('dense');
  const [one, other] = [await shaped(view, { depth, width }), await build(structuredPruning, view, pruningOptions.parse(pruned, 'with'))];
  const feeds = prefillFeeds(file(one), 12, 5);
  const [left, right] = [await runGraph(file(one), feeds), await runGraph(file(other), feeds)];
  expect(largestDifference(left['logits']!.data, right['logits']!.data)).toBe(0);
});

test('a build must be told which variant', async () => {
  await expect(shaped(miniature('dense'), null)).rejects.toMatchObject({ code: 'document-invalid', where: 'variant.options' });
});

describe('the pool', () => {
  const named = (pool: readonly object[]): readonly string[] =>
    poolOf(denseFacts, searchOptions.parse({ pool }, 'with')).map(({ name }) => name);

  test('is the reference model and whatever differs from it', () => {
    expect(named([{ depth: 1, width: 1 }])).toEqual(['main']);
    // Of three layers either share leaves two.
    expect(
      named([
        { depth: 0.75, width: 1 },
        { depth: 0.6, width: 1 },
        { depth: 0.75, width: 0.5 },
      ]),
    ).toEqual(['main', 'depth-75-width-100', 'depth-75-width-50']);
  });

  test('applies where there is a choice, and builds all but the reference model', () => {
    const { applies, workload } = architectureSearchBenchmark;
    const options = searchOptions.parse({}, 'with');
    expect(applies(denseFacts, options)).toBe(true);
    expect(applies({ ...denseFacts, quantized: true }, options)).toMatchObject({ status: 'unsupported-export' });
    expect(applies(denseFacts, searchOptions.parse({ pool: [{ depth: 1, width: 1 }] }, 'with'))).toMatchObject({
      status: 'not-applicable',
    });
    const { variants } = workload(denseFacts, options);
    expect(Object.keys(variants)).toEqual(defaultPool);
    expect(variants['depth-50-width-50']).toEqual({ options, variant: { depth: 0.5, width: 0.5 } });
  });
});
