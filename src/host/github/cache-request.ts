import { z } from 'zod';

/** One operation of the workflow cache. */
export const cacheRequest = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('restore'), prefixes: z.array(z.string()).min(1) }),
  z.strictObject({ do: z.literal('save'), key: z.string() }),
]);
export type CacheRequest = z.infer<typeof cacheRequest>;

/** An answer over HTTP that is no success, or a web page. */
const badAnswer = z.strictObject({ host: z.string(), status: z.int(), type: z.string() });
export type BadAnswer = z.infer<typeof badAnswer>;

/** What the process says over IPC: how its connections do, now and then, and at last what the toolkit returned or threw. */
export const cacheAnswer = z.union([
  z.strictObject({
    /** Bytes that its connections moved so far. */
    moved: z.int().nonnegative(),
    /** The last answer, where it was a bad one. */
    bad: badAnswer.nullable(),
  }),
  z.strictObject({ restored: z.string().nullable() }),
  z.strictObject({ saved: z.boolean() }),
  z.strictObject({ thrown: z.string() }),
]);
export type CacheAnswer = z.infer<typeof cacheAnswer>;
