import type { Values } from '../../records/words.ts';
import { mean } from '../../statistics/describe.ts';
import type { Stretch } from './disturbance.ts';

/** Half the width of the band around the set-point, as a share of it. */
const band = 0.05;
/** A swing between the ends of a stretch's last third that is no longer a settled loop's. */
const swing = 0.2;
/** Moves of the batch below this are no reversals: noise moves it all the time. */
const leastMove = 0.5;

/** What happened in an episode. */
export interface Response {
  /** Mean milliseconds and batch of each step. */
  readonly latency: readonly number[];
  readonly batch: readonly number[];
  /** The loop has to settle anew in each that can be settled in. */
  readonly stretches: readonly Stretch[];
  readonly setPoint: number;
}

/** Deviations from the set-point, as shares of it, stretch by stretch; of those in which it can be met. */
const errorsOf = ({ latency, stretches, setPoint }: Response): readonly (readonly number[])[] =>
  stretches.flatMap(({ onset, reachable }, at) =>
    reachable ? [latency.slice(onset, stretches[at + 1]?.onset).map((each) => each / setPoint - 1)] : [],
  );

/** The step, counted from 1, from which on the loop stays in the band; null where it does not. */
const settled = (errors: readonly number[]): number | null => {
  const outside = errors.findLastIndex((error) => Math.abs(error) > band);
  return outside === errors.length - 1 ? null : outside + 2;
};

/** Steps of the longest stretch in which the loop did not settle; null where it always did. */
export const unsettledSteps = (response: Response): number | null => {
  const unsettled = errorsOf(response).filter((errors) => settled(errors) === null);
  return unsettled.length === 0 ? null : Math.max(...unsettled.map(({ length }) => length));
};

/** How far the loop goes to the other side of the set-point than it was first pushed to, as a share of it. */
const overshot = (errors: readonly number[]): number => {
  const first = errors.findIndex((error) => Math.abs(error) > band);
  const side = Math.sign(errors[first] ?? 0);
  return errors.slice(first + 1).reduce((most, error) => Math.max(most, -side * error), 0);
};

const reversals = (batch: readonly number[]): number => {
  let turns = 0;
  let direction = 0;
  for (let step = 1; step < batch.length; step++) {
    const move = (batch[step] ?? 0) - (batch[step - 1] ?? 0);
    if (Math.abs(move) < leastMove) continue;
    if (direction !== 0 && Math.sign(move) !== direction) turns++;
    direction = Math.sign(move);
  }
  return turns;
};

/**
 * How well the loop held its set-point, stretch by stretch between the onsets (Hellerstein et al. 2004, ch. 1: settling time, overshoot,
 * accuracy, stability). `settling-steps`: of the slowest stretch, into ± 5 % for good, at least 1; where the loop does not settle, one more than
 * the longest stretch has, which no loop that settles can reach. `overshoot` %: the largest deviation to the other side than the disturbance pushed to. `tracking-accuracy` %: 100 minus the mean over stretches of the mean error that is left in their
 * last third, its sign dropped only then. `reversals`: turns of the batch by half a request or more, per 100 steps. `ripple` %: half of what the latency still swings by in the last third of a stretch, the widest. `stable`: 1 where none swings by more than 20 %.
 */
export const responseValues = (response: Response): Values => {
  const { batch } = response;
  const stretches = errorsOf(response);
  const never = Math.max(...stretches.map(({ length }) => length)) + 1;
  const tails = stretches.map((errors) => errors.slice(Math.floor((2 * errors.length) / 3)));
  return {
    'settling-steps': Math.max(...stretches.map((errors) => settled(errors) ?? never)),
    overshoot: 100 * Math.max(...stretches.map(overshot)),
    'tracking-accuracy': 100 * (1 - mean(tails.map((tail) => Math.abs(mean(tail))))),
    reversals: (100 * reversals(batch)) / batch.length,
    ripple: 50 * Math.max(...tails.map((tail) => Math.max(...tail) - Math.min(...tail))),
    stable: tails.every((tail) => Math.max(...tail) - Math.min(...tail) <= swing) ? 1 : 0,
  };
};
