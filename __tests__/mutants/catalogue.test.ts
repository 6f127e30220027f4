import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseModelConfig, readJsonFile } from '../../src/models/config.ts';
import { modelFacts } from '../../src/models/facts.ts';
import { builtinOptimizations } from '../../src/optimizations/registry.ts';
import { catalogues } from './catalogue.ts';
import { exactPart } from './exact-plan.ts';

const repository = join(import.meta.dirname, '..', '..');
const planted = catalogues.flatMap(({ mutants, placebos }) => [...mutants, ...placebos]);

describe('the catalogue of mutants', () => {
  it('holds at least six mutants of every optimization that has code, and ten of what serves', () => {
    const judged = builtinOptimizations.filter(({ benchmark }) => benchmark.needs.length > 0).map(({ benchmark }) => benchmark.id);
    expect(new Set(catalogues.map(({ optimization }) => optimization))).toEqual(new Set(judged));
    for (const { optimization, mutants } of catalogues) expect(mutants.length, optimization).toBeGreaterThanOrEqual(6);
    expect(catalogues.at(-1)?.mutants.length).toBeGreaterThanOrEqual(10);
  });

  it('has one id for each', () => {
    const ids = planted.map(({ id }) => id);
    expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([]);
  });

  it('names only metrics that are tried: exact ones, of which one launch tells all', () => {
    const folder = join(repository, 'models', 'mini-qwen3-dense');
    const facts = modelFacts('mini-qwen3-dense', '', parseModelConfig(readJsonFile(join(folder, 'config.json')), folder), true);
    const tried = builtinOptimizations.flatMap(({ benchmark }) =>
      exactPart(benchmark.workload(facts, benchmark.options.parse({}, 'with'))).metrics.map(({ id }) => id),
    );
    expect(tried).not.toContain('prefill-latency');
    for (const { id, noticedBy } of catalogues.flatMap(({ mutants }) => mutants))
      for (const metric of noticedBy) expect([...tried, 'build', 'other-measure'], id).toContain(metric);
  });

  it.each(planted.map((each) => [each.id, each] as const))('%s edits text that stands once', (_, { edits }) => {
    for (const { file, from, to } of edits) {
      const text = readFileSync(join(repository, file), 'utf8');
      expect(text.split(from).length - 1, `${file}: ${from}`).toBe(1);
      expect(to).not.toBe(from);
    }
  });
});
