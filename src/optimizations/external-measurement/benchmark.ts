import type { Benchmark, Workload } from '../../contract/benchmark.ts';
import { sharedMetrics } from '../../contract/shared-metrics.ts';
import type { MetricSpec } from '../../records/metric.ts';
import type { Json } from '../../records/words.ts';

/** A metric that a user's own program reports. */
export interface ExternalMetric extends Pick<MetricSpec, 'id' | 'unit' | 'better' | 'kind' | 'role' | 'scale'> {}

/** How the cell of an external measurement calls its benchmark. */
const externalMeasurement = 'external-measurement';

/** Answers of one launch, as many as a call point has … */
const rounds = 60;
/** … after these, which are dropped. */
const warmUp = 3;

const shared = new Map(sharedMetrics({ vision: false }).map((metric) => [metric.id, metric]));

/** A metric that is called like a shared one stands where that stands in a report. */
const placeOf = ({ id }: ExternalMetric): Pick<MetricSpec, 'column' | 'pairedWith'> => {
  const { column, pairedWith } = shared.get(id) ?? {};
  return { ...(column === undefined ? {} : { column }), ...(pairedWith === undefined ? {} : { pairedWith }) };
};

/** What decides before what is only shown, times before exact numbers, and of those the program's own first. */
const headlineOf = (metrics: readonly ExternalMetric[]): readonly string[] => {
  const rank = ({ id, role, kind }: ExternalMetric): number =>
    (role === 'gate' ? 0 : 4) + (kind === 'timing' ? 0 : 2) + (kind === 'exact' && shared.has(id) ? 1 : 0);
  return metrics.toSorted((a, b) => rank(a) - rank(b)).map(({ id }) => id);
};

/** One point whose rounds give all metrics; nothing is built. */
export const externalWorkload = (metrics: readonly ExternalMetric[]): Workload => ({
  variants: {},
  points: [{ id: 'rounds', kind: 'external', series: metrics.map(({ id }) => id), rounds, warmUp, arms: ['base', 'head'] }],
  metrics: metrics.map(
    (metric): MetricSpec => ({
      ...metric,
      // The median would hide what an exact metric does in less than half of the rounds.
      from: { of: 'series', point: 'rounds', series: metric.id, over: metric.kind === 'exact' ? 'mean' : 'median' },
      identity: 'code',
      tolerance: metric.kind === 'exact' || metric.scale === 'linear' ? 0 : 0.02,
      ...placeOf(metric),
    }),
  ),
  headline: headlineOf(metrics),
});

/**
 * The benchmark of a program that measures by itself (`measure:`): base's and head's are asked round by round, in a drawn order. It has no
 * reference model, since only the program knows what that would be. Tolerances: 2 % or, for linear metrics, none, unless the policy says otherwise.
 */
export const externalBenchmark = (metrics: readonly ExternalMetric[]): Benchmark => ({
  id: externalMeasurement,
  title: 'External measurement',
  does: 'nothing of its own: the program measures by itself',
  comparedWith: 'the same program of base',
  options: { json: {}, parse: (value) => value as Json },
  needs: ['policy'],
  applies: () => true,
  workload: () => externalWorkload(metrics),
});
