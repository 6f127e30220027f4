import { z } from 'zod';
import type { Immutable } from '../../records/words.ts';

const value = z.union([z.string().max(80), z.number(), z.boolean()]);
const configuration = z.record(z.string().max(80), value);

/** What the benchmark tells a policy that is to find a configuration. */
export const searchSetting = z.object({
  /** What there is to choose; the first value of each is the default. */
  options: z.array(z.object({ id: z.string(), values: z.array(value).min(1) })).min(1),
  /** Nats per token that what is found may lose. */
  'nll-bound': z.number().nonnegative(),
  /** Trials that the search may make, each a session that is opened, and the most requests that one may time. */
  trials: z.int().positive(),
  calls: z.int().positive(),
  /** One search differs from another by this alone. */
  seed: z.int().nonnegative(),
});
export type SearchSetting = Immutable<z.infer<typeof searchSetting>>;

/** The outcome of the trial that was asked for; of the default, which costs none, before the first. */
export const searchObservation = z.object({
  configuration,
  /** Milliseconds of a request, the median of so many. */
  latency: z.number().positive(),
  calls: z.int().positive(),
  /** Nats per token against the reference model: the same for every configuration of one model. */
  'nll-delta': z.number(),
  /** Trials that are left. */
  left: z.int().nonnegative(),
});
export type SearchObservation = Immutable<z.infer<typeof searchObservation>>;

/** Another trial, or the end. */
export const searchAction = z.union([
  z.strictObject({ try: configuration, calls: z.int().min(1).max(1_000_000) }),
  z.strictObject({ found: configuration }),
]);
export type SearchAction = Immutable<z.infer<typeof searchAction>>;
