import { z } from 'zod';
import type { Immutable } from './words.ts';

/**
 * What an optimization claims to gain, by the metrics that must show it. A cell whose numbers do not bear out a claim is called
 * ineffective; its verdict stays.
 */
export const claim = z.discriminatedUnion('of', [
  /**
   * What is removed makes the model faster than the reference. `removed`: the metrics that count it, in percent or against the
   * reference, each with the word for a model that lacks it; the first that shows a removal names it. `possible`: the metric of the
   * speed-up that could be had, null where none says.
   */
  z.strictObject({
    of: z.literal('faster'),
    removed: z.array(z.strictObject({ metric: z.string(), word: z.string() })).min(1),
    possible: z.string().nullable(),
  }),
  /**
   * Better in something than a comparator, or as good in everything: each metric compares head with it, as a quotient (log scale, 1 is equal) or
   * a difference (0 is equal). `comparator` names it in words.
   */
  z.strictObject({ of: z.literal('undominated'), comparator: z.string(), metrics: z.array(z.string()).min(1) }),
  /** The files are smaller than those of the reference: `ratio` is a metric of reference ÷ head. */
  z.strictObject({ of: z.literal('compressed'), ratio: z.string() }),
]);
export type Claim = Immutable<z.infer<typeof claim>>;
