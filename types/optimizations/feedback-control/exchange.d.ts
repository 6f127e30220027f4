import type * as z from '../../zod/v4/classic/external.js';
import type { PolicyExchange } from '../../contract/policy.js';
import type { Immutable } from '../../records/words.js';
/** What the benchmark tells a policy when an episode starts. */
export declare const feedbackSetting: z.ZodObject<{
    setPoint: z.ZodNumber;
    initial: z.ZodNumber;
    minimum: z.ZodNumber;
    maximum: z.ZodNumber;
    slope: z.ZodNumber;
}, z.core.$strip>;
export type FeedbackSetting = Immutable<z.infer<typeof feedbackSetting>>;
/** What a policy sees after each control step. */
export declare const feedbackObservation: z.ZodObject<{
    step: z.ZodInt;
    latency: z.ZodNumber;
    batch: z.ZodNumber;
}, z.core.$strip>;
export type FeedbackObservation = Immutable<z.infer<typeof feedbackObservation>>;
export declare const feedbackAction: z.ZodObject<{
    batch: z.ZodNumber;
}, z.core.$strict>;
export type FeedbackAction = Immutable<z.infer<typeof feedbackAction>>;
export declare const feedbackExchange: PolicyExchange;
