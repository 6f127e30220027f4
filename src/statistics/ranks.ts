/** Relative size of what rounding leaves of a difference that is none. */
export const rounding = 1e-9;

/**
 * Mid-ranks, doubled so that they stay whole numbers. Values that differ from their neighbour by no
 * more than `dust` and rounding are tied.
 */
export const doubledRanks = (values: readonly number[], dust = 0): number[] => {
  const order = values.map((value, index) => ({ value, index })).sort((a, b) => a.value - b.value);
  const ranks = new Array<number>(values.length).fill(0);
  for (let first = 0; first < order.length; ) {
    let last = first;
    for (let next = order[last + 1]; next !== undefined; next = order[last + 1]) {
      const value = order[last]?.value ?? 0;
      if (next.value - value > dust + rounding * Math.abs(value)) break;
      last++;
    }
    for (let k = first; k <= last; k++) ranks[order[k]?.index ?? 0] = first + last + 2;
    first = last + 1;
  }
  return ranks;
};
