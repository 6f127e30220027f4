/** Edits (insert, delete, replace, swap of neighbours) that turn `from` into `to`. */
const editDistance = (from: string, to: string): number => {
  let beforeLast: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1] ? 0 : 1;
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      current.push(
        Math.min(
          (last[column] ?? 0) + 1,
          (current[column - 1] ?? 0) + 1,
          (last[column - 1] ?? 0) + same,
          swapped ? (beforeLast[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    beforeLast = last;
    last = current;
  }
  return last[to.length] ?? 0;
};

const plain = (word: string): string => word.toLowerCase().replaceAll('_', '-');

/**
 * The known word that `word` was probably meant to be, or null when none is near (more than a third of the letters differ).
 * Case and `_` for `-` count for nothing; a word that a known one begins or ends with is near. Ties go to the first.
 */
export const nearest = (word: string, known: readonly string[]): string | null => {
  const sought = plain(word).slice(0, 100);
  let best: { readonly word: string; readonly distance: number } | null = null;
  for (const candidate of known) {
    const target = plain(candidate);
    const part = sought.length >= 4 && (target.startsWith(sought) || target.endsWith(sought));
    const distance = part ? 1 : editDistance(sought, target);
    const allowed = Math.max(1, Math.floor(Math.max(sought.length, target.length) / 3));
    if (distance <= allowed && (best === null || distance < best.distance)) best = { word: candidate, distance };
  }
  return best?.word ?? null;
};

/** ` Did you mean "x"?` when a known word is near, else ` Known: a, b, c.` (at most 20 of them). */
export const suggestion = (word: string, known: readonly string[]): string => {
  const near = nearest(word, known);
  if (near !== null) return ` Did you mean "${near}"?`;
  if (known.length === 0) return '';
  return ` Known: ${known.slice(0, 20).join(', ')}${known.length > 20 ? ', …' : ''}.`;
};
