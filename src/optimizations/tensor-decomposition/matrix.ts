/** A dense matrix, row-major. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

export const matrix = (rows: number, columns: number, values: ArrayLike<number> = { length: 0 }): Matrix => {
  const data = new Float64Array(rows * columns);
  data.set(values);
  return { rows, columns, data };
};

/** Where large products are computed; `right` is taken as its transpose when `flipped`. */
export type Multiply = (left: Matrix, right: Matrix, flipped: boolean) => Promise<Matrix>;

/** left · right */
export const times = (left: Matrix, right: Matrix): Matrix => {
  const out = new Float64Array(left.rows * right.columns);
  const width = right.columns;
  const { data } = right;
  for (let i = 0; i < left.rows; i += 1)
    for (let k = 0; k < left.columns; k += 1) {
      const factor = left.data[i * left.columns + k] ?? 0;
      if (factor === 0) continue;
      for (let j = 0, to = i * width, from = k * width; j < width; j += 1, to += 1, from += 1)
        out[to] = (out[to] as number) + factor * (data[from] as number);
    }
  return { rows: left.rows, columns: width, data: out };
};

/** left · rightᵀ */
export const timesTransposed = (left: Matrix, right: Matrix): Matrix => {
  const out = new Float64Array(left.rows * right.rows);
  const inner = left.columns;
  const [first, second] = [left.data, right.data];
  for (let i = 0; i < left.rows; i += 1)
    for (let j = 0; j < right.rows; j += 1) {
      let sum = 0;
      for (let k = 0, a = i * inner, b = j * inner; k < inner; k += 1, a += 1, b += 1) sum += (first[a] as number) * (second[b] as number);
      out[i * right.rows + j] = sum;
    }
  return { rows: left.rows, columns: right.rows, data: out };
};

export const flipped = ({ rows, columns, data }: Matrix): Matrix => {
  const out = new Float64Array(data.length);
  for (let i = 0; i < rows; i += 1) for (let j = 0; j < columns; j += 1) out[j * rows + i] = data[i * columns + j] ?? 0;
  return { rows: columns, columns: rows, data: out };
};

/** Products in plain loops of this process: right for matrices up to a few thousand wide. */
export const multiplyHere: Multiply = async (left, right, transposed) => (transposed ? timesTransposed(left, right) : times(left, right));

/** The first `count` rows. */
export const topRows = ({ columns, data }: Matrix, count: number): Matrix => ({
  rows: count,
  columns,
  data: data.slice(0, count * columns),
});

/** Each row times its factor. */
export const scaledRows = ({ rows, columns, data }: Matrix, factor: (row: number) => number): Matrix => ({
  rows,
  columns,
  data: data.map((value, at) => value * factor(Math.floor(at / columns))),
});

/** Rows made orthonormal (modified Gram-Schmidt, twice, which keeps them so to rounding); a row that depends on earlier ones becomes 0. */
export const orthonormalRows = ({ rows, columns, data }: Matrix): Matrix => {
  const out = data.slice();
  const dot = (a: number, b: number): number => {
    let sum = 0;
    for (let i = 0, p = a * columns, q = b * columns; i < columns; i += 1, p += 1, q += 1) sum += (out[p] as number) * (out[q] as number);
    return sum;
  };
  for (let row = 0; row < rows; row += 1) {
    const before = Math.sqrt(dot(row, row));
    for (let pass = 0; pass < 2; pass += 1)
      for (let other = 0; other < row; other += 1) {
        const share = dot(row, other);
        for (let i = 0, p = row * columns, q = other * columns; i < columns; i += 1, p += 1, q += 1)
          out[p] = (out[p] as number) - share * (out[q] as number);
      }
    const length = Math.sqrt(dot(row, row));
    const scale = length > before * 1e-12 ? 1 / length : 0;
    for (let p = row * columns; p < (row + 1) * columns; p += 1) out[p] = (out[p] ?? 0) * scale;
  }
  return { rows, columns, data: out };
};
