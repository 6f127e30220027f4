/** Positions of the `count` largest scores, ascending; of equal scores the earlier ones. */
export const largest = (scores: ArrayLike<number>, count: number): readonly number[] =>
  Array.from({ length: scores.length }, (_, at) => at)
    .sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b)
    .slice(0, count)
    .sort((a, b) => a - b);

/** Width that is left: nearest multiple to width · (1 − ratio), at least one multiple and at most the width. */
export const keptWidth = (width: number, ratio: number, multiple: number): number =>
  Math.min(width, Math.max(multiple, Math.round((width * (1 - ratio)) / multiple) * multiple));

/** Heads, layers or experts that are left: with a ratio above 0 at least one goes, and at least `fewest` stay. */
export const keptCount = (count: number, ratio: number, fewest = 1): number =>
  ratio === 0 ? count : Math.min(count, Math.max(fewest, count - Math.max(1, Math.round(count * ratio))));
