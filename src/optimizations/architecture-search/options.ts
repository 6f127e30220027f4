import { z } from 'zod';
import type { OptionSchema } from '../../contract/benchmark.ts';
import { optionSchema } from '../../contract/option-schema.ts';

const kept = z.number().min(0.1).max(1);

/** What is left of a model: shares of its layers, and of the channels of every feed-forward and expert. */
export const shape = z.strictObject({ depth: kept, width: kept });
export type MemberShape = Readonly<z.output<typeof shape>>;

const schema = z.strictObject({
  pool: z
    .array(shape)
    .min(1)
    .max(63)
    .default([
      { depth: 1, width: 0.75 },
      { depth: 1, width: 0.5 },
      { depth: 0.75, width: 1 },
      { depth: 0.75, width: 0.75 },
      { depth: 0.5, width: 1 },
      { depth: 0.5, width: 0.5 },
    ])
    .describe(
      'Shares of the layers, and of the channels of every feed-forward and expert, that each variant beside the reference model keeps.',
    ),
  trials: z
    .int()
    .min(1)
    .max(63)
    .default(4)
    .describe('Variants beside the reference model that the search may try before it offers a pool.'),
  quality: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('Loss that the controller may serve on average, as a share of the loss of the variant that answers worst.'),
  margin: z.number().min(0).max(1).default(0.08).describe('How far below the budget a variant must be expected to stay to be served.'),
  dwell: z
    .int()
    .min(0)
    .max(1000)
    .default(2)
    .describe('Requests that a looser budget must have lasted before the controller loads a better variant for it.'),
});

export type SearchOptions = Readonly<z.output<typeof schema>>;
export const searchOptions: OptionSchema<SearchOptions> = optionSchema(schema, (options) => options);
