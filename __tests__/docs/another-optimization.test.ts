import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { generatedFiles } from '../../scripts/docs.ts';
import { defaultConfig, parseConfig } from '../../src/config/config.ts';
import { applyOverrides } from '../../src/config/override.ts';
import type { Benchmark } from '../../src/contract/benchmark.ts';
import type { Optimization } from '../../src/contract/optimization.ts';
import { noOptions } from '../../src/contract/option-schema.ts';
import { ofSeries, sharedMetrics, sharedPoints, smaller } from '../../src/contract/shared-metrics.ts';
import { builtinOptimizations } from '../../src/optimizations/registry.ts';
import { configDefaultsOf } from '../../src/planning/config-defaults.ts';
import { root } from './documentation.ts';

/** What the folder of another optimization holds, as far as documentation and configuration read it. */
const tokenMerging: Benchmark = {
  id: 'token-merging',
  title: 'Token merging',
  does: 'joins neighbouring tokens whose keys are alike',
  comparedWith: 'the reference model with all tokens',
  options: noOptions as unknown as Benchmark['options'],
  needs: ['build'],
  applies: (model) => (model.vision ? true : { status: 'not-applicable', reason: 'text is not merged' }),
  workload: (model, options) => ({
    variants: { main: { options } },
    points: sharedPoints(),
    metrics: [
      ...sharedMetrics(model),
      {
        id: 'merged-tokens',
        unit: '%',
        better: 'higher',
        kind: 'exact',
        role: 'described',
        scale: 'linear',
        from: ofSeries('inspection', 'merged-tokens', 'last'),
        identity: 'artefact',
        tolerance: 0.1,
      },
    ],
    headline: ['merged-tokens'],
    claims: [{ of: 'faster', removed: [{ metric: 'merged-tokens', word: 'shorter' }, ...smaller], possible: null }],
  }),
};
const optimizations: readonly Pick<Optimization, 'benchmark'>[] = [...builtinOptimizations, { benchmark: tokenMerging }];

describe('an optimization that the registry has besides', () => {
  const defaults = configDefaultsOf(optimizations);
  const [usual, files] = [generatedFiles(root), generatedFiles(root, optimizations)];
  const changed = [...files].filter(([path, text]) => usual.get(path) !== text).map(([path]) => path);
  const fileOf = (path: string): string => files.get(path) ?? '';

  it('is measured where the configuration names none, and can be set', () => {
    const ids = (text: string) => parseConfig(text, 'gate.yml', defaults).optimizations.map(({ id }) => id);
    expect(ids('gate: { alpha: 0.01 }')).toEqual([...builtinOptimizations.map(({ benchmark }) => benchmark.id), 'token-merging']);
    expect(ids('optimizations: [{ id: streaming }]')).toEqual(['streaming']);
    const set = applyOverrides(defaultConfig(defaults), ['optimizations.token-merging.with.share=0.5'], defaults);
    expect(set.optimizations.at(-1)).toMatchObject({ id: 'token-merging', options: { share: 0.5 } });
    expect(() =>
      applyOverrides(defaultConfig(configDefaultsOf(builtinOptimizations)), ['optimizations.token-merging.with.share=0.5'], defaults),
    ).toThrow(expect.objectContaining({ code: 'config-unknown-key' }));
  });

  it('is a default of the published schema', () => {
    const schema = JSON.parse(fileOf('schemas/optimization-gate.schema.json'));
    expect(schema.properties.optimizations.default.at(-1)).toEqual({ id: 'token-merging' });
    expect(z.fromJSONSchema(schema).safeParse({}).success).toBe(true);
  });

  it('stands in every table and count of the documentation, and changes nothing else', () => {
    expect(changed.toSorted()).toEqual([
      'README.md',
      'docs/configuration.md',
      'docs/metrics.md',
      'docs/plug-ins.md',
      'schemas/optimization-gate.schema.json',
    ]);
    const [was, is] = [builtinOptimizations.length, optimizations.length];
    expect(fileOf('README.md')).toContain(`Built: ${is} optimizations on 4 [miniature models](models/README.md), ${4 * is} cells.`);
    expect(fileOf('README.md')).toContain(`Of these ${4 * was + 1} apply with default options.`);
    expect(fileOf('README.md')).toContain(
      '| `token-merging` | joins neighbouring tokens whose keys are alike | the reference model with all tokens |',
    );
    expect(fileOf('docs/metrics.md')).toMatch(
      /^### Token merging `token-merging`\n\nAll shared metrics\.\n\nAnd its own:\n\n[^#]*`merged-tokens`/m,
    );
    expect(fileOf('docs/plug-ins.md')).toMatch(/^\| a build \| .*`token-merging`.* \|$/m);
    expect(fileOf('docs/configuration.md')).toContain('### Token merging `token-merging`');
    expect(fileOf('docs/configuration.md')).toContain('{"id":"token-merging"}');
  });
});
