import type { Benchmark } from '../../contract/benchmark.ts';
import { againstReference, ofSeries } from '../../contract/shared-metrics.ts';
import type { MetricSpec, OperatingPoint } from '../../records/metric.ts';
import type { ModelFacts } from '../../records/serving.ts';
import { poolExchanges } from './exchange.ts';
import { type SearchOptions, searchOptions } from './options.ts';
import { fullModel, poolOf } from './pool.ts';

const arms: OperatingPoint['arms'] = ['reference', 'base', 'head'];

const points: readonly OperatingPoint[] = [
  { id: 'search', kind: 'episode', setting: null, exact: true, rounds: 1, warmUp: 0, arms },
  { id: 'drift', kind: 'episode', setting: null, exact: false, rounds: 1, warmUp: 0, arms },
];

const metricsOf = ({ vision }: Pick<ModelFacts, 'vision'>): readonly MetricSpec[] => [
  {
    id: 'adaptive-goodput',
    unit: 'requests/s',
    better: 'higher',
    kind: 'timing',
    role: 'gate',
    scale: 'log',
    from: ofSeries('drift', 'goodput', 'mean'),
    identity: 'artefact',
    tolerance: 0.03,
  },
  {
    id: 'served-nll-delta',
    unit: vision ? 'nats/character' : 'nats/token',
    better: 'lower',
    kind: 'timing',
    role: 'gate',
    scale: 'linear',
    from: ofSeries('drift', 'nll-delta', 'mean'),
    identity: 'artefact',
    tolerance: 0.02,
  },
  {
    id: 'adaptation-time',
    unit: 'ms',
    better: 'lower',
    kind: 'timing',
    role: 'gate',
    scale: 'log',
    from: ofSeries('drift', 'adaptation-ms', 'mean'),
    identity: 'artefact',
    tolerance: 0.05,
  },
  {
    id: 'performance-gain',
    unit: '×',
    better: 'higher',
    kind: 'timing',
    role: 'described',
    scale: 'log',
    from: againstReference('drift', 'goodput', 'mean', 'ratio'),
    identity: 'artefact',
    tolerance: 0.03,
  },
  {
    id: 'architecture-efficiency',
    unit: 'share',
    better: 'higher',
    kind: 'exact',
    role: 'described',
    scale: 'linear',
    from: ofSeries('search', 'efficiency', 'last'),
    identity: 'artefact',
    tolerance: 0.02,
  },
];

/**
 * Continuous architecture search: a pool of sub-networks of different depth and width, a search that finds the best of them with fewer
 * trials than there are members, and a controller that swaps them while a latency budget drifts. The reference is the best single variant
 * of base's pool on the same requests; its own and all other swaps are real, and inside the clock.
 */
export const architectureSearchBenchmark: Benchmark<SearchOptions> = {
  id: 'architecture-search',
  title: 'Continuous architecture search',
  does: 'cuts a pool of sub-networks of different depth and width, searches it with fewer trials than it has members, and swaps them while a latency budget drifts',
  comparedWith: 'the best single variant on the same requests; the front of the whole pool',
  options: searchOptions,
  needs: ['build', 'policy'],
  applies: (model, options) => {
    if (model.quantized) return { status: 'unsupported-export', reason: 'quantized blocks cannot be cut; search before quantizing' };
    if (poolOf(model, options).length < 2) return { status: 'not-applicable', reason: 'one variant leaves nothing to search' };
    return true;
  },
  workload: (model, options) => ({
    variants: Object.fromEntries(
      poolOf(model, options)
        .filter(({ name }) => name !== fullModel)
        .map(({ name, shape }) => [name, { options, variant: shape }]),
    ),
    points,
    metrics: metricsOf(model),
    headline: ['adaptive-goodput', 'adaptation-time', 'served-nll-delta'],
  }),
  exchanges: poolExchanges,
  player: async () => (await import('./play.ts')).searchPlayer,
  tunes: 'shared',
};
