import type { Matrix } from '../../src/contract/build.ts';
import { matrix } from '../../src/optimizations/algebra/matrix.ts';

/** The generator of the scripts of the oracles: numbers from −1 to 1. */
export const numbers = (seed: number, count: number): number[] => {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
};

/** left · right in plain loops, to judge by. */
export const times = (left: Matrix, right: Matrix): Matrix => {
  const out = matrix(left.rows, right.columns);
  for (let i = 0; i < left.rows; i += 1)
    for (let k = 0; k < left.columns; k += 1)
      for (let j = 0; j < right.columns; j += 1)
        out.data[i * right.columns + j]! += left.data[i * left.columns + k]! * right.data[k * right.columns + j]!;
  return out;
};
