import { z } from 'zod';
import type { PolicyExchange } from '../../contract/policy.ts';
import type { Immutable } from '../../records/words.ts';
import { fullModel } from './pool.ts';

const name = z.string().min(1).max(80);
const share = z.number().min(0).max(1);

/** What the benchmark tells a policy that is to find a pool. */
const searchSetting = z.object({
  task: z.literal('search').describe('This episode searches the pool.'),
  members: z
    .array(
      z.object({
        name: name.describe(`Name of the variant; the reference model is \`${fullModel}\`.`),
        depth: share.describe('Share of the layers that it keeps.'),
        width: share.describe('Share of the channels that every feed-forward and expert keeps.'),
        bytes: z.number().positive().describe('Bytes of its files, known without a trial.'),
      }),
    )
    .min(1)
    .describe('What there is, the reference model first.'),
  trials: z.int().positive().describe('Variants beside the reference model that may be tried.'),
});
export type PoolSearchSetting = Immutable<z.infer<typeof searchSetting>>;

/** The outcome of the trial that was asked for; of the reference model, which costs none, before the first. */
export const searchObservation = z.object({
  trial: z
    .object({
      name: name.describe('Name of the variant.'),
      latency: z.number().positive().describe('Milliseconds of one request.'),
      'nll-delta': z.number().describe('Loss in nats per token above that of the reference model.'),
    })
    .describe('The variant that was tried. The reference model comes first, and costs no trial.'),
  left: z.int().nonnegative().describe('Trials that are left.'),
});
export type PoolSearchObservation = Immutable<z.infer<typeof searchObservation>>;

export const searchAction = z.union([
  z.strictObject({ try: name.describe('The variant to try next.') }),
  z.strictObject({
    offer: z.array(name).min(1).max(64).describe('Ends the search: the members of the pool, each the reference model or tried.'),
  }),
]);
export type PoolSearchAction = Immutable<z.infer<typeof searchAction>>;

/** What the benchmark tells a policy that is to serve. */
const serveSetting = z.object({
  task: z.literal('serve').describe('This episode serves requests.'),
  members: z
    .array(
      z.object({
        name: name.describe('Name of the variant.'),
        latency: z.number().positive().describe('Milliseconds of one request.'),
        swap: z.number().positive().describe('Milliseconds until it is loaded and warm.'),
        'nll-delta': z.number().describe('Loss in nats per token above that of the reference model.'),
        bytes: z.number().positive().describe('Bytes of its files.'),
      }),
    )
    .min(1)
    .describe('The pool that the search of the same launch offered.'),
  'loss-bound': z.number().nonnegative().describe('Nats per token that may be lost, mean over all requests.'),
  requests: z.int().positive().describe('Requests of the episode.'),
});
export type ServeSetting = Immutable<z.infer<typeof serveSetting>>;

/** What a policy sees when the latency budget has changed, and before every request. */
export const serveObservation = z.object({
  event: z.enum(['budget', 'request']).describe('Why it is asked: the latency budget has changed, or a request is next.'),
  time: z.number().nonnegative().describe('Milliseconds since the episode began.'),
  budget: z
    .number()
    .positive()
    .describe('Milliseconds from arrival to last token: the new budget, or that under which the next request arrived.'),
  waiting: z.int().nonnegative().describe('Requests that wait.'),
  current: name.nullable().describe('The variant that is loaded; null before the first.'),
  served: z.int().nonnegative().describe('Requests served so far.'),
  'nll-delta': z.number().describe('Their mean loss in nats per token; 0 before the first.'),
  last: z
    .object({
      name: name.describe('The variant that served it.'),
      latency: z.number().describe('Milliseconds from its arrival to its end.'),
      service: z.number().describe('Milliseconds of the service alone.'),
      inside: z.boolean().describe('Whether it was within its budget.'),
    })
    .nullable()
    .describe('The request before this one; null before the first.'),
});
export type ServeObservation = Immutable<z.infer<typeof serveObservation>>;

export const serveAction = z.strictObject({
  serve: name.describe('The member that serves next. Another one than `current` is loaded and warmed first, and that takes time.'),
});
export type ServeAction = Immutable<z.infer<typeof serveAction>>;

/** Either kind of episode, as a policy is started with it. */
export const episodeSetting = z.discriminatedUnion('task', [searchSetting, serveSetting]);

export const poolExchanges: readonly PolicyExchange[] = [
  {
    task: 'search',
    asked: 'It is asked after the first, free trial of the reference model, and after each trial of its own.',
    setting: searchSetting,
    observation: searchObservation,
    action: searchAction,
    rehearsal: {
      setting: {
        task: 'search',
        members: [
          { name: fullModel, depth: 1, width: 1, bytes: 1000 },
          { name: 'half', depth: 0.5, width: 1, bytes: 600 },
        ],
        trials: 1,
      } satisfies PoolSearchSetting,
      observation: { trial: { name: fullModel, latency: 2, 'nll-delta': 0 }, left: 1 } satisfies PoolSearchObservation,
    },
  },
  {
    task: 'serve',
    asked: 'It is asked when the latency budget has changed, and before every request.',
    setting: serveSetting,
    observation: serveObservation,
    action: serveAction,
    rehearsal: {
      setting: {
        task: 'serve',
        members: [{ name: fullModel, latency: 2, swap: 1, 'nll-delta': 0, bytes: 1000 }],
        'loss-bound': 0.1,
        requests: 1,
      } satisfies ServeSetting,
      observation: {
        event: 'budget',
        time: 0,
        budget: 10,
        waiting: 0,
        current: null,
        served: 0,
        'nll-delta': 0,
        last: null,
      } satisfies ServeObservation,
    },
  },
];
