import { z } from 'zod';
import type { OptionSchema } from '../../contract/benchmark.ts';
import { optionSchema } from '../../contract/option-schema.ts';

const targets = ['ffn', 'heads', 'layers', 'experts', 'vision'] as const;
const importances = ['activation', 'magnitude', 'random'] as const;

const schema = z.strictObject({
  target: z
    .enum(targets)
    .default('ffn')
    .describe(
      'What is removed: feed-forward channels, query heads with their key-value group, layers, routed experts, channels of the vision tower.',
    ),
  ratio: z
    .number()
    .min(0)
    .max(0.9)
    .default(0.25)
    .describe('Share that is removed. Of heads, layers and experts at least one, and never the last.'),
  importance: z
    .enum(importances)
    .default('activation')
    .describe('What decides: activations on calibration text, weight norms alone, or chance (for comparison).'),
  refit: z
    .boolean()
    .default(true)
    .describe(
      'Whether what is left of a projection makes up for the channels and heads that went: least squares of its outputs on calibration text. Layers and whole experts go without.',
    ),
  multiple: z.int().min(1).max(1024).default(8).describe('Widths stay a multiple of this.'),
});

export type PruningOptions = Readonly<z.output<typeof schema>>;
export const pruningOptions: OptionSchema<PruningOptions> = optionSchema(schema, (options) => options);
