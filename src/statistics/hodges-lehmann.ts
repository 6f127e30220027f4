import { middle, requireFinite } from './describe.ts';
import { signedRankTail } from './signed-rank.ts';

export interface Centre {
  readonly estimate: number;
  /** One-sided bound at level 1 − alpha; null where so few values give none. */
  readonly lower: number | null;
  readonly upper: number | null;
}

/**
 * Hodges-Lehmann centre (median of the Walsh averages) with exact bounds from the signed rank distribution: each bound holds
 * with probability ≥ 1 − `alpha` for symmetric values, both together with 1 − 2·`alpha` (0.05: a 90 % interval). Below
 * log2(1/alpha) values there is no bound (5 values are the fewest at 0.05). Throws `document-invalid` on no or non-finite values.
 */
export const hodgesLehmann = (values: readonly number[], alpha = 0.05): Centre => {
  requireFinite(values, 'Hodges-Lehmann estimate');
  const tail = signedRankTail(values.length);
  const count = (values.length * (values.length + 1)) / 2;
  const averages = new Float64Array(count);
  let filled = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? Number.NaN;
    for (let j = i; j < values.length; j++) averages[filled++] = (value + (values[j] ?? value)) / 2;
  }
  averages.sort();
  // The k-th smallest average is a bound while P(W+ ≤ k − 1) = P(W+ ≥ count − k + 1) ≤ alpha.
  let k = 0;
  while (k < count && (tail[count - k] ?? 1) <= alpha) k++;
  return {
    estimate: middle(averages),
    lower: k > 0 ? (averages[k - 1] ?? null) : null,
    upper: k > 0 ? (averages[count - k] ?? null) : null,
  };
};
