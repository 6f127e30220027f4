import { z } from 'zod';
import type { OptionSchema } from '../../contract/benchmark.ts';
import { optionSchema } from '../../contract/option-schema.ts';

const gain = z.number().min(0).max(100);

const schema = z.strictObject({
  integral: gain
    .default(0.4)
    .describe('Share of an error that every step takes back, as far as the slope that tuning measured holds. From 2 on the loop swings.'),
  proportional: gain.default(0.1).describe('Share of the present error that is answered at once, and given up again with the error.'),
  antiWindup: z.boolean().default(true).describe('Whether the integral stays within the limits of the batch.'),
  maximum: z.number().min(1).max(1024).default(16).describe('Largest batch.'),
});

export type FeedbackOptions = Readonly<z.output<typeof schema>>;
export const feedbackOptions: OptionSchema<FeedbackOptions> = optionSchema(schema, (options) => options);
