import { GateError } from '../errors.ts';
import { doubledRanks, rounding } from './ranks.ts';

/** More values than any launch plan has; the exact distribution below costs about the cube of their number. */
const mostValues = 400;

/** P(sum of a random subset of `ranks` = w) for every w: each rank is in with probability one half. */
const distribution = (ranks: readonly number[]): Float64Array => {
  let total = 0;
  for (const rank of ranks) total += rank;
  const chance = new Float64Array(total + 1);
  chance[0] = 1;
  let reach = 0;
  for (const rank of ranks) {
    reach += rank;
    for (let w = reach; w >= 0; w--) chance[w] = ((chance[w] ?? 0) + (w >= rank ? (chance[w - rank] ?? 0) : 0)) / 2;
  }
  return chance;
};

/**
 * Exact one-sided p of Wilcoxon's signed rank test of H0 "centre ≤ `centre`" against "centre larger". Ties take mid-ranks
 * and the exact distribution of those (all sign patterns, each equally likely), so that a value which grows into a tie or out of one can raise p;
 * zeros are dropped; nothing left: 1. A value within 1e-9 of the centre's size is a zero, and sizes
 * that differ by as little are a tie: else the last bit would decide on which side a value lies.
 * Smallest possible value 2^-n. Throws `document-invalid` on a non-finite value or more than 400 of them.
 */
export const signedRankGreater = (values: readonly number[], centre = 0): number => {
  if (values.length > mostValues)
    throw new GateError('document-invalid', `A signed-rank test was done. Expected at most ${mostValues} values, got ${values.length}.`);
  const dust = rounding * Math.abs(centre);
  const shifted = values.map((value) => value - centre).filter((value) => !(Math.abs(value) <= dust));
  if (shifted.some((value) => !Number.isFinite(value)))
    throw new GateError('document-invalid', 'A signed-rank test was done. Expected finite numbers, got another.');
  if (shifted.length === 0) return 1;
  const ranks = doubledRanks(shifted.map(Math.abs), dust);
  let positive = 0;
  shifted.forEach((value, i) => {
    if (value > 0) positive += ranks[i] ?? 0;
  });
  // Without ties the doubled ranks are 2, 4 … 2n, whose distribution is known.
  if (new Set(ranks).size === ranks.length) return Math.min(1, signedRankTail(ranks.length)[positive / 2] ?? 1);
  const chance = distribution(ranks);
  let p = 0;
  for (let w = chance.length - 1; w >= positive; w--) p += chance[w] ?? 0;
  return Math.min(1, p);
};

/** Exact two-sided p of H0 "centre = `centre`": twice the smaller tail, at most 1. Errors as `signedRankGreater`. */
export const signedRankTwoSided = (values: readonly number[], centre = 0): number => {
  const above = signedRankGreater(values, centre);
  const below = signedRankGreater(
    values.map((value) => -value),
    -centre,
  );
  return Math.min(1, 2 * Math.min(above, below));
};

/** By number of differences: every metric asks for those of the looks. */
const tails = new Map<number, readonly number[]>();

/** P(W+ ≥ w) for w = 0 … n(n+1)/2 of `n` untied differences: what exact bounds are read from. */
export const signedRankTail = (n: number): readonly number[] => {
  const known = tails.get(n);
  if (known !== undefined) return known;
  if (n > mostValues)
    throw new GateError('document-invalid', `A signed-rank distribution was asked for. Expected at most ${mostValues} values, got ${n}.`);
  const tail = distribution(Array.from({ length: n }, (_, i) => i + 1));
  for (let w = tail.length - 2; w >= 0; w--) tail[w] = (tail[w] ?? 0) + (tail[w + 1] ?? 0);
  const made: readonly number[] = [...tail];
  tails.set(n, made);
  return made;
};
