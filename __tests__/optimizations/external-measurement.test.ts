import { expect, it } from 'vitest';
import { type ExternalMetric, externalBenchmark } from '../../src/optimizations/external-measurement/benchmark.ts';
import { textFacts } from '../testkit/model-facts.ts';

const metric = (id: string, kind: ExternalMetric['kind'], role: ExternalMetric['role'] = 'gate'): ExternalMetric => ({
  id,
  unit: 'ms',
  better: 'lower',
  kind,
  role,
  scale: 'log',
});
const workloadOf = (...metrics: readonly ExternalMetric[]) => externalBenchmark(metrics).workload(textFacts, {});

it('is known by what decides, times first, its own exact numbers before those that all models have', () => {
  const found = workloadOf(
    metric('shown', 'timing', 'described'),
    metric('model-size', 'exact'),
    metric('blocks', 'exact'),
    metric('step', 'timing'),
    metric('first', 'timing'),
  );
  expect(found.headline).toEqual(['step', 'first', 'blocks', 'model-size', 'shown']);
});

it('puts a metric of a shared name where that stands in reports, and claims nothing', () => {
  const { metrics, claims } = workloadOf(metric('decode-latency', 'timing'), metric('nll-delta', 'exact'), metric('sparsity', 'exact'));
  expect(metrics.map(({ column, pairedWith }) => [column, pairedWith])).toEqual([
    ['decode', 'decode-speedup'],
    ['quality', undefined],
    [undefined, undefined],
  ]);
  expect(claims).toBeUndefined();
});
