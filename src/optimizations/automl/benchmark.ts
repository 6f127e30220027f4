import type { Benchmark, BuildSpec } from '../../contract/benchmark.ts';
import { ofSeries } from '../../contract/shared-metrics.ts';
import type { MetricSpec, OperatingPoint } from '../../records/metric.ts';
import type { ModelFacts } from '../../records/serving.ts';
import type { Json } from '../../records/words.ts';
import { structuredPruningBenchmark } from '../structured-pruning/benchmark.ts';
import { tensorDecompositionBenchmark } from '../tensor-decomposition/benchmark.ts';
import { configurationExchange } from './exchange.ts';
import { type AutomlOptions, automlOptions, type variantNames } from './options.ts';
import { configurationsOf, spaceOf } from './space.ts';

/** What an entry of another optimization with these options builds: the same build, made once for both. */
const buildOf = <Options>(benchmark: Benchmark<Options>, model: ModelFacts, options: Json): BuildSpec => ({
  optimization: benchmark.id,
  options: benchmark.workload(model, benchmark.options.parse(options, benchmark.id)).variants['main']?.options ?? options,
  // What cannot be built (of a quantized model, say) is no choice.
  mayFail: 'where-base-does',
});

const buildsOf = (model: ModelFacts): Readonly<Record<(typeof variantNames)[number], BuildSpec>> => ({
  'pruned-25': buildOf(structuredPruningBenchmark, model, { ratio: 0.25 }),
  'pruned-50': buildOf(structuredPruningBenchmark, model, { ratio: 0.5 }),
  factored: buildOf(tensorDecompositionBenchmark, model, {}),
});

const arms: OperatingPoint['arms'] = ['reference', 'base', 'head'];
/** Searches depend on chance as no trace does: one that finds the best at its second trial tries ten others another time. */
const draws = { rounds: 1000, enough: { within: { trials: 0.02, 'found-ms': 0.005 }, least: 24 } } as const;
const points: readonly OperatingPoint[] = [
  { id: 'replay', kind: 'episode', setting: null, exact: true, ...draws, warmUp: 0, arms },
  { id: 'found', kind: 'episode', setting: null, exact: false, rounds: 1, warmUp: 0, arms },
];

const metricsOf = ({ vision }: Pick<ModelFacts, 'vision'>): readonly MetricSpec[] => [
  {
    id: 'regret',
    unit: '%',
    better: 'lower',
    kind: 'exact',
    role: 'gate',
    scale: 'linear',
    from: ofSeries('replay', 'regret', 'mean'),
    identity: 'artefact',
    tolerance: 1,
  },
  {
    id: 'regret-by-chance',
    unit: '%',
    better: 'lower',
    kind: 'exact',
    role: 'described',
    scale: 'linear',
    from: ofSeries('replay', 'regret-by-chance', 'mean'),
    identity: 'artefact',
    tolerance: 1,
  },
  {
    id: 'found-latency',
    unit: 'ms',
    better: 'lower',
    kind: 'timing',
    role: 'advisory',
    scale: 'log',
    from: ofSeries('found', 'found-ms', 'median'),
    identity: 'artefact',
    tolerance: 0.02,
  },
  {
    id: 'found-nll-delta',
    unit: vision ? 'nats/character' : 'nats/token',
    better: 'lower',
    kind: 'exact',
    role: 'gate',
    scale: 'linear',
    from: ofSeries('replay', 'nll-delta', 'max'),
    identity: 'artefact',
    tolerance: 0.005,
  },
  {
    id: 'configuration-trials',
    unit: 'count',
    better: 'lower',
    kind: 'exact',
    role: 'gate',
    scale: 'log',
    from: ofSeries('replay', 'trials', 'mean'),
    identity: 'artefact',
    tolerance: 0.1,
  },
  {
    id: 'optimization-quality',
    unit: 'share',
    better: 'higher',
    kind: 'exact',
    role: 'described',
    scale: 'linear',
    from: ofSeries('replay', 'quality', 'mean'),
    identity: 'artefact',
    tolerance: 0.02,
  },
  {
    id: 'automation-level',
    unit: '%',
    better: 'higher',
    kind: 'exact',
    role: 'described',
    scale: 'linear',
    from: ofSeries('replay', 'automation', 'mean'),
    identity: 'artefact',
    tolerance: 1,
  },
  {
    id: 'configuration-time',
    unit: 's',
    better: 'lower',
    kind: 'timing',
    role: 'described',
    scale: 'log',
    from: ofSeries('found', 'search-seconds', 'median'),
    identity: 'artefact',
    tolerance: 0.05,
  },
];

/**
 * Automated configuration: a search over models and settings of the runtime for the fastest that keeps a bound on quality, held against the
 * default and against an exhaustive search of base's space. Judged in replay, over many seeds: each search has a record that is drawn from what the
 * exhaustive one measured, with other times and other names, so that nothing is to be known by heart. One search makes its
 * trials for real, and what it found is timed, for show. A search that breaks the bound is seen twice: by `found-nll-delta`, and by being given the
 * default's latency.
 */
export const automlBenchmark: Benchmark<AutomlOptions> = {
  id: 'automl',
  title: 'Automated configuration',
  does: 'a search guided by expected improvement over models (pruned, factored) and settings of the runtime, under a bound on loss',
  comparedWith: "the default, and an exhaustive search of base's space",
  options: automlOptions,
  needs: ['policy'],
  applies: (_model, options) =>
    configurationsOf(spaceOf(options, options.variants)).length < 3
      ? { status: 'not-applicable', reason: 'fewer than three configurations leave nothing to search' }
      : true,
  workload: (model, { variants }) => {
    const builds = buildsOf(model);
    return {
      variants: Object.fromEntries(variants.map((name) => [name, builds[name]])),
      points,
      metrics: metricsOf(model),
      headline: ['found-latency', 'regret', 'found-nll-delta', 'configuration-trials'],
    };
  },
  exchanges: [configurationExchange],
  player: async () => (await import('./play.ts')).automlPlayer,
  // A configuration of two threads would be timed beside one that takes the second processor.
  tunes: 'alone',
};
