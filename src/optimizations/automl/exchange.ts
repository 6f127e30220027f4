import { z } from 'zod';
import type { PolicyExchange } from '../../contract/policy.ts';
import type { Immutable } from '../../records/words.ts';

const value = z.union([z.string().max(80), z.number(), z.boolean()]);
const configuration = z.record(z.string().max(80), value);

/** What the benchmark tells a policy that is to find a configuration. */
export const searchSetting = z.object({
  options: z
    .array(
      z.object({
        id: z.string().describe('Name of the option: a key of a configuration.'),
        values: z.array(value).min(1).describe('What it may be. The first is the default.'),
      }),
    )
    .min(1)
    .describe('What there is to choose. A configuration has one value for each of these. In replays options and values have other names.'),
  model: z.string().describe('Name of the option that chooses the model. The loss follows from it alone.'),
  'nll-bound': z.number().nonnegative().describe('Nats per token that the found configuration may lose against the reference model.'),
  trials: z.int().positive().describe('Trials that the search may make. Each opens one session.'),
  calls: z.int().positive().describe('Most requests that one trial may time.'),
  seed: z.int().nonnegative().describe('Searches of one launch differ by this alone. Draw from it.'),
});
export type SearchSetting = Immutable<z.infer<typeof searchSetting>>;

/** The outcome of the trial that was asked for; of the default, which costs none, before the first. */
export const searchObservation = z.object({
  configuration: configuration.describe('The configuration that was tried. The default comes first, and costs no trial.'),
  latency: z.number().positive().describe('Milliseconds of a request, the median of `calls`.'),
  calls: z.int().positive().describe('Requests that were timed.'),
  'nll-delta': z.number().describe('Loss in nats per token above that of the reference model.'),
  left: z.int().nonnegative().describe('Trials that are left.'),
});
export type SearchObservation = Immutable<z.infer<typeof searchObservation>>;

export const searchAction = z.union([
  z.strictObject({
    try: configuration.describe('The configuration to try next.'),
    calls: z.int().min(1).max(1_000_000).describe('Requests to time, at most `calls` of the setting.'),
  }),
  z.strictObject({ found: configuration.describe('Ends the search: the default, or a configuration that was tried.') }),
]);
export type SearchAction = Immutable<z.infer<typeof searchAction>>;

export const configurationExchange: PolicyExchange = {
  task: null,
  asked: 'It is asked after the first, free trial of the default, and after each trial of its own.',
  setting: searchSetting,
  observation: searchObservation,
  action: searchAction,
  rehearsal: {
    setting: {
      options: [{ id: 'threads', values: [1, 2] }],
      model: 'threads',
      'nll-bound': 0.1,
      trials: 1,
      calls: 1,
      seed: 1,
    } satisfies SearchSetting,
    observation: { configuration: { threads: 1 }, latency: 2, calls: 1, 'nll-delta': 0, left: 1 } satisfies SearchObservation,
  },
};
