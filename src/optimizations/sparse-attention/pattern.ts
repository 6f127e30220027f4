/**
 * Which keys a query sees. All patterns see the newest `window` positions, the query's own among them, exactly: the blocks that scores are
 * computed in do not show. `globals` are older positions that everybody sees: the first ones (attention sinks, arXiv 2309.17453), or every
 * k-th one (the fixed pattern of Sparse Transformers, arXiv 1904.10509).
 */
export interface Pattern {
  readonly window: number;
  /** Every `stride`-th position, of those the first `limit`; null: nothing beside the window. */
  readonly globals: { readonly stride: number; readonly limit: number } | null;
}

/** The first `count` positions are global. */
export const sinkWindow = (window: number, count: number): Pattern => ({ window, globals: { stride: 1, limit: count } });
/** Positions `stride − 1`, `2 · stride − 1`, … are global. */
export const stridedWindow = (window: number, stride: number): Pattern => ({ window, globals: { stride, limit: 2 ** 31 - 1 } });
export const windowOnly = (window: number): Pattern => ({ window, globals: null });

/** How many global positions lie before `position`. */
export const globalsBefore = ({ globals }: Pattern, position: number): number =>
  globals === null ? 0 : Math.min(globals.limit, Math.floor(Math.max(0, position) / globals.stride));

/** Whether the query at one position sees the key at another. */
export const sees = (pattern: Pattern, query: number, key: number): boolean => {
  if (key > query) return false;
  if (key > query - pattern.window) return true;
  const { globals } = pattern;
  return globals !== null && (key + 1) % globals.stride === 0 && (key + 1) / globals.stride <= globals.limit;
};

/** How many keys a query at `position` sees. */
export const keysSeen = (pattern: Pattern, position: number): number =>
  Math.min(pattern.window, position + 1) + globalsBefore(pattern, position + 1 - pattern.window);
