import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseModelConfig, readJsonFile } from '../../src/models/config.ts';
import { modelFacts } from '../../src/models/facts.ts';
import { structuredPruningBenchmark as benchmark } from '../../src/optimizations/structured-pruning/benchmark.ts';
import { exactPart } from './exact-plan.ts';

const file = join(import.meta.dirname, '..', '..', 'models', 'mini-qwen3-dense', 'config.json');
const workload = benchmark.workload(
  modelFacts('mini-qwen3-dense', '', parseModelConfig(readJsonFile(file), file), true),
  benchmark.options.parse({}, 'with'),
);

it('keeps the points that one launch answers, with their metrics, but for those that are switched off', () => {
  const whole = exactPart(workload);
  expect(whole.points.map(({ kind }) => kind)).toEqual(['evaluation', 'generation', 'inspection', 'build']);
  expect(whole.metrics.map(({ id }) => id)).toEqual(expect.arrayContaining(['nll-delta', 'cached-nll-delta', 'model-size']));
  expect(whole.metrics.map(({ id }) => id)).not.toContain('prefill-latency');
  const blind = exactPart(workload, ['nll-delta']);
  expect(blind.points).toEqual(whole.points);
  expect(blind.metrics).toEqual(whole.metrics.filter(({ id }) => id !== 'nll-delta'));
});
