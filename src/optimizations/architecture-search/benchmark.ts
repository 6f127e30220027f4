import type { Benchmark } from '../../contract/benchmark.ts';
import { againstReference, ofSeries } from '../../contract/shared-metrics.ts';
import type { MetricSpec, OperatingPoint } from '../../records/metric.ts';
import type { ModelFacts } from '../../records/serving.ts';
import { draws } from '../serving/draws.ts';
import { poolExchanges } from './exchange.ts';
import { membersPoint } from './member-times.ts';
import { type SearchOptions, searchOptions } from './options.ts';
import { fullModel, poolOf } from './pool.ts';

const arms: OperatingPoint['arms'] = ['reference', 'base', 'head'];

/** Each draw searches anew: what a search offers depends on chance too. */
const enough = { ...draws.enough, within: { ...draws.enough.within, efficiency: 0.005 } };

const points: readonly OperatingPoint[] = [
  { id: 'replay-drift', kind: 'episode', setting: null, exact: true, ...draws, enough, warmUp: 0, arms },
  { id: 'live-drift', kind: 'episode', setting: null, exact: false, rounds: 1, warmUp: 0, arms },
  { id: membersPoint, kind: 'episode', setting: null, exact: false, rounds: 4, warmUp: 0, arms: ['base', 'head'] },
];

const drifted = (
  point: string,
  { kind, role }: Pick<MetricSpec, 'kind' | 'role'>,
  { vision }: Pick<ModelFacts, 'vision'>,
): readonly MetricSpec[] => {
  const shared = { kind, identity: 'artefact' } as const;
  return [
    {
      ...shared,
      id: 'adaptive-goodput',
      unit: 'requests/s',
      better: 'higher',
      role,
      scale: 'log',
      from: ofSeries(point, 'goodput', 'mean'),
      tolerance: 0.02,
    },
    {
      ...shared,
      id: 'served-nll-delta',
      unit: vision ? 'nats/character' : 'nats/token',
      better: 'lower',
      role,
      scale: 'linear',
      from: ofSeries(point, 'nll-delta', 'mean'),
      tolerance: 0.01,
    },
    {
      ...shared,
      id: 'adaptation-time',
      unit: 'ms',
      better: 'lower',
      role,
      scale: 'log',
      from: ofSeries(point, 'adaptation-ms', 'mean'),
      tolerance: 0.05,
    },
    {
      ...shared,
      id: 'missed-phases',
      unit: '%',
      better: 'lower',
      role: role === 'gate' ? 'described' : role,
      scale: 'linear',
      from: ofSeries(point, 'missed-phases', 'mean'),
      tolerance: 1,
    },
    {
      ...shared,
      id: 'performance-gain',
      unit: '×',
      better: 'higher',
      role: role === 'gate' ? 'described' : role,
      scale: 'log',
      from: againstReference(point, 'goodput', 'mean', 'ratio'),
      tolerance: 0.03,
    },
  ];
};

const metricsOf = (model: ModelFacts): readonly MetricSpec[] => [
  ...drifted('replay-drift', { kind: 'exact', role: 'gate' }, model),
  ...drifted('live-drift', { kind: 'timing', role: 'advisory' }, model),
  {
    id: 'member-latency',
    unit: 'ms',
    better: 'lower',
    kind: 'timing',
    role: 'gate',
    scale: 'log',
    from: ofSeries(membersPoint, 'member-ms', 'median'),
    identity: 'artefact',
    tolerance: 0.02,
  },
  {
    id: 'pool-size',
    unit: 'bytes',
    better: 'lower',
    kind: 'exact',
    role: 'gate',
    scale: 'log',
    from: ofSeries('replay-drift', 'bytes', 'last'),
    identity: 'artefact',
    tolerance: 0.001,
  },
  {
    id: 'architecture-efficiency',
    unit: 'share',
    better: 'higher',
    kind: 'exact',
    role: 'gate',
    scale: 'linear',
    from: ofSeries('replay-drift', 'efficiency', 'mean'),
    identity: 'artefact',
    tolerance: 0.02,
  },
];

/**
 * Continuous architecture search: a pool of sub-networks of different depth and width, a search that finds the best of them with fewer
 * trials than there are members, and a controller that swaps them while a latency budget drifts. The reference is the best single variant
 * of base's pool on the same requests. Judged in replay of the times that the pool was recorded with, over many draws of requests, the same
 * for all arms; once more with real requests and real swaps, for show. Members that head builds as other bytes than base are timed beside
 * those, since a record knows nothing of them but their multiply-adds.
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
