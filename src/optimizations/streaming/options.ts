import { z } from 'zod';
import type { OptionSchema } from '../../contract/benchmark.ts';
import { optionSchema } from '../../contract/option-schema.ts';

const schema = z.strictObject({
  chunk: z
    .int()
    .min(1)
    .max(65_536)
    .default(32)
    .describe(
      'A prompt is read in chunks of this many tokens; other conversations go on between them. The cache is cut back by as many at once.',
    ),
  sinks: z.int().min(0).max(65_536).default(4).describe('The first positions of a conversation, which stay in the cache for ever.'),
  'keep-last': z.int().min(1).max(1_048_576).default(60).describe('The newest positions that stay in the cache, at least.'),
});

export type StreamingOptions = Readonly<z.output<typeof schema>>;
export const streamingOptions: OptionSchema<StreamingOptions> = optionSchema(schema, (options) => options);

/** Positions that a cache may come to hold. */
export const cachePositions = (options: StreamingOptions): number => options.sinks + options['keep-last'] + options.chunk;
