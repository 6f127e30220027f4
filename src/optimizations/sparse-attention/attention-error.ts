import { type Pattern, sees } from './pattern.ts';

/** What one attention block reads and gives on one window of text: one row of tokens, nothing cached before it. */
export interface Heads {
  readonly positions: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly valueSize: number;
  readonly scale: number;
  /** Query of a head at a position, turned: `headSize` numbers. */
  query(position: number, head: number): Float32Array;
  /** [key heads, positions, head size], turned. */
  readonly keys: Float32Array;
  /** [key heads, positions, value size] */
  readonly values: Float32Array;
}

/**
 * How far the outputs of a block go astray at one position when keys are hidden: for each pattern ‖sparse − dense‖² ÷ ‖dense‖² over all heads.
 * 0 where a pattern hides nothing.
 */
export const strayAt = (block: Heads, position: number, patterns: readonly Pattern[]): readonly number[] => {
  const { heads, kvHeads, headSize, valueSize, keys, values, positions, scale } = block;
  const all = Array.from({ length: position + 1 }, (_, key) => key);
  const seen = patterns.map((pattern) => all.filter((key) => sees(pattern, position, key)));
  const strays = patterns.map(() => 0);
  const weights = new Float64Array(position + 1);
  let energy = 0;
  const mixed = (group: number, columns: readonly number[]): Float64Array => {
    const out = new Float64Array(valueSize);
    let total = 0;
    for (const key of columns) {
      const weight = weights[key] ?? 0;
      const from = (group * positions + key) * valueSize;
      total += weight;
      for (let at = 0; at < valueSize; at += 1) out[at] = (out[at] as number) + weight * (values[from + at] as number);
    }
    return out.map((value) => value / total);
  };
  for (let head = 0; head < heads; head += 1) {
    const group = Math.floor(head / (heads / kvHeads));
    const query = block.query(position, head);
    let largest = Number.NEGATIVE_INFINITY;
    for (let key = 0; key <= position; key += 1) {
      const from = (group * positions + key) * headSize;
      let score = 0;
      for (let at = 0; at < headSize; at += 1) score += (query[at] as number) * (keys[from + at] as number);
      weights[key] = score * scale;
      largest = Math.max(largest, score * scale);
    }
    // Scores far below the largest that is left must not vanish: a pattern may hide the largest.
    for (let key = 0; key <= position; key += 1) weights[key] = Math.exp(Math.max((weights[key] as number) - largest, -700));
    const dense = mixed(group, all);
    for (const value of dense) energy += value * value;
    for (const [at, columns] of seen.entries()) {
      if (columns.length === position + 1) continue;
      const sparse = mixed(group, columns);
      for (let i = 0; i < valueSize; i += 1) strays[at] = (strays[at] ?? 0) + ((sparse[i] as number) - (dense[i] as number)) ** 2;
    }
  }
  return strays.map((stray) => (stray === 0 ? 0 : stray / (energy || 1)));
};

/** Elements (i, i + n) of the first 2n of a vector, or neighbours (2i, 2i + 1), turned by the angle of each pair. */
export const turned = (vector: Float32Array, cos: Float32Array, sin: Float32Array, neighbours: boolean): Float32Array => {
  const out = vector.slice();
  for (let i = 0; i < cos.length; i += 1) {
    const [first, second] = neighbours ? [2 * i, 2 * i + 1] : [i, i + cos.length];
    const [a, b, c, s] = [vector[first] ?? 0, vector[second] ?? 0, cos[i] ?? 1, sin[i] ?? 0];
    out[first] = a * c - b * s;
    out[second] = b * c + a * s;
  }
  return out;
};
