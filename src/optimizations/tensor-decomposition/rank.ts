import type { DecompositionOptions } from './options.ts';

/** Largest rank, a multiple, whose factors of `perRank` elements each are fewer than the `dense` elements that they replace; 0: none. */
export const savingRank = (dense: number, perRank: number, multiple: number): number =>
  Math.floor((dense - 1) / perRank / multiple) * multiple;

/**
 * Rank that the options ask for: a share of `full`, or the least one that keeps the energy.
 * @param values singular values in falling order, possibly not all; @param energy squares of all of them added up
 * @returns a multiple, at most `full`; null where the values given do not reach the energy.
 */
export const wantedRank = (
  options: Pick<DecompositionOptions, 'rank' | 'multiple'>,
  values: ArrayLike<number>,
  energy: number,
  full: number,
): number | null => {
  const rounded = (rank: number): number =>
    Math.min(full, Math.max(options.multiple, Math.ceil(rank / options.multiple) * options.multiple));
  if (options.rank.by === 'ratio') return rounded(Math.round(full * options.rank.share));
  let kept = 0;
  for (let at = 0; at < values.length; at += 1) {
    kept += (values[at] ?? 0) ** 2;
    if (kept >= energy * options.rank.keep) return rounded(at + 1);
  }
  return values.length >= full ? full : null;
};
