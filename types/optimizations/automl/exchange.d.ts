import type * as z from '../../zod/v4/classic/external.js';
import type { PolicyExchange } from '../../contract/policy.js';
import type { Immutable } from '../../records/words.js';
/** What the benchmark tells a policy that is to find a configuration. */
export declare const searchSetting: z.ZodObject<{
    options: z.ZodArray<z.ZodObject<{
        id: z.ZodString;
        values: z.ZodArray<z.ZodUnion<readonly [z.ZodString, z.ZodNumber, z.ZodBoolean]>>;
    }, z.core.$strip>>;
    model: z.ZodString;
    'nll-bound': z.ZodNumber;
    trials: z.ZodInt;
    calls: z.ZodInt;
    seed: z.ZodInt;
}, z.core.$strip>;
export type SearchSetting = Immutable<z.infer<typeof searchSetting>>;
/** The outcome of the trial that was asked for; of the default, which costs none, before the first. */
export declare const searchObservation: z.ZodObject<{
    configuration: z.ZodRecord<z.ZodString, z.ZodUnion<readonly [z.ZodString, z.ZodNumber, z.ZodBoolean]>>;
    latency: z.ZodNumber;
    calls: z.ZodInt;
    'nll-delta': z.ZodNumber;
    left: z.ZodInt;
}, z.core.$strip>;
export type SearchObservation = Immutable<z.infer<typeof searchObservation>>;
export declare const searchAction: z.ZodUnion<readonly [z.ZodObject<{
    try: z.ZodRecord<z.ZodString, z.ZodUnion<readonly [z.ZodString, z.ZodNumber, z.ZodBoolean]>>;
    calls: z.ZodInt;
}, z.core.$strict>, z.ZodObject<{
    found: z.ZodRecord<z.ZodString, z.ZodUnion<readonly [z.ZodString, z.ZodNumber, z.ZodBoolean]>>;
}, z.core.$strict>]>;
export type SearchAction = Immutable<z.infer<typeof searchAction>>;
export declare const configurationExchange: PolicyExchange;
