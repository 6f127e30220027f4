import { describe, expect, it } from 'vitest';
import { pointIdOf } from '../../../src/gate/metric-key.ts';
import { beforeAfterBenchmark } from '../../../src/optimizations/before-after/benchmark.ts';
import { metricSpec } from '../../../src/records/metric.ts';
import { denseFacts } from '../miniature.ts';

const workload = (value: object = {}) => beforeAfterBenchmark.workload(denseFacts, beforeAfterBenchmark.options.parse(value, 'with'));

describe('the benchmark', () => {
  it('builds, runs and judges nothing of its own', () => {
    const { variants, points, metrics } = workload();
    expect([variants, points, beforeAfterBenchmark.needs, beforeAfterBenchmark.player]).toEqual([{}, [], [], undefined]);
    expect(metrics.every((metric) => metricSpec.parse(metric).role === 'described')).toBe(true);
    expect(metrics.map((metric) => `${metric.id}@${pointIdOf(metric)}`)).toEqual([
      'improvement@model',
      'improvement@prefill-256',
      'improvement@decode-b1',
      'improvement@decode-b8',
      'regression-detection@false-alarms',
      'regression-detection@smallest-detectable',
      'break-even-tokens@model',
      'roi@model',
    ]);
  });

  it('takes points, the volume and the saving that pays', () => {
    const { metrics } = workload({ points: ['p', 'p'], tokens: 1000, saving: 'prefill-latency' });
    expect(metrics.filter(({ id }) => id === 'improvement').map(pointIdOf)).toEqual(['model', 'p']);
    expect(metrics.find(({ id }) => id === 'roi')?.from).toEqual({ of: 'roi', saving: 'prefill-latency', tokens: 1000 });
  });
});
