import type * as z from '../../zod/v4/classic/external.js';
import type { Tools } from '../../contract/player.js';
import type { Immutable } from '../../records/words.js';
/** What a load test tells of a model: milliseconds of batches of some sizes. */
export declare const loadTest: z.ZodObject<{
    lengths: z.ZodArray<z.ZodInt>;
    batches: z.ZodArray<z.ZodInt>;
    ms: z.ZodArray<z.ZodArray<z.ZodNumber>>;
}, z.core.$strip>;
export type LoadTest = Immutable<z.infer<typeof loadTest>>;
/** How long batches take: one prefill, padded to one length, and some greedy steps. */
export declare const serviceTimes: z.ZodObject<{
    lengths: z.ZodArray<z.ZodInt>;
    batches: z.ZodArray<z.ZodInt>;
    ms: z.ZodArray<z.ZodArray<z.ZodNumber>>;
    clock: z.ZodEnum<{
        thread: "thread";
        wall: "wall";
    }>;
    token: z.ZodNumber;
    decode: z.ZodInt;
}, z.core.$strict>;
export type ServiceTimes = Immutable<z.infer<typeof serviceTimes>>;
type Timing = Pick<Tools, 'session' | 'prompt' | 'clock'>;
/** Services for an episode, really executed. */
export interface PacedService {
    /** Milliseconds of one batch. */
    serve(requests: number, tokens: number): Promise<number>;
    /** What is to be said of the services so far. */
    warnings(): readonly string[];
}
/**
 * Services for an episode, really executed: milliseconds at the pace of the machine when the table was measured. A machine that is slower
 * today, or shares its caches just now, is slower for one token too, and by that share a service is taken to be shorter; or else the
 * objective and the arrivals, which are fixed, would be other ones. What a policy decides does not move the pace.
 *
 * All arms of these episodes are served by the reference model. An execution that takes far longer than its size does is therefore the machine's
 * doing: it is run again, and the quicker counts. The first execution of a shape, which plans its memory, is left out with these; some shapes are
 * run unmeasured before the first service.
 */
export declare const openPacedService: (tools: Timing, table: ServiceTimes) => Promise<PacedService>;
/**
 * Measures the table: medians over `samples` executions of every size, in an order drawn anew for each sample so that drift meets all
 * alike, after one unmeasured one, each at the pace of the tokens around it.
 */
export declare const measureServiceTimes: (tools: Timing & Pick<Tools, 'random'>, wanted: {
    readonly lengths: readonly number[];
    readonly batches: readonly number[];
    readonly decode: number;
    readonly samples: number;
}) => Promise<ServiceTimes>;
/** Milliseconds of a batch of `requests` prompts of `tokens` tokens, straight between the sizes of the table; both may be fractions. */
export declare const serviceTime: (table: LoadTest, requests: number, tokens: number) => number;
export {};
