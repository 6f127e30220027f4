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
import type { MetricSpec, OperatingPoint } from '../../records/metric.ts';
import type { ModelFacts } from '../../records/serving.ts';
import type { ArmId } from '../../records/words.ts';
import { densityOf, type SparsityOptions, sparsityOptions } from './options.ts';

const plain: ArmId = 'comparator:dense-with-zeros';
/** The call that speed-ups are told of. */
const [prefill, tokens] = ['prefill-256', 256];

const points = (options: SparsityOptions): readonly OperatingPoint[] => {
  const density = densityOf(options);
  const pattern = 'zeros' in density ? null : density;
  return sharedPoints().map((point) => {
    if (point.kind === 'inspection') return { ...point, arms: [...point.arms, plain], sparse: { target: options.target, pattern, tokens } };
    return point.id === prefill ? { ...point, arms: [...point.arms, plain] } : point;
  });
};

const exact = { kind: 'exact', role: 'described', identity: 'artefact' } as const;

const conformity: MetricSpec = {
  ...exact,
  id: 'pattern-conformity',
  unit: '%',
  better: 'higher',
  role: 'gate',
  scale: 'linear',
  from: ofSeries('inspection', 'pattern-conformity', 'last'),
  tolerance: 0,
};

const own: readonly MetricSpec[] = [
  {
    ...exact,
    id: 'sparsity',
    unit: '%',
    better: 'higher',
    scale: 'linear',
    from: ofSeries('inspection', 'sparsity', 'last'),
    tolerance: 0.1,
  },
  {
    ...exact,
    id: 'theoretical-speedup',
    unit: '×',
    better: 'higher',
    scale: 'log',
    from: againstReference('inspection', 'nonzero-multiply-adds', 'last', 'speed-up'),
    tolerance: 0.001,
  },
  {
    id: 'realized-efficiency',
    unit: '0–1',
    better: 'higher',
    kind: 'timing',
    role: 'described',
    scale: 'linear',
    from: { of: 'realized', measured: 'prefill-speedup', possible: 'theoretical-speedup' },
    identity: 'artefact',
    tolerance: 0.1,
  },
  {
    ...exact,
    id: 'size-under-dense-with-zeros',
    unit: '%',
    better: 'higher',
    scale: 'linear',
    from: { of: 'against', arm: plain, point: 'inspection', series: 'bytes', over: 'last', as: 'percent-removed' },
    tolerance: 0.1,
  },
  {
    id: 'speed-over-dense-with-zeros',
    unit: '×',
    better: 'higher',
    kind: 'timing',
    role: 'described',
    scale: 'log',
    from: { of: 'against', arm: plain, point: prefill, series: 'wall-ms', over: 'median', as: 'speed-up' },
    identity: 'artefact',
    tolerance: 0.02,
  },
];

const hasWeights = ({ vision }: Pick<ModelFacts, 'vision'>, { target }: SparsityOptions): boolean => target !== 'vision' || vision;

/**
 * Sparse networks: weights at zero, judged against the dense model. Pattern and zeros are counted in the files of each arm, whatever its builder
 * says. The comparator is the same artefact with its zeros stored as plain numbers: on a runtime without sparse kernels both are as fast as
 * the dense model.
 */
export const sparseNetworkBenchmark: Benchmark<SparsityOptions> = {
  id: 'sparse-network',
  title: 'Sparse neural networks',
  does: 'sets weights to zero in a pattern N:M or unstructured, by weight × norm of its input (Wanda), refits the weights that stay by least squares, and packs the zeros',
  comparedWith: 'the reference model; as a comparator, the same zeros stored as plain numbers',
  options: sparsityOptions,
  needs: ['build'],
  applies: (model, options) => {
    if (model.quantized)
      return { status: 'unsupported-export', reason: 'zeros of quantized blocks are not counted; sparsify before quantizing' };
    return hasWeights(model, options) ? true : { status: 'not-applicable', reason: 'the model has no vision tower' };
  },
  workload: (model, options) => ({
    variants: {
      main: { options },
      'dense-with-zeros': {
        optimization: 'sparse-network',
        on: 'main',
        // Nothing more becomes zero: only how the zeros are stored changes.
        options: { target: 'all', pattern: 'unstructured', sparsity: 0, importance: 'magnitude', refit: false, storage: 'dense' },
      },
    },
    comparators: { 'dense-with-zeros': 'dense-with-zeros' },
    points: points(options),
    metrics: [...sharedMetrics(model), ...(options.pattern === 'unstructured' ? [] : [conformity]), ...own],
    headline: [
      ...speedHeadline,
      ...(options.pattern === 'unstructured' ? [] : [conformity.id]),
      ...costHeadline,
      'speed-over-dense-with-zeros',
      'realized-efficiency',
      'theoretical-speedup',
      ...captionHeadline(model),
      'sparsity',
    ],
    claims: [{ of: 'faster', removed: [{ metric: 'sparsity', word: 'sparser' }, ...smaller], possible: 'theoretical-speedup' }],
  }),
};
