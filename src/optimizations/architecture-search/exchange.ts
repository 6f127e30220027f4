import { z } from 'zod';
import type { Immutable } from '../../records/words.ts';

const name = z.string().min(1).max(80);
const share = z.number().min(0).max(1);

/** What the benchmark tells a policy that is to find a pool: what there is, and how many of them it may try. */
export const searchSetting = z.object({
  task: z.literal('search'),
  /** The reference model first; the size is known without a trial. */
  members: z.array(z.object({ name, depth: share, width: share, bytes: z.number().positive() })).min(1),
  trials: z.int().positive(),
});
export type PoolSearchSetting = Immutable<z.infer<typeof searchSetting>>;

/** The outcome of the trial that was asked for; of the reference model, which costs none, before the first. */
export const searchObservation = z.object({
  trial: z.object({
    name,
    /** Milliseconds of one request. */
    latency: z.number().positive(),
    /** Nats per token against the reference model. */
    'nll-delta': z.number(),
  }),
  /** Trials that are left. */
  left: z.int().nonnegative(),
});
export type PoolSearchObservation = Immutable<z.infer<typeof searchObservation>>;

/** Another trial, or the end: the members that the pool is made of, the reference model or tried ones. */
export const searchAction = z.union([z.strictObject({ try: name }), z.strictObject({ offer: z.array(name).min(1).max(64) })]);
export type PoolSearchAction = Immutable<z.infer<typeof searchAction>>;

/** What the benchmark tells a policy that is to serve: the pool that it found, and what may be lost on average. */
export const serveSetting = z.object({
  task: z.literal('serve'),
  members: z
    .array(
      z.object({
        name,
        /** Milliseconds of one request. */
        latency: z.number().positive(),
        /** Milliseconds until it is loaded and warm. */
        swap: z.number().positive(),
        'nll-delta': z.number(),
        bytes: z.number().positive(),
      }),
    )
    .min(1),
  /** Nats per token, mean over all requests. */
  'loss-bound': z.number().nonnegative(),
  requests: z.int().positive(),
});
export type ServeSetting = Immutable<z.infer<typeof serveSetting>>;

/** What a policy sees when the latency budget has changed, and before every request. */
export const serveObservation = z.object({
  event: z.enum(['budget', 'request']),
  /** Milliseconds since the episode began. */
  time: z.number().nonnegative(),
  /** Milliseconds from arrival to the last token: of the request that is next, or the new one. */
  budget: z.number().positive(),
  /** Requests that wait. */
  waiting: z.int().nonnegative(),
  /** What is loaded; null before the first. */
  current: name.nullable(),
  served: z.int().nonnegative(),
  /** Mean loss of what was served; 0 before the first request. */
  'nll-delta': z.number(),
  /** The request before this: who served it, from arrival to end, and the service alone. */
  last: z.object({ name, latency: z.number(), service: z.number(), inside: z.boolean() }).nullable(),
});
export type ServeObservation = Immutable<z.infer<typeof serveObservation>>;

/** What serves next; another than the current one is loaded and warmed first, inside the clock. */
export const serveAction = z.strictObject({ serve: name });
export type ServeAction = Immutable<z.infer<typeof serveAction>>;

/** Either task, as a policy is started with it. */
export const episodeSetting = z.discriminatedUnion('task', [searchSetting, serveSetting]);
