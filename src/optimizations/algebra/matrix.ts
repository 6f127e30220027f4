import type { Matrix } from '../../contract/build.ts';

export const matrix = (rows: number, columns: number, values: ArrayLike<number> = { length: 0 }): Matrix => {
  const data = new Float64Array(rows * columns);
  data.set(values);
  return { rows, columns, data };
};

const tile = 32;

/** The transpose; by tiles, because one of the two sides is always far apart in memory. */
export const flipped = ({ rows, columns, data }: Matrix): Matrix => {
  const out = new Float64Array(data.length);
  for (let top = 0; top < rows; top += tile)
    for (let left = 0; left < columns; left += tile)
      for (let i = top; i < Math.min(rows, top + tile); i += 1)
        for (let j = left; j < Math.min(columns, left + tile); j += 1) out[j * rows + i] = data[i * columns + j] as number;
  return { rows: columns, columns: rows, data: out };
};

/** The first `count` rows. */
export const topRows = ({ columns, data }: Matrix, count: number): Matrix => ({
  rows: count,
  columns,
  data: data.slice(0, count * columns),
});

/** A copy of `rows` × `columns` elements from row `top` and column `left` on. */
export const block = (whole: Matrix, top: number, left: number, rows: number, columns: number): Matrix => {
  const out = matrix(rows, columns);
  for (let row = 0; row < rows; row += 1) {
    const from = (top + row) * whole.columns + left;
    out.data.set(whole.data.subarray(from, from + columns), row * columns);
  }
  return out;
};

/** Writes `part` into `whole` from row `top` and column `left` on. */
export const placed = (whole: Matrix, part: Matrix, top: number, left: number): void => {
  for (let row = 0; row < part.rows; row += 1)
    whole.data.set(part.data.subarray(row * part.columns, (row + 1) * part.columns), (top + row) * whole.columns + left);
};

/** Each row times its factor. */
export const scaledRows = ({ rows, columns, data }: Matrix, factor: (row: number) => number): Matrix => {
  const out = new Float64Array(data.length);
  for (let row = 0; row < rows; row += 1) {
    const scale = factor(row);
    for (let at = row * columns; at < (row + 1) * columns; at += 1) out[at] = (data[at] as number) * scale;
  }
  return { rows, columns, data: out };
};

/** Sum of squares. */
export const energyOf = ({ data }: Matrix): number => {
  let sum = 0;
  for (let at = 0; at < data.length; at += 1) sum += (data[at] as number) ** 2;
  return sum;
};
