/** A point of three objectives, all to be made small. */
export type Objectives = readonly [number, number, number];

/** Area below `worst` that some point dominates; the points come in the order of their first coordinate. */
const area = (sorted: readonly Objectives[], worst: Objectives): number => {
  let total = 0;
  let lowest = worst[1];
  for (const [first, second] of sorted) {
    if (second >= lowest) continue;
    total += (worst[0] - first) * (lowest - second);
    lowest = second;
  }
  return total;
};

/**
 * The volume between some points and a worst one: all that at least one of them dominates (Zitzler and Thiele 1998). Exact: the third
 * coordinate is swept, and between two of its values lies a slab over the area of the points so far. A point that is not below `worst`
 * in every coordinate adds nothing. n² log n for n points.
 */
export const hypervolume = (points: readonly Objectives[], worst: Objectives): number => {
  const inside = points.filter((point) => point.every((value, axis) => value < (worst[axis] ?? 0))).sort((a, b) => a[2] - b[2]);
  let volume = 0;
  for (const [at, [, , from]] of inside.entries()) {
    const to = inside[at + 1]?.[2] ?? worst[2];
    if (to === from) continue;
    const below = inside.slice(0, at + 1).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    volume += (to - from) * area(below, worst);
  }
  return volume;
};

/**
 * The worst point for a set: a tenth of the range beyond its worst values, so that the ends of a front count too (Ishibuchi et al. 2018).
 * An objective in which all are equal is given a range of one.
 */
export const beyondWorst = (points: readonly Objectives[]): Objectives => {
  const along = (axis: 0 | 1 | 2): number => {
    const values = points.map((point) => point[axis]);
    const worst = Math.max(...values);
    return worst + 0.1 * (worst - Math.min(...values) || 1);
  };
  return [along(0), along(1), along(2)];
};

/** Whether `a` is nowhere worse than `b` and somewhere better. */
const dominates = (a: Objectives, b: Objectives): boolean =>
  a.every((value, axis) => value <= (b[axis] ?? Number.NaN)) && a.some((value, axis) => value < (b[axis] ?? Number.NaN));

/** What nothing else dominates, in the order given. */
export const frontOf = <T>(items: readonly T[], objectives: (item: T) => Objectives): readonly T[] =>
  items.filter((item) => !items.some((other) => dominates(objectives(other), objectives(item))));
