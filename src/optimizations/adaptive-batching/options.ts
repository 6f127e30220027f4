import { z } from 'zod';
import type { OptionSchema } from '../../contract/benchmark.ts';
import { optionSchema } from '../../contract/option-schema.ts';

const schema = z.strictObject({
  controller: z
    .enum(['token-budget', 'aimd'])
    .default('token-budget')
    .describe(
      'token-budget: as many requests as still meet their deadline, by a load test at the pace of the machine. aimd: a limit that grows by steps and backs off.',
    ),
  maximum: z.int().min(1).max(1024).default(16).describe('Largest batch.'),
  headroom: z
    .number()
    .min(0)
    .max(0.9)
    .default(0.02)
    .describe('Share of the latency objective that is left free for what services take longer than expected.'),
  memory: z.number().min(0.5).max(1).default(0.97).describe('token-budget: what an observation still weighs after the next one.'),
  increase: z.number().positive().max(1024).default(1).describe('aimd: what the limit grows by after a full batch in time.'),
  backoff: z.number().min(0.01).max(0.99).default(0.9).describe('aimd: what the limit is multiplied by after a batch that took too long.'),
});

export type BatchingOptions = Readonly<z.output<typeof schema>>;
export const batchingOptions: OptionSchema<BatchingOptions> = optionSchema(schema, (options) => options);
