import { z } from 'zod';
import type { PolicyExchange } from '../../contract/policy.ts';
import type { Immutable } from '../../records/words.ts';
import { loadTest } from '../serving/service-times.ts';

/** What the benchmark tells a policy when an episode starts. */
export const batchingSetting = z.object({
  objective: z.number().positive().describe('Milliseconds from arrival to last token. A request counts when it takes no longer.'),
  service: loadTest.describe(
    'How long batches took before the episode. The comparator, the best fixed batch, was chosen by the same table. The machine may be slower or faster now.',
  ),
  maximum: z.int().positive().describe('Requests in the largest batch that is served. A larger action is cut to this.'),
  decode: z.int().nonnegative().describe('Greedy steps after the prompt of every request.'),
});
export type BatchingSetting = Immutable<z.infer<typeof batchingSetting>>;

/** Longest part of the queue that is shown. */
export const shownRequests = 64;

/** What a policy sees whenever the server is free and a request waits. */
export const batchingObservation = z.object({
  time: z.number().describe('Milliseconds since the episode began.'),
  waiting: z.int().positive().describe('Requests that wait, all of them.'),
  ages: z
    .array(z.number().nonnegative())
    .min(1)
    .max(shownRequests)
    .describe(`Milliseconds since arrival, oldest request first; at most ${shownRequests} requests.`),
  tokens: z.array(z.int().positive()).min(1).max(shownRequests).describe('Tokens of their prompts, in the same order.'),
  last: z
    .object({
      requests: z.int().positive().describe('Requests in that batch.'),
      longest: z.int().positive().describe('Tokens that each of its prompts was padded to.'),
      ms: z.number().nonnegative().describe('Milliseconds that it took.'),
    })
    .nullable()
    .describe('The batch before this one; null before the first.'),
});
export type BatchingObservation = Immutable<z.infer<typeof batchingObservation>>;

export const batchingAction = z.strictObject({
  batch: z.int().min(1).max(1_000_000).describe('Requests of the next batch, taken from the oldest. It holds no more than wait.'),
});
export type BatchingAction = Immutable<z.infer<typeof batchingAction>>;

export const batchingExchange: PolicyExchange = {
  task: null,
  asked: 'It is asked for the next batch whenever the server is free and a request waits.',
  setting: batchingSetting,
  observation: batchingObservation,
  action: batchingAction,
  rehearsal: {
    setting: { objective: 100, service: { lengths: [64], batches: [1, 2], ms: [[1, 2]] }, maximum: 2, decode: 1 } satisfies BatchingSetting,
    observation: { time: 0, waiting: 1, ages: [0], tokens: [64], last: null } satisfies BatchingObservation,
  },
};
