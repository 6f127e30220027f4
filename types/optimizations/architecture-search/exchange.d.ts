import type * as z from '../../zod/v4/classic/external.js';
import type { PolicyExchange } from '../../contract/policy.js';
import type { Immutable } from '../../records/words.js';
/** What the benchmark tells a policy that is to find a pool. */
declare const searchSetting: z.ZodObject<{
    task: z.ZodLiteral<"search">;
    members: z.ZodArray<z.ZodObject<{
        name: z.ZodString;
        depth: z.ZodNumber;
        width: z.ZodNumber;
        bytes: z.ZodNumber;
    }, z.core.$strip>>;
    trials: z.ZodInt;
}, z.core.$strip>;
export type PoolSearchSetting = Immutable<z.infer<typeof searchSetting>>;
/** The outcome of the trial that was asked for; of the reference model, which costs none, before the first. */
export declare const searchObservation: z.ZodObject<{
    trial: z.ZodObject<{
        name: z.ZodString;
        latency: z.ZodNumber;
        'nll-delta': z.ZodNumber;
    }, z.core.$strip>;
    left: z.ZodInt;
}, z.core.$strip>;
export type PoolSearchObservation = Immutable<z.infer<typeof searchObservation>>;
export declare const searchAction: z.ZodUnion<readonly [z.ZodObject<{
    try: z.ZodString;
}, z.core.$strict>, z.ZodObject<{
    offer: z.ZodArray<z.ZodString>;
}, z.core.$strict>]>;
export type PoolSearchAction = Immutable<z.infer<typeof searchAction>>;
/** What the benchmark tells a policy that is to serve. */
declare const serveSetting: z.ZodObject<{
    task: z.ZodLiteral<"serve">;
    members: z.ZodArray<z.ZodObject<{
        name: z.ZodString;
        latency: z.ZodNumber;
        swap: z.ZodNumber;
        'nll-delta': z.ZodNumber;
        bytes: z.ZodNumber;
    }, z.core.$strip>>;
    'loss-bound': z.ZodNumber;
    requests: z.ZodInt;
}, z.core.$strip>;
export type ServeSetting = Immutable<z.infer<typeof serveSetting>>;
/** What a policy sees when the latency budget has changed, and before every request. */
export declare const serveObservation: z.ZodObject<{
    event: z.ZodEnum<{
        budget: "budget";
        request: "request";
    }>;
    time: z.ZodNumber;
    budget: z.ZodNumber;
    waiting: z.ZodInt;
    current: z.ZodNullable<z.ZodString>;
    served: z.ZodInt;
    'nll-delta': z.ZodNumber;
    last: z.ZodNullable<z.ZodObject<{
        name: z.ZodString;
        latency: z.ZodNumber;
        service: z.ZodNumber;
        inside: z.ZodBoolean;
    }, z.core.$strip>>;
}, z.core.$strip>;
export type ServeObservation = Immutable<z.infer<typeof serveObservation>>;
export declare const serveAction: z.ZodObject<{
    serve: z.ZodString;
}, z.core.$strict>;
export type ServeAction = Immutable<z.infer<typeof serveAction>>;
/** Either kind of episode, as a policy is started with it. */
export declare const episodeSetting: z.ZodDiscriminatedUnion<[z.ZodObject<{
    task: z.ZodLiteral<"search">;
    members: z.ZodArray<z.ZodObject<{
        name: z.ZodString;
        depth: z.ZodNumber;
        width: z.ZodNumber;
        bytes: z.ZodNumber;
    }, z.core.$strip>>;
    trials: z.ZodInt;
}, z.core.$strip>, z.ZodObject<{
    task: z.ZodLiteral<"serve">;
    members: z.ZodArray<z.ZodObject<{
        name: z.ZodString;
        latency: z.ZodNumber;
        swap: z.ZodNumber;
        'nll-delta': z.ZodNumber;
        bytes: z.ZodNumber;
    }, z.core.$strip>>;
    'loss-bound': z.ZodNumber;
    requests: z.ZodInt;
}, z.core.$strip>], "task">;
export declare const poolExchanges: readonly PolicyExchange[];
export {};
