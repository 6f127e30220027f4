import type * as z from '../../zod/v4/classic/external.js';
import type { OptionSchema } from '../../contract/benchmark.js';
/** What is left of a model: shares of its layers, and of the channels of every feed-forward and expert. */
export declare const shape: z.ZodObject<{
    depth: z.ZodNumber;
    width: z.ZodNumber;
}, z.core.$strict>;
export type MemberShape = Readonly<z.output<typeof shape>>;
declare const schema: z.ZodObject<{
    pool: z.ZodDefault<z.ZodArray<z.ZodObject<{
        depth: z.ZodNumber;
        width: z.ZodNumber;
    }, z.core.$strict>>>;
    trials: z.ZodDefault<z.ZodInt>;
    quality: z.ZodDefault<z.ZodNumber>;
    margin: z.ZodDefault<z.ZodNumber>;
    dwell: z.ZodDefault<z.ZodInt>;
}, z.core.$strict>;
export type SearchOptions = Readonly<z.output<typeof schema>>;
export declare const searchOptions: OptionSchema<SearchOptions>;
export {};
