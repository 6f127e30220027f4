import { z } from 'zod';
import type { OptionSchema } from '../../contract/benchmark.ts';
import { optionSchema } from '../../contract/option-schema.ts';
import { GateError } from '../../errors.ts';
import { weightTargets } from '../../onnx/recognise/layer-weights.ts';
import type { Density } from './mask.ts';

const widestGroup = 64;
const defaultSparsity = 0.5;

const schema = z.strictObject({
  target: z
    .enum(weightTargets)
    .default('all')
    .describe(
      'Which matrices are masked: feed-forwards with their experts, projections of attention, both in every stage of the model, or both in the vision tower alone. Never embeddings, norms, routers or the head.',
    ),
  pattern: z
    .string()
    .regex(/^(unstructured|[1-9][0-9]?:[1-9][0-9]?)$/, `N:M, as in 2:4, or unstructured`)
    .default('2:4')
    .describe(`N:M keeps N weights of every M consecutive inputs of an output (M up to ${widestGroup}); unstructured keeps a share.`),
  sparsity: z
    .number()
    .min(0)
    .max(0.99)
    .optional()
    .describe(
      `Share of the weights of every output that become zero, with the pattern \`unstructured\` only; ${defaultSparsity} where nothing is said.`,
    ),
  importance: z
    .enum(['activation', 'magnitude', 'random'])
    .default('activation')
    .describe(
      'Which weights stay: the largest by weight × norm of its input on calibration text (Wanda), by weight alone, or any (for comparison).',
    ),
  refit: z
    .boolean()
    .default(true)
    .describe(
      'Whether the weights that stay make up for those that went: least squares of each output on calibration text. Which ones stay does not depend on it.',
    ),
  storage: z
    .enum(['packed', 'dense'])
    .default('packed')
    .describe(
      'How zeros are stored: one bit per weight and the values that are left, unfolded when the model is loaded, or as plain zeros. Both compute the same at the same speed.',
    ),
});

/** `sparsity` with the pattern `unstructured` only. */
export type SparsityOptions = Readonly<Omit<z.output<typeof schema>, 'sparsity'>> & { readonly sparsity?: number };

const patternOf = (pattern: string): { readonly kept: number; readonly of: number } | null => {
  if (pattern === 'unstructured') return null;
  const [kept = 0, of = 0] = pattern.split(':').map(Number);
  return { kept, of };
};

/** What the options ask to be left of every output. */
export const densityOf = ({ pattern, sparsity }: SparsityOptions): Density => patternOf(pattern) ?? { zeros: sparsity ?? defaultSparsity };

/** `sparsity` goes with the pattern `unstructured` and with no other. */
export const sparsityOptions: OptionSchema<SparsityOptions> = optionSchema(schema, ({ sparsity, ...options }, where) => {
  const pattern = patternOf(options.pattern);
  if (pattern === null) return { ...options, sparsity: sparsity ?? defaultSparsity };
  if (sparsity !== undefined)
    throw new GateError(
      'option-invalid',
      `The pattern ${options.pattern} says itself how many weights stay. \`sparsity\` belongs to the pattern "unstructured": remove one of both.`,
      {
        where: `${where}.sparsity`,
      },
    );
  if (pattern.kept >= pattern.of || pattern.of > widestGroup)
    throw new GateError(
      'option-invalid',
      `The pattern keeps N of M weights. Expected N below M, and M at most ${widestGroup}, got ${options.pattern}.`,
      {
        where: `${where}.pattern`,
      },
    );
  return options;
});
