import { z } from 'zod';
import type { OptionSchema } from '../../contract/benchmark.ts';
import { optionSchema } from '../../contract/option-schema.ts';

/** What may be built beside the reference model; the names say what of. */
export const variantNames = ['pruned-25', 'pruned-50', 'factored'] as const;

const firstIsDefault = 'The first is what the search is compared with; one alone is not searched.';

const schema = z.strictObject({
  variants: z
    .array(z.enum(variantNames))
    .max(variantNames.length)
    .default([...variantNames])
    .describe(
      'Models to choose from beside the reference: a quarter or half of all feed-forward channels pruned, or feed-forwards factored.',
    ),
  threads: z.array(z.int().min(1).max(256)).min(1).max(16).default([1, 2]).describe(`Threads of one operator. ${firstIsDefault}`),
  'graph-optimization': z
    .array(z.enum(['disabled', 'basic', 'extended', 'all']))
    .min(1)
    .default(['all', 'basic', 'disabled'])
    .describe(`How far the runtime rewrites the graph at load. ${firstIsDefault}`),
  arena: z.array(z.boolean()).min(1).max(2).default([true]).describe(`Whether memory comes from an arena. ${firstIsDefault}`),
  'memory-pattern': z
    .array(z.boolean())
    .min(1)
    .max(2)
    .default([true])
    .describe(`Whether the layout of memory is planned ahead. ${firstIsDefault}`),
  spinning: z
    .array(z.boolean())
    .min(1)
    .max(2)
    .default([false])
    .describe(`Whether threads spin instead of sleeping between operators. ${firstIsDefault}`),
  'nll-bound': z.number().min(0).max(100).default(0.1).describe('Nats per token that what is found may lose against the reference model.'),
  budget: z.number().gt(0).max(1).default(0.4).describe('Trials of a search, as a share of those of an exhaustive one.'),
  calls: z.int().min(1).max(64).default(8).describe('Timed requests of a trial; a benchmark may allow fewer.'),
});

export type AutomlOptions = Readonly<z.output<typeof schema>>;
export const automlOptions: OptionSchema<AutomlOptions> = optionSchema(schema, (options) => options);
