import { z } from 'zod';
import type { Immutable } from '../../records/words.ts';
import { loadTest } from '../serving/service-times.ts';

/** What the benchmark tells a policy when an episode starts. */
export const batchingSetting = z.object({
  /** Milliseconds from arrival to the last token within which a request counts. */
  objective: z.number().positive(),
  /** How long batches took before the episode: what the best fixed batch was chosen by, too. A machine may be slower or quicker by now. */
  service: loadTest,
  /** Largest batch that is served; asking for more gets so many. */
  maximum: z.int().positive(),
  /** Greedy steps of every request after its prompt. */
  decode: z.int().nonnegative(),
});
export type BatchingSetting = Immutable<z.infer<typeof batchingSetting>>;

/** Longest part of the queue that is shown. */
export const shownRequests = 64;

/** What a policy sees whenever the server is free and somebody waits. */
export const batchingObservation = z.object({
  /** Milliseconds since the episode began. */
  time: z.number(),
  /** All that wait. */
  waiting: z.int().positive(),
  /** The oldest of them, oldest first: milliseconds since arrival, tokens of the prompt. */
  ages: z.array(z.number().nonnegative()).min(1).max(shownRequests),
  tokens: z.array(z.int().positive()).min(1).max(shownRequests),
  /** The batch before this: its requests, the tokens that each prompt was padded to, and the milliseconds that it took. */
  last: z.object({ requests: z.int().positive(), longest: z.int().positive(), ms: z.number().nonnegative() }).nullable(),
});
export type BatchingObservation = Immutable<z.infer<typeof batchingObservation>>;

/** How many of the oldest requests are served next. */
export const batchingAction = z.strictObject({ batch: z.int().min(1).max(1_000_000) });
export type BatchingAction = Immutable<z.infer<typeof batchingAction>>;
