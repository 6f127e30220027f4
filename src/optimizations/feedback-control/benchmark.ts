import type { Benchmark } from '../../contract/benchmark.ts';
import { ofSeries } from '../../contract/shared-metrics.ts';
import type { MetricSpec, OperatingPoint } from '../../records/metric.ts';
import { type Disturbance, disturbances } from './disturbance.ts';
import type { ControlSetting } from './episode.ts';
import { feedbackExchange } from './exchange.ts';
import { type FeedbackOptions, feedbackOptions } from './options.ts';

/** Control steps of a replay and executions per step: enough that a mix of two whole batches comes within ± 1 % of any latency between theirs. */
const replayed = { steps: 60, batches: 16 };
/** The one disturbance that is also played with real executions, fewer of them: it costs what it runs. */
const live: ControlSetting = { disturbance: 'step', steps: 20, batches: 4 };

const replayOf = (disturbance: Disturbance): OperatingPoint => ({
  id: `replay-${disturbance}`,
  kind: 'episode',
  setting: { disturbance, ...replayed },
  exact: true,
  rounds: 1,
  warmUp: 0,
  arms: ['reference', 'base', 'head'],
});

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
      from: ofSeries(point.id, 'settling-steps', 'last'),
      tolerance: 0.1,
    },
    {
      ...shared,
      id: 'overshoot',
      unit: '%',
      better: 'lower',
      scale: 'linear',
      from: ofSeries(point.id, 'overshoot', 'last'),
      tolerance: 2,
    },
    {
      ...shared,
      id: 'tracking-accuracy',
      unit: '%',
      better: 'higher',
      scale: 'linear',
      from: ofSeries(point.id, 'tracking-accuracy', 'last'),
      tolerance: 1,
    },
    {
      ...shared,
      role: common.role === 'gate' ? 'described' : common.role,
      id: 'reversals',
      unit: 'per 100 steps',
      better: 'lower',
      scale: 'linear',
      from: ofSeries(point.id, 'reversals', 'last'),
      tolerance: 5,
    },
    {
      ...shared,
      id: 'stable',
      unit: '1 or 0',
      better: 'higher',
      scale: 'linear',
      from: ofSeries(point.id, 'stable', 'last'),
      tolerance: 0.5,
    },
  ];
};

/**
 * Feedback mechanisms: a policy sets the batch of each control step to hold a latency, while prompts become longer at once, gradually or for
 * a while. Judged in replay of the service times that tuning measured, to the bit; once more with real executions, for show. The
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
  workload: () => {
    const replays = disturbances.map(replayOf);
    return {
      variants: {},
      points: [...replays, livePoint],
      metrics: [
        ...replays.flatMap((point) => metricsOf(point, { kind: 'exact', role: 'gate' })),
        ...metricsOf(livePoint, { kind: 'timing', role: 'advisory' }),
      ],
      headline: ['settling-steps', 'overshoot', 'tracking-accuracy', 'stable'],
    };
  },
  exchanges: [feedbackExchange],
  player: async () => (await import('./play.ts')).feedbackPlayer,
  tunes: 'shared',
};
