import type { Benchmark } from '../contract/benchmark.ts';
import type { MetricSpec } from '../records/metric.ts';
import type { Json } from '../records/words.ts';

/** A metric that a user's own program reports. */
export interface ExternalMetric extends Pick<MetricSpec, 'id' | 'unit' | 'better' | 'kind' | 'role' | 'scale'> {}

/** How the cell of an external measurement calls its benchmark. */
export const externalMeasurement = 'external-measurement';

/** Answers of one launch, as many as a call point has … */
const rounds = 60;
/** … after these, which are dropped. */
const warmUp = 3;

/**
 * The benchmark of a program that measures by itself (`measure:`): base's and head's are asked round by round, in a drawn order. It has no
 * reference model, since only the program knows what that would be. Tolerances: 2 % or, for linear metrics, none, unless the policy says otherwise.
 */
export const externalBenchmark = (metrics: readonly ExternalMetric[]): Benchmark => ({
  id: externalMeasurement,
  title: 'External measurement',
  options: { json: {}, parse: (value) => value as Json },
  needs: ['policy'],
  applies: () => true,
  workload: () => ({
    variants: {},
    points: [{ id: 'rounds', kind: 'external', series: metrics.map(({ id }) => id), rounds, warmUp, arms: ['base', 'head'] }],
    metrics: metrics.map(
      (metric): MetricSpec => ({
        ...metric,
        // The median would hide what an exact metric does in less than half of the rounds.
        from: { of: 'series', point: 'rounds', series: metric.id, over: metric.kind === 'exact' ? 'mean' : 'median' },
        identity: 'code',
        tolerance: metric.kind === 'exact' || metric.scale === 'linear' ? 0 : 0.02,
      }),
    ),
  }),
});
