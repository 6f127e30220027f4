import type { Benchmark } from '../../contract/benchmark.ts';
import {
  againstReference,
  costHeadline,
  latencyMetrics,
  ofSeries,
  qualityMetrics,
  sharedClaims,
  sharedPoints,
  sizeMetrics,
  soloMetrics,
  speedHeadline,
} from '../../contract/shared-metrics.ts';
import type { MetricSpec, OperatingPoint } from '../../records/metric.ts';
import type { ModelFacts } from '../../records/serving.ts';
import type { ArmId } from '../../records/words.ts';
import { type SparseAttentionOptions, sparseAttentionOptions } from './options.ts';

const arms: readonly ArmId[] = ['reference', 'base', 'head'];
const fixedWindow: ArmId = 'comparator:fixed-window';
const withControl: readonly ArmId[] = [...arms, fixedWindow];
/** Tokens of the two prefills; what is decoded comes after the shorter one. */
const [short, long] = [512, 1024];

const points: readonly OperatingPoint[] = [
  { id: 'prefill-512', kind: 'call', phase: 'prefill', length: short, batch: 1, rounds: 12, warmUp: 1, arms: withControl },
  { id: 'prefill-1024', kind: 'call', phase: 'prefill', length: long, batch: 1, rounds: 8, warmUp: 1, arms },
  { id: 'decode-512-b1', kind: 'call', phase: 'decode', length: short, batch: 1, rounds: 40, warmUp: 5, arms },
  { id: 'decode-512-b8', kind: 'call', phase: 'decode', length: short, batch: 8, rounds: 15, warmUp: 3, arms },
  ...sharedPoints(arms).flatMap((point): readonly OperatingPoint[] => {
    if (point.kind === 'call') return [];
    if (point.kind === 'solo') return [{ ...point, of: 'decode-512-b1' }];
    return [point.kind === 'evaluation' || point.kind === 'inspection' ? { ...point, arms: withControl } : point];
  }),
];

const exact = { kind: 'exact', identity: 'artefact' } as const;

const own = ({ vision }: Pick<ModelFacts, 'vision'>): readonly MetricSpec[] => {
  const unit = vision ? 'nats/character' : 'nats/token';
  return [
    {
      ...exact,
      id: 'late-nll-delta',
      unit,
      better: 'lower',
      role: 'gate',
      scale: 'linear',
      from: againstReference('evaluation', 'late-nll', 'mean', 'difference'),
      tolerance: 0.005,
    },
    {
      ...exact,
      id: 'kv-bytes-per-token',
      unit: 'bytes/token',
      better: 'lower',
      role: 'gate',
      scale: 'log',
      from: ofSeries('inspection', 'kv-bytes-per-token', 'last'),
      tolerance: 0.001,
    },
    {
      ...exact,
      id: 'attention-density',
      unit: '%',
      better: 'lower',
      role: 'described',
      scale: 'linear',
      from: ofSeries('inspection', 'attention-density', 'last'),
      tolerance: 0.1,
    },
    {
      ...exact,
      id: 'nll-over-fixed-window',
      unit,
      better: 'lower',
      role: 'described',
      scale: 'linear',
      from: { of: 'against', arm: fixedWindow, point: 'evaluation', series: 'nll', over: 'mean', as: 'difference' },
      tolerance: 0.005,
    },
    {
      ...exact,
      id: 'kv-bytes-over-fixed-window',
      unit: '×',
      better: 'lower',
      role: 'described',
      scale: 'log',
      from: { of: 'against', arm: fixedWindow, point: 'inspection', series: 'kv-bytes-per-token', over: 'last', as: 'ratio' },
      tolerance: 0.001,
    },
    {
      id: 'speed-over-fixed-window',
      unit: '×',
      better: 'higher',
      kind: 'timing',
      role: 'described',
      scale: 'log',
      from: { of: 'against', arm: fixedWindow, point: 'prefill-512', series: 'wall-ms', over: 'median', as: 'speed-up' },
      identity: 'artefact',
      tolerance: 0.02,
    },
  ];
};

/**
 * Adaptive sparse attention against the runtime's best dense kernel: prefill of 512 and 1024 tokens, steps after 512. The comparator has the same
 * window in every layer, whatever it costs; it is timed where that is cheapest, in the shorter prefill. Keys and scores are counted in the graph, for a text of 1024 tokens.
 */
export const sparseAttentionBenchmark: Benchmark<SparseAttentionOptions> = {
  id: 'sparse-attention',
  title: 'Adaptive sparse attention',
  does: 'gives each layer a window, a window with attention sinks, a window plus every k-th older position, or none of these, within a budget on calibration text; scores are computed in blocks, and the cache keeps only what later queries see',
  comparedWith: 'the reference model; as a comparator, the same window in every layer',
  options: sparseAttentionOptions,
  needs: ['build'],
  applies: (model) =>
    model.context > long
      ? true
      : { status: 'not-applicable', reason: `the context of ${model.context} is shorter than a prefill of ${long} and a step after it` },
  workload: (model, options) => ({
    variants: { main: { options }, 'fixed-window': { optimization: 'sparse-attention', options: { ...options, pattern: 'window' } } },
    comparators: { 'fixed-window': 'fixed-window' },
    points,
    metrics: [
      ...latencyMetrics('prefill', 'prefill-512'),
      ...latencyMetrics('prefill', 'prefill-1024'),
      ...latencyMetrics('decode', 'decode-512-b1'),
      ...latencyMetrics('decode', 'decode-512-b8'),
      ...own(model),
      ...qualityMetrics(model),
      ...sizeMetrics,
      ...soloMetrics,
    ],
    headline: [
      ...speedHeadline,
      'kv-bytes-per-token',
      'late-nll-delta',
      ...costHeadline,
      'speed-over-fixed-window',
      'kv-bytes-over-fixed-window',
      'attention-density',
    ],
    claims: [
      ...sharedClaims,
      {
        of: 'undominated',
        comparator: 'the same window in every layer',
        metrics: ['nll-over-fixed-window', 'kv-bytes-over-fixed-window', 'speed-over-fixed-window'],
      },
    ],
  }),
};
