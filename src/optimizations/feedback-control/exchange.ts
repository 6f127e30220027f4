import { z } from 'zod';
import type { PolicyExchange } from '../../contract/policy.ts';
import type { Immutable } from '../../records/words.ts';

/** What the benchmark tells a policy when an episode starts. */
export const feedbackSetting = z.object({
  setPoint: z.number().positive().describe('Milliseconds that the mean latency of a step shall be.'),
  initial: z.number().positive().describe('The batch, in requests, that has this latency without a disturbance.'),
  minimum: z.number().positive().describe('Smallest batch that may be answered, in requests.'),
  maximum: z.number().positive().describe('Largest batch that may be answered, in requests.'),
  slope: z.number().positive().describe('Milliseconds that one more request in the batch adds, without a disturbance.'),
});
export type FeedbackSetting = Immutable<z.infer<typeof feedbackSetting>>;

/** What a policy sees after each control step. */
export const feedbackObservation = z.object({
  step: z.int().nonnegative().describe('The step that has ended, counted from 0.'),
  latency: z.number().nonnegative().describe('Mean milliseconds of the batches of this step.'),
  batch: z.number().positive().describe('Their mean size, in requests.'),
});
export type FeedbackObservation = Immutable<z.infer<typeof feedbackObservation>>;

export const feedbackAction = z.strictObject({
  batch: z
    .number()
    .describe(
      'Requests per batch in the next step, from `minimum` to `maximum` of the setting. A fraction is served as a mix of the whole numbers beside it.',
    ),
});
export type FeedbackAction = Immutable<z.infer<typeof feedbackAction>>;

export const feedbackExchange: PolicyExchange = {
  task: null,
  asked: 'It is asked for the batch of the next step at the end of each step but the last.',
  setting: feedbackSetting,
  observation: feedbackObservation,
  action: feedbackAction,
  rehearsal: {
    setting: { setPoint: 10, initial: 4, minimum: 1, maximum: 8, slope: 1 } satisfies FeedbackSetting,
    observation: { step: 0, latency: 10, batch: 4 } satisfies FeedbackObservation,
  },
};
