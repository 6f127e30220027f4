import { z } from 'zod';
import type { OptionSchema } from '../../contract/benchmark.ts';
import { optionSchema } from '../../contract/option-schema.ts';
import { passIds } from './passes.ts';

const schema = z.strictObject({
  modules: z
    .int()
    .min(1)
    .max(64)
    .default(2)
    .describe('Groups of layers that become a module each, beside the embedding, the head and, where there is one, the vision tower.'),
  repeat: z
    .boolean()
    .default(true)
    .describe(
      'A module works out for itself what follows from the inputs alone (masks, positions, rotary angles), so that only the residual stream is handed on; without, it is handed those too.',
    ),
  passes: z
    .array(z.enum(passIds))
    .refine((passes) => new Set(passes).size === passes.length, 'names a pass twice')
    .default([...passIds])
    .describe('Passes over the model, each with its defaults, that are composed in every order of two.'),
  windows: z.int().min(1).max(64).default(4).describe('Held-out windows on which a composition is scored.'),
  slack: z
    .number()
    .min(0)
    .max(10)
    .default(1)
    .describe(
      'Share of what two passes lose one by one that they may lose on top together: losses compound where both cut the same matrices.',
    ),
  tolerance: z.number().min(0).max(10).default(0.05).describe('Nats per token (character) that a pair may lose on top in any case.'),
});

export type ModularOptions = Readonly<z.output<typeof schema>>;
export const modularOptions: OptionSchema<ModularOptions> = optionSchema(schema, (options) => options);
