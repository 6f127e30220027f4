const golden = 0x9e3779b9;

/** Spreads every input bit over the whole word (multiply, shift, exclusive or), so that near seeds give far streams. */
const mixed = (word: number): number => {
  let h = word >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
};

/**
 * A deterministic stream of numbers in [0, 1) with 32 bits each: a counter of period 2^32, mixed. For orders and
 * choices, not for secrets. `seed` is taken modulo 2^32.
 */
export const seededRandom = (seed: number): (() => number) => {
  let state = mixed(seed ^ golden);
  return () => {
    state = (state + golden) >>> 0;
    return mixed(state) / 0x1_0000_0000;
  };
};

/** A uint32 seed for one purpose: equal seed and labels give the same one; the bounds of the labels count (`a`,`b` is not `ab`). */
export const deriveSeed = (seed: number, ...labels: readonly string[]): number => {
  let hash = mixed(seed ^ golden);
  for (const label of labels) {
    for (let i = 0; i < label.length; i++) hash = mixed(Math.imul(hash, 31) + label.charCodeAt(i));
    hash = mixed(hash ^ Math.imul(label.length + 1, golden));
  }
  return hash;
};

/** A new array in an order drawn from `random` (Fisher-Yates); the input stays as it is. */
export const shuffled = <T>(items: readonly T[], random: () => number): T[] => {
  const order: T[] = [];
  for (const item of items) {
    const at = Math.floor(random() * (order.length + 1));
    order.push(item);
    if (at < order.length - 1) [order[at], order[order.length - 1]] = [item, order[at] as T];
  }
  return order;
};
