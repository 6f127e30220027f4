import { z } from 'zod';
import type { OptionSchema } from '../../contract/benchmark.ts';
import { optionSchema } from '../../contract/option-schema.ts';

const schema = z.strictObject({
  pattern: z
    .enum(['adaptive', 'window', 'sink-window', 'strided'])
    .default('adaptive')
    .describe(
      'What queries see: per layer what calibration allows (some layers may stay dense), or one pattern in every layer, whatever it costs.',
    ),
  budget: z
    .number()
    .min(0)
    .max(10)
    .default(0.01)
    .describe(
      'For `adaptive`: how far all sparse layers together may stray on calibration text, as a share of the energy of the stream that they write to. On the miniatures a stray of 0.01 costs about 0.01 nats of KL divergence.',
    ),
  window: z
    .int()
    .min(0)
    .max(1 << 20)
    .default(0)
    .describe('Newest positions that every query sees, its own among them; 0: a quarter of a calibration window.'),
  sinks: z
    .int()
    .min(0)
    .max(4096)
    .default(0)
    .describe('First positions that every query sees, for `sink-window`; 0: 4, and those of an image where the model sees.'),
  stride: z.int().min(2).max(4096).default(16).describe('Distance of the older positions that every query sees, for `strided`.'),
  block: z.int().min(8).max(1024).default(64).describe('Queries whose scores are one product. Changes speed, not results.'),
});

export type SparseAttentionOptions = Readonly<z.output<typeof schema>>;
export const sparseAttentionOptions: OptionSchema<SparseAttentionOptions> = optionSchema(schema, (options) => options);
