import type { Benchmark } from '../../contract/benchmark.ts';
import { againstReference, ofSeries } from '../../contract/shared-metrics.ts';
import type { MetricSpec, OperatingPoint } from '../../records/metric.ts';
import { batchingExchange } from './exchange.ts';
import { type BatchingOptions, batchingOptions } from './options.ts';
import { played, shapes } from './workload.ts';

const timing = { kind: 'timing', identity: 'artefact' } as const;

const metricsOf = (point: string): readonly MetricSpec[] => [
  {
    ...timing,
    id: 'goodput',
    unit: 'requests/s',
    better: 'higher',
    role: 'gate',
    scale: 'log',
    from: ofSeries(point, 'goodput', 'mean'),
    tolerance: 0.03,
  },
  {
    ...timing,
    id: 'latency-p50',
    unit: 'ms',
    better: 'lower',
    role: 'gate',
    scale: 'log',
    from: ofSeries(point, 'latency-p50', 'mean'),
    tolerance: 0.03,
  },
  {
    ...timing,
    id: 'latency-p99',
    unit: 'ms',
    better: 'lower',
    role: 'advisory',
    scale: 'log',
    from: ofSeries(point, 'latency-p99', 'mean'),
    tolerance: 0.05,
  },
  {
    ...timing,
    id: 'slo-attainment',
    unit: '%',
    better: 'higher',
    role: 'gate',
    scale: 'linear',
    from: ofSeries(point, 'slo-attainment', 'mean'),
    tolerance: 2,
  },
  {
    ...timing,
    id: 'regret',
    unit: '%',
    better: 'lower',
    role: 'described',
    scale: 'linear',
    from: againstReference(point, 'goodput', 'mean', 'percent-removed'),
    tolerance: 3,
  },
  {
    ...timing,
    id: 'utilization',
    unit: '%',
    better: 'higher',
    role: 'described',
    scale: 'linear',
    from: ofSeries(point, 'utilization', 'mean'),
    tolerance: 2,
  },
];

/**
 * Adaptive batch size: a policy chooses each batch of a queue whose executions are real and whose clock between them is virtual.
 * Steady, rising and bursting arrivals, each at 0.7, 0.95 and 1.2 times what the best fixed batch serves; the reference is that batch
 * on the same arrivals, and batch 1 is a second comparator. A request is in time within three times what one takes alone.
 */
export const adaptiveBatchingBenchmark: Benchmark<BatchingOptions> = {
  id: 'adaptive-batching',
  title: 'Adaptive batch size',
  does: 'chooses each batch of a queue by deadlines and a load test at the pace of the machine, or by additive increase and multiplicative decrease',
  comparedWith: 'the best fixed batch on the same arrivals, steady, rising and bursting; as a comparator, batch 1',
  options: batchingOptions,
  needs: ['policy'],
  applies: () => true,
  workload: () => ({
    variants: {},
    comparators: { 'batch-1': null },
    points: shapes.map(
      (shape): OperatingPoint => ({
        id: shape,
        kind: 'episode',
        setting: { shape, ...played },
        exact: false,
        rounds: 1,
        warmUp: 0,
        arms: ['reference', 'base', 'head', 'comparator:batch-1'],
      }),
    ),
    metrics: shapes.flatMap(metricsOf),
    headline: ['goodput', 'latency-p50', 'slo-attainment'],
  }),
  exchanges: [batchingExchange],
  player: async () => (await import('./play.ts')).batchingPlayer,
  tunes: 'shared',
};
