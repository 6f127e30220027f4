import type { Benchmark } from '../../contract/benchmark.ts';
import {
  againstReference,
  captionHeadline,
  costHeadline,
  ofSeries,
  sharedMetrics,
  sharedPoints,
  smaller,
  speedHeadline,
} from '../../contract/shared-metrics.ts';
import type { MetricSpec } from '../../records/metric.ts';
import { type DecompositionOptions, decompositionOptions } from './options.ts';

const own: readonly MetricSpec[] = [
  {
    id: 'compression-ratio',
    unit: '×',
    better: 'higher',
    kind: 'exact',
    role: 'described',
    scale: 'log',
    from: againstReference('inspection', 'bytes', 'last', 'speed-up'),
    identity: 'artefact',
    tolerance: 0.001,
  },
  {
    id: 'removed-fraction',
    unit: '%',
    better: 'higher',
    kind: 'exact',
    role: 'described',
    scale: 'linear',
    from: againstReference('inspection', 'parameters', 'last', 'percent-removed'),
    identity: 'artefact',
    tolerance: 0.1,
  },
  {
    id: 'compression-time',
    unit: 's',
    better: 'lower',
    kind: 'timing',
    role: 'described',
    scale: 'log',
    from: ofSeries('build', 'seconds', 'last'),
    identity: 'code',
    tolerance: 0.1,
  },
];

/**
 * Tensor decomposition: low-rank factors in place of matrices, Tucker-2 for stacked experts. Judged against the dense model, whose files those
 * of head must be smaller than, whoever built it.
 */
export const tensorDecompositionBenchmark: Benchmark<DecompositionOptions> = {
  id: 'tensor-decomposition',
  title: 'Tensor decomposition',
  does: 'replaces linears by two factors (truncated SVD weighed by activations, the second refitted) and stacked experts by Tucker-2, only where that saves',
  comparedWith: 'the reference model',
  options: decompositionOptions,
  needs: ['build'],
  applies: (model, { target }) => {
    if (model.quantized)
      return { status: 'unsupported-export', reason: 'quantized blocks cannot be factored; decompose before quantizing' };
    return target === 'vision' && !model.vision ? { status: 'not-applicable', reason: 'the model has no vision tower' } : true;
  },
  workload: (model, options) => ({
    variants: { main: { options: optionsJson(options) } },
    points: sharedPoints().map((point) => (point.kind === 'inspection' ? { ...point, compressed: true } : point)),
    metrics: [...sharedMetrics(model), ...own],
    headline: [...speedHeadline, ...costHeadline, 'compression-time', 'compression-ratio', ...captionHeadline(model), 'removed-fraction'],
    claims: [
      { of: 'faster', removed: [...smaller, { metric: 'removed-fraction', word: 'smaller' }], possible: null },
      { of: 'compressed', ratio: 'compression-ratio' },
    ],
  }),
};

/** The options as the user wrote them: a build parses its options again. */
const optionsJson = ({ target, aware, refit, multiple, rank }: DecompositionOptions) => ({
  target,
  aware,
  refit,
  multiple,
  ...(rank.by === 'energy' ? { energy: rank.keep } : { 'rank-ratio': rank.share }),
});
