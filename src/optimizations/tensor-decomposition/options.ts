import { z } from 'zod';
import type { OptionSchema } from '../../contract/benchmark.ts';
import { optionSchema } from '../../contract/option-schema.ts';
import { GateError } from '../../errors.ts';
import { type WeightTarget, weightTargets } from '../../onnx/recognise/layer-weights.ts';

const defaultEnergy = 0.95;

const schema = z.strictObject({
  target: z
    .enum(weightTargets)
    .default('ffn')
    .describe(
      'Which matrices are factored: feed-forwards with their experts, projections of attention, both in every stage of the model, or both in the vision tower alone.',
    ),
  energy: z
    .number()
    .gt(0)
    .lte(1)
    .optional()
    .describe(`Share of the squared output of each matrix that its factors keep; ${defaultEnergy} where no rank is given.`),
  'rank-ratio': z.number().gt(0).lte(1).optional().describe('Rank of the factors as a share of full rank, instead of energy.'),
  aware: z.boolean().default(true).describe('Weigh by activations on calibration text; without, the matrix alone counts.'),
  refit: z
    .boolean()
    .default(true)
    .describe(
      'Whether the second factor of each matrix is refitted on calibration text: what the factored model feeds it is to give what the matrix gave.',
    ),
  multiple: z.int().min(1).max(1024).default(8).describe('Ranks are a multiple of this.'),
});

export interface DecompositionOptions {
  readonly target: WeightTarget;
  readonly aware: boolean;
  readonly refit: boolean;
  readonly multiple: number;
  readonly rank: { readonly by: 'energy'; readonly keep: number } | { readonly by: 'ratio'; readonly share: number };
}

/** Exactly one of `energy` and `rank-ratio` decides the ranks. */
export const decompositionOptions: OptionSchema<DecompositionOptions> = optionSchema(
  schema,
  ({ target, energy, 'rank-ratio': share, aware, refit, multiple }, where) => {
    if (energy !== undefined && share !== undefined)
      throw new GateError('option-invalid', 'Expected `energy` or `rank-ratio`, got both: remove one.', { where: `${where}.rank-ratio` });
    return {
      target,
      aware,
      refit,
      multiple,
      rank: share === undefined ? { by: 'energy', keep: energy ?? defaultEnergy } : { by: 'ratio', share },
    };
  },
);
