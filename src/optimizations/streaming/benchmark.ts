import type { Benchmark } from '../../contract/benchmark.ts';
import { generationPoint, ofSeries, qualityMetrics, sizeMetrics } from '../../contract/shared-metrics.ts';
import type { MetricSpec, OperatingPoint } from '../../records/metric.ts';
import type { ModelFacts } from '../../records/serving.ts';
import type { ArmId } from '../../records/words.ts';
import { cachePositions, type StreamingOptions, streamingOptions } from './options.ts';
import type { StreamSetting } from './setting.ts';

const arms: readonly ArmId[] = ['reference', 'base', 'head'];
const recompute: ArmId = 'comparator:recompute';

/** Tokens of a long input, of which the cache keeps a part, a multiple of 8; the other half of the context is for what is generated. */
const longInput = ({ context }: Pick<ModelFacts, 'context'>): number => Math.min(1024, 8 * Math.floor(context / 16));

const points = (model: ModelFacts, { chunk }: StreamingOptions): readonly OperatingPoint[] => {
  const long = longInput(model);
  const prompt = (3 * long) / 8;
  const episode = (id: string, rounds: number, warmUp: number, setting: StreamSetting, played: readonly ArmId[]): OperatingPoint => ({
    id,
    kind: 'episode',
    setting,
    exact: setting.measure === 'memory',
    rounds,
    warmUp,
    arms: played,
  });
  return [
    episode('stream', 3, 1, { measure: 'stream', prompt, steps: 32 }, [...arms, recompute]),
    episode('sustained', 2, 0, { measure: 'sustained', prompt, long, steps: 32 }, arms),
    episode('memory', 1, 0, { measure: 'memory', fill: long / 2, steps: 2 * Math.min(chunk, long / 4) }, arms),
    { id: 'evaluation', kind: 'evaluation', windows: 32, arms },
    generationPoint(arms),
    { id: 'inspection', kind: 'inspection', arms },
    { id: 'build', kind: 'build', arms },
  ];
};

const timed = { kind: 'timing', scale: 'log', identity: 'artefact' } as const;

const own: readonly MetricSpec[] = [
  {
    ...timed,
    id: 'time-to-first-token',
    unit: 'ms',
    better: 'lower',
    role: 'gate',
    from: ofSeries('stream', 'ttft-ms', 'median'),
    tolerance: 0.02,
  },
  {
    ...timed,
    id: 'inter-token-latency',
    unit: 'ms',
    better: 'lower',
    role: 'gate',
    from: ofSeries('stream', 'itl-p50', 'median'),
    tolerance: 0.02,
  },
  {
    ...timed,
    id: 'inter-token-latency-p99',
    unit: 'ms',
    better: 'lower',
    role: 'advisory',
    from: ofSeries('stream', 'itl-p99', 'median'),
    tolerance: 0.1,
  },
  {
    ...timed,
    id: 'longest-stall',
    unit: 'ms',
    better: 'lower',
    role: 'advisory',
    from: ofSeries('stream', 'stall-ms', 'median'),
    tolerance: 0.1,
  },
  {
    ...timed,
    id: 'recompute-speedup',
    unit: '×',
    better: 'higher',
    role: 'described',
    from: { of: 'against', arm: recompute, point: 'stream', series: 'itl-p50', over: 'median', as: 'speed-up' },
    tolerance: 0.05,
  },
  {
    id: 'memory-slope',
    unit: 'bytes/token',
    better: 'lower',
    kind: 'exact',
    role: 'gate',
    scale: 'linear',
    from: ofSeries('memory', 'bytes-per-token', 'last'),
    identity: 'artefact',
    tolerance: 1,
  },
  {
    id: 'cache-bytes',
    unit: 'bytes',
    better: 'lower',
    kind: 'exact',
    role: 'gate',
    scale: 'log',
    from: ofSeries('memory', 'cache-bytes', 'last'),
    identity: 'artefact',
    tolerance: 0.001,
  },
  {
    ...timed,
    id: 'sustained-throughput',
    unit: 'tokens/s',
    better: 'higher',
    role: 'gate',
    from: ofSeries('sustained', 'tokens-per-second', 'median'),
    tolerance: 0.02,
  },
  {
    ...timed,
    id: 'drift',
    unit: '%/1000 tokens',
    better: 'lower',
    role: 'described',
    scale: 'linear',
    from: ofSeries('sustained', 'drift', 'median'),
    tolerance: 5,
  },
];

/**
 * Streaming: chunked prefill and a bounded cache against whole prompts and a full cache. `stream`: the first token of a prompt, the
 * tokens after it, and the longest wait between two of them while another prompt arrives. `sustained`: tokens after a long input, and how
 * much slower they come than after a short one. `memory`: growth of the cache once it is filled, and the
 * room that it takes. The second comparator computes everything anew for each token.
 */
export const streamingBenchmark: Benchmark<StreamingOptions> = {
  id: 'streaming',
  title: 'Streaming computation',
  does: 'reads prompts in chunks, keeps the first positions and a window of the newest in the cache, writes keys and values in place where the operator can',
  comparedWith: 'whole prompts and the full cache; as a comparator, everything computed anew for each token',
  options: streamingOptions,
  needs: ['build'],
  applies: (model, options) =>
    cachePositions(options) < longInput(model)
      ? true
      : {
          status: 'not-applicable',
          reason: `the cache holds ${cachePositions(options)} positions; the longest input, half the context of ${model.context} or 1024, has ${longInput(model)}, so nothing is bounded`,
        },
  workload: (model, options) => ({
    variants: { main: { options } },
    comparators: { recompute: null },
    points: points(model, options),
    metrics: [...own, ...qualityMetrics(model), ...sizeMetrics],
    headline: ['time-to-first-token', 'inter-token-latency', 'sustained-throughput', 'memory-slope'],
  }),
  player: async () => (await import('./play.ts')).streamingPlayer,
};
