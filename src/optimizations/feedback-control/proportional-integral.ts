import type { FeedbackObservation, FeedbackSetting } from './exchange.ts';
import type { FeedbackOptions } from './options.ts';

/**
 * A discrete proportional-integral controller (Hellerstein, Diao, Parekh and Tilbury, Feedback Control of Computing Systems, 2004, ch. 9).
 * An error in milliseconds is divided by the slope of the plant, so that the gains have no unit: of an integrator alone the closed loop
 * has its pole at 1 − `integral`, and is stable below 2. The integral is kept within the limits of the batch (clamping), or else all
 * that it ran past them would have to be unwound before the batch moved again.
 */
export const proportionalIntegral = (
  { setPoint, initial, minimum, maximum, slope }: FeedbackSetting,
  options: FeedbackOptions,
): ((observation: Pick<FeedbackObservation, 'latency'>) => number) => {
  const most = Math.max(minimum, Math.min(maximum, options.maximum));
  const limited = (batch: number): number => Math.min(most, Math.max(minimum, batch));
  let integral = initial;
  return ({ latency }) => {
    const error = (setPoint - latency) / slope;
    integral += options.integral * error;
    if (options.antiWindup) integral = limited(integral);
    return limited(integral + options.proportional * error);
  };
};
