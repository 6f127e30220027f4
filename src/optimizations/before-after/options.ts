import { z } from 'zod';
import type { OptionSchema } from '../../contract/benchmark.ts';
import { optionSchema } from '../../contract/option-schema.ts';

const schema = z.strictObject({
  tokens: z
    .number()
    .gt(0)
    .max(1e15)
    .default(1e7)
    .describe('Tokens that are expected to be generated with a model as it was optimized: the volume at which the return is reckoned.'),
  points: z
    .array(z.string().min(1).max(80))
    .max(32)
    .default(['prefill-256', 'decode-b1', 'decode-b8'])
    .describe('Operating points at which the improvement is told apart, beside that over all points together.'),
  saving: z
    .string()
    .min(1)
    .max(160)
    .default('decode-latency@decode-b1')
    .describe('The time per token, METRIC or METRIC@POINT, whose saving has to pay for what the building took.'),
});

export type BeforeAfterOptions = Readonly<z.output<typeof schema>>;
export const beforeAfterOptions: OptionSchema<BeforeAfterOptions> = optionSchema(schema, (options) => options);
