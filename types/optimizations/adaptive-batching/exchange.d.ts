import type * as z from '../../zod/v4/classic/external.js';
import type { PolicyExchange } from '../../contract/policy.js';
import type { Immutable } from '../../records/words.js';
/** What the benchmark tells a policy when an episode starts. */
export declare const batchingSetting: z.ZodObject<{
    objective: z.ZodNumber;
    service: z.ZodObject<{
        lengths: z.ZodArray<z.ZodInt>;
        batches: z.ZodArray<z.ZodInt>;
        ms: z.ZodArray<z.ZodArray<z.ZodNumber>>;
    }, z.core.$strip>;
    maximum: z.ZodInt;
    decode: z.ZodInt;
}, z.core.$strip>;
export type BatchingSetting = Immutable<z.infer<typeof batchingSetting>>;
/** Longest part of the queue that is shown. */
export declare const shownRequests = 64;
/** What a policy sees whenever the server is free and a request waits. */
export declare const batchingObservation: z.ZodObject<{
    time: z.ZodNumber;
    waiting: z.ZodInt;
    ages: z.ZodArray<z.ZodNumber>;
    tokens: z.ZodArray<z.ZodInt>;
    last: z.ZodNullable<z.ZodObject<{
        requests: z.ZodInt;
        longest: z.ZodInt;
        ms: z.ZodNumber;
    }, z.core.$strip>>;
}, z.core.$strip>;
export type BatchingObservation = Immutable<z.infer<typeof batchingObservation>>;
export declare const batchingAction: z.ZodObject<{
    batch: z.ZodInt;
}, z.core.$strict>;
export type BatchingAction = Immutable<z.infer<typeof batchingAction>>;
export declare const batchingExchange: PolicyExchange;
