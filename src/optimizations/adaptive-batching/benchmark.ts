import type { Benchmark } from '../../contract/benchmark.ts';
import { againstReference, ofSeries } from '../../contract/shared-metrics.ts';
import type { MetricSpec, OperatingPoint } from '../../records/metric.ts';
import { draws } from '../serving/draws.ts';
import { batchingExchange } from './exchange.ts';
import { type BatchingOptions, batchingOptions } from './options.ts';
import { type LoadShape, played, shapes } from './workload.ts';

const arms: OperatingPoint['arms'] = ['reference', 'base', 'head', 'comparator:batch-1'];

const replayOf = (shape: LoadShape): OperatingPoint => ({
  id: `replay-${shape}`,
  kind: 'episode',
  setting: { shape, ...played },
  exact: true,
  ...draws,
  warmUp: 0,
  arms,
});

/** The same with real executions, once: shows that the replay is true. */
const liveOf = (shape: LoadShape): OperatingPoint => ({
  id: `live-${shape}`,
  kind: 'episode',
  setting: { shape, ...played },
  exact: false,
  rounds: 1,
  warmUp: 0,
  arms,
});

const metricsOf = ({ id: point }: OperatingPoint, { kind, role }: Pick<MetricSpec, 'kind' | 'role'>): readonly MetricSpec[] => {
  const shared = { kind, identity: 'artefact' } as const;
  const shown = role === 'gate' ? 'described' : role;
  return [
    {
      ...shared,
      id: 'goodput',
      unit: 'requests/s',
      better: 'higher',
      role,
      scale: 'log',
      from: ofSeries(point, 'goodput', 'mean'),
      tolerance: 0.02,
    },
    {
      ...shared,
      id: 'latency-p50',
      unit: 'ms',
      better: 'lower',
      role,
      scale: 'log',
      from: ofSeries(point, 'latency-p50', 'mean'),
      tolerance: 0.03,
    },
    {
      ...shared,
      id: 'latency-p99',
      unit: 'ms',
      better: 'lower',
      role: shown,
      scale: 'log',
      from: ofSeries(point, 'latency-p99', 'mean'),
      tolerance: 0.05,
    },
    {
      ...shared,
      id: 'slo-attainment',
      unit: '%',
      better: 'higher',
      role,
      scale: 'linear',
      from: ofSeries(point, 'slo-attainment', 'mean'),
      tolerance: 1,
    },
    {
      ...shared,
      id: 'regret',
      unit: '%',
      better: 'lower',
      role: shown,
      scale: 'linear',
      from: againstReference(point, 'goodput', 'mean', 'percent-removed'),
      tolerance: 3,
    },
    {
      ...shared,
      id: 'utilization',
      unit: '%',
      better: 'higher',
      role: shown,
      scale: 'linear',
      from: ofSeries(point, 'utilization', 'mean'),
      tolerance: 2,
    },
  ];
};

/**
 * Adaptive batch size: a policy chooses each batch of a queue, on steady, rising and bursting arrivals, each at 0.7, 0.95 and 1.2
 * times the capacity. The reference is the best fixed batch on the same arrivals, and batch 1 is a second comparator. A request is in
 * time within three times what one takes alone. Judged in replay of the load test, over many draws of arrivals, the same for all
 * arms; once more with real executions, for show.
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
    points: [...shapes.map(replayOf), ...shapes.map(liveOf)],
    metrics: [
      ...shapes.flatMap((shape) => metricsOf(replayOf(shape), { kind: 'exact', role: 'gate' })),
      ...shapes.flatMap((shape) => metricsOf(liveOf(shape), { kind: 'timing', role: 'advisory' })),
    ],
    headline: ['goodput', 'latency-p50', 'slo-attainment'],
  }),
  exchanges: [batchingExchange],
  player: async () => (await import('./play.ts')).batchingPlayer,
  tunes: 'shared',
};
