/** Positions of the `count` largest scores, ascending; of equal scores the earlier ones. */
export declare const largest: (scores: ArrayLike<number>, count: number) => readonly number[];
/** Width that is left: nearest multiple to width · (1 − ratio), at least one multiple and at most the width. */
export declare const keptWidth: (width: number, ratio: number, multiple: number) => number;
/** Heads, layers or experts that are left: with a ratio above 0 at least one goes, and at least `fewest` stay. */
export declare const keptCount: (count: number, ratio: number, fewest?: number) => number;
