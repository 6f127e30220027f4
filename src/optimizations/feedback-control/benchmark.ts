import type { Benchmark } from '../../contract/benchmark.ts';
import { ofSeries } from '../../contract/shared-metrics.ts';
import type { MetricSpec, OperatingPoint } from '../../records/metric.ts';
import type { ControlSetting } from './episode.ts';
import { feedbackExchange } from './exchange.ts';
import { type FeedbackOptions, feedbackOptions } from './options.ts';

/** Control steps of a replay and executions per step: enough that a mix of two whole batches comes within ± 1 % of any latency between theirs. */
const replayed = { steps: 60, batches: 16 };
/** In the middle of its range the batch has room both ways. */
const middle = { level: 8, queue: false };
/** The one disturbance that is also played with real executions, fewer of them: it costs what it runs. */
const live: ControlSetting = { disturbance: 'step', steps: 20, batches: 4, ...middle };

/** What is replayed, by the name of its point. */
const replays: Readonly<Record<string, Pick<ControlSetting, 'disturbance' | 'level' | 'queue'>>> = {
  step: { disturbance: 'step', ...middle },
  ramp: { disturbance: 'ramp', ...middle },
  burst: { disturbance: 'burst', ...middle },
  saturation: { disturbance: 'saturation', ...middle },
  queue: { disturbance: 'step', ...middle, queue: true },
  low: { disturbance: 'step', ...middle, level: 4 },
  high: { disturbance: 'step', ...middle, level: 12 },
};

/** Settling is counted in whole steps, and the noise of one draw moves it by one. */
const draws = { rounds: 60, enough: { within: { 'settling-steps': 0.03 }, least: 24 } } as const;

const replayPoints = Object.entries(replays).map(
  ([name, setting]): OperatingPoint => ({
    id: `replay-${name}`,
    kind: 'episode',
    setting: { ...setting, ...replayed },
    exact: true,
    ...draws,
    warmUp: 0,
    arms: ['reference', 'base', 'head'],
  }),
);

const livePoint: OperatingPoint = {
  id: `live-${live.disturbance}`,
  kind: 'episode',
  setting: { ...live },
  exact: false,
  rounds: 1,
  warmUp: 0,
  arms: ['reference', 'base', 'head'],
};

const metricsOf = (point: OperatingPoint, common: Pick<MetricSpec, 'kind' | 'role'>): readonly MetricSpec[] => {
  const shared = { ...common, identity: 'artefact' } as const;
  return [
    {
      ...shared,
      id: 'settling-steps',
      unit: 'steps',
      better: 'lower',
      scale: 'log',
      from: ofSeries(point.id, 'settling-steps', 'mean'),
      tolerance: 0.1,
    },
    {
      ...shared,
      id: 'overshoot',
      unit: '%',
      better: 'lower',
      scale: 'linear',
      from: ofSeries(point.id, 'overshoot', 'mean'),
      tolerance: 2,
    },
    {
      ...shared,
      id: 'tracking-accuracy',
      unit: '%',
      better: 'higher',
      scale: 'linear',
      from: ofSeries(point.id, 'tracking-accuracy', 'mean'),
      tolerance: 1,
    },
    {
      ...shared,
      role: common.role === 'gate' ? 'described' : common.role,
      id: 'reversals',
      unit: 'per 100 steps',
      better: 'lower',
      scale: 'linear',
      from: ofSeries(point.id, 'reversals', 'mean'),
      tolerance: 5,
    },
    {
      ...shared,
      id: 'ripple',
      unit: '%',
      better: 'lower',
      scale: 'linear',
      from: ofSeries(point.id, 'ripple', 'mean'),
      tolerance: 1,
    },
    {
      ...shared,
      id: 'stable',
      unit: 'share',
      better: 'higher',
      scale: 'linear',
      from: ofSeries(point.id, 'stable', 'mean'),
      tolerance: 0.1,
    },
  ];
};

/**
 * Feedback mechanisms: a policy sets the batch of each control step to hold a latency, while prompts become longer at once, gradually or for
 * a while, while no batch can hold it, behind a queue, and at a low and a high set-point. Judged in replay of the service times that tuning measured, over several draws of noise; once more with real executions, for show. The
 * reference is the open loop: the batch that has this latency undisturbed. Batches are whole, so a step serves a mix of two.
 */
export const feedbackControlBenchmark: Benchmark<FeedbackOptions> = {
  id: 'feedback-control',
  title: 'Feedback mechanisms',
  does: 'a proportional-integral loop with anti-windup that sets the batch to hold a latency, while prompts become longer at once, gradually or for a while',
  comparedWith: 'the open loop: the fixed batch that has this latency undisturbed',
  options: feedbackOptions,
  needs: ['policy'],
  applies: () => true,
  workload: () => ({
    variants: {},
    points: [...replayPoints, livePoint],
    metrics: [
      ...replayPoints.flatMap((point) => metricsOf(point, { kind: 'exact', role: 'gate' })),
      ...metricsOf(livePoint, { kind: 'timing', role: 'advisory' }),
    ],
    headline: ['settling-steps', 'overshoot', 'tracking-accuracy', 'stable'],
  }),
  exchanges: [feedbackExchange],
  player: async () => (await import('./play.ts')).feedbackPlayer,
  tunes: 'shared',
};
