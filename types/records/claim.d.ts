import type * as z from '../zod/v4/classic/external.js';
import type { Immutable } from './words.js';
/**
 * What an optimization claims to gain, by the metrics that must show it. A cell whose numbers do not bear out a claim is called
 * ineffective; its verdict stays.
 */
export declare const claim: z.ZodDiscriminatedUnion<[z.ZodObject<{
    of: z.ZodLiteral<"faster">;
    removed: z.ZodArray<z.ZodObject<{
        metric: z.ZodString;
        word: z.ZodString;
    }, z.core.$strict>>;
    possible: z.ZodNullable<z.ZodString>;
}, z.core.$strict>, z.ZodObject<{
    of: z.ZodLiteral<"undominated">;
    comparator: z.ZodString;
    metrics: z.ZodArray<z.ZodString>;
}, z.core.$strict>, z.ZodObject<{
    of: z.ZodLiteral<"compressed">;
    ratio: z.ZodString;
}, z.core.$strict>], "of">;
export type Claim = Immutable<z.infer<typeof claim>>;
