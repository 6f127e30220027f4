import type { Subject } from '../../../src/contract/optimization.ts';
import type { Observation } from '../../../src/contract/player.ts';
import { feedbackControlBenchmark } from '../../../src/optimizations/feedback-control/benchmark.ts';
import type { Plant } from '../../../src/optimizations/feedback-control/plant.ts';
import { feedbackPlayer } from '../../../src/optimizations/feedback-control/play.ts';
import type { Json } from '../../../src/records/words.ts';
import { type ReplayedCosts, replayTools, turnOf } from '../../testkit/episode-tools.ts';

/** Nothing of a replay of a plant is executed. */
const costs: ReplayedCosts = { prefill: () => Number.NaN, step: () => Number.NaN };

/** The noise that a turn of this seed draws, each from −1 to 1. */
export const drawnNoise = (seed: number, count: number): readonly number[] => {
  const { random } = replayTools({ costs, seed });
  return Array.from({ length: count }, () => 2 * random() - 1);
};

/** Plays head at `replay-POINT` on a plant that is given, prompts of 8 tokens and disturbed ones of 16. */
export const playOnPlant = (wanted: {
  readonly point: string;
  readonly plant: Plant;
  readonly seed: number;
  readonly subject: Pick<Subject<never>, 'start'>;
  readonly options?: Json;
}): Promise<Observation> => {
  const { point: name, plant, seed, subject, options = {} } = wanted;
  const tools = replayTools({ costs, subject, options, seed });
  const { points } = feedbackControlBenchmark.workload(tools.model, feedbackControlBenchmark.options.parse({}, 'with'));
  const point = points.find(({ id }) => id === `replay-${name}`);
  if (point?.kind !== 'episode') throw new Error(`no episode ${name}`);
  const service = { clock: 'thread', token: 1, decode: 2, lengths: [8, 12, 16], batches: [1], ms: [[1], [1], [1]] };
  return feedbackPlayer.play(turnOf(point, { arm: 'head', tuned: { service, plant }, seed }), tools);
};
