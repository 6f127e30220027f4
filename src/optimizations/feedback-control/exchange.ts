import { z } from 'zod';
import type { Immutable } from '../../records/words.ts';

/** What the benchmark tells a policy when an episode starts. */
export const feedbackSetting = z.object({
  /** Milliseconds that the mean latency of a step shall be. */
  setPoint: z.number().positive(),
  /** The batch that has this latency without a disturbance. */
  initial: z.number().positive(),
  /** What the batch may be; fractions are served as a mix of the whole numbers beside them. */
  minimum: z.number().positive(),
  maximum: z.number().positive(),
  /** Milliseconds that one more request in the batch adds, without a disturbance. */
  slope: z.number().positive(),
});
export type FeedbackSetting = Immutable<z.infer<typeof feedbackSetting>>;

/** What a policy sees after each control step. */
export const feedbackObservation = z.object({
  /** Counts from 0. */
  step: z.int().nonnegative(),
  /** Mean milliseconds of the batches of this step. */
  latency: z.number().nonnegative(),
  /** Their mean size. */
  batch: z.number().positive(),
});
export type FeedbackObservation = Immutable<z.infer<typeof feedbackObservation>>;

/** The batch of the next step. */
export const feedbackAction = z.strictObject({ batch: z.number() });
export type FeedbackAction = Immutable<z.infer<typeof feedbackAction>>;
