/** What second moments are of: its key, and how many elements its moments have. */
interface Sized<Key> {
  readonly key: Key;
  readonly elements: number;
}

/** Moments held at once take this many bytes at most, or as many as those of one key. */
const mostBytes = 2 ** 30;

/** Keys from `start` on whose moments fit into the memory together, each once; at least the first. */
const turnFrom = <Key>(all: readonly Sized<Key>[], start: number): readonly Key[] => {
  const turn = new Set<Key>();
  let bytes = 0;
  for (const { key, elements } of all.slice(start)) {
    if (turn.has(key)) continue;
    bytes += 8 * elements;
    if (bytes > mostBytes && turn.size > 0) break;
    turn.add(key);
  }
  return [...turn];
};

/**
 * Moments by key, from one sweep of the calibration for as many keys as fit into the memory. Ask in the order of `all`: what was
 * held is given up for those that come next.
 * @param sweep moments of some keys, over the whole calibration text
 */
export const momentsInTurns = <Key, Moments>(
  all: readonly Sized<Key>[],
  sweep: (turn: readonly Key[]) => Promise<ReadonlyMap<Key, Moments>>,
): ((key: Key) => Promise<Moments | undefined>) => {
  let held: ReadonlyMap<Key, Moments> = new Map();
  return async (key) => {
    if (!held.has(key)) {
      held = new Map();
      held = await sweep(
        turnFrom(
          all,
          all.findIndex((each) => each.key === key),
        ),
      );
    }
    return held.get(key);
  };
};
