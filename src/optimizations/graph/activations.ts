import type { Calibration, Products } from '../../contract/build.ts';

/** Sum of squares of every channel (last axis) of the named tensors over the calibration text. */
export const channelEnergy = async (
  calibration: Calibration,
  stage: string,
  tensors: readonly string[],
): Promise<ReadonlyMap<string, Float64Array>> => {
  const energy = new Map<string, Float64Array>();
  if (tensors.length === 0) return energy;
  await calibration.observe(stage, [...new Set(tensors)], (values) => {
    for (const [name, { dims, data }] of Object.entries(values)) {
      const width = dims.at(-1) ?? 1;
      const sums = energy.get(name) ?? new Float64Array(width);
      energy.set(name, sums);
      for (let at = 0; at < data.length; at += width)
        for (let channel = 0; channel < width; channel += 1) sums[channel] = (sums[channel] ?? 0) + (data[at + channel] ?? 0) ** 2;
    }
  });
  return energy;
};

/** A tensor before a block, and the two whose sum stands behind it. */
export interface ResidualBlock {
  readonly before: string;
  readonly sum: readonly [string, string];
}

/** Mean cosine between the stream before and behind each block, position by position; NaN where nothing was observed. */
export const meanCosines = async (calibration: Calibration, stage: string, turns: readonly ResidualBlock[]): Promise<readonly number[]> => {
  const sums = new Float64Array(turns.length);
  const counts = new Float64Array(turns.length);
  await calibration.observe(stage, [...new Set(turns.flatMap(({ before, sum }) => [before, ...sum]))], (values) => {
    for (const [at, { before, sum }] of turns.entries()) {
      const a = values[before];
      const [b, c] = [values[sum[0]], values[sum[1]]];
      if (a === undefined || b === undefined || c === undefined) continue;
      const width = a.dims.at(-1) ?? 1;
      for (let start = 0; start < a.data.length; start += width) {
        let product = 0;
        let first = 0;
        let second = 0;
        for (let i = start; i < start + width; i += 1) {
          const x = a.data[i] ?? 0;
          const y = (b.data[i] ?? 0) + (c.data[i] ?? 0);
          product += x * y;
          first += x * x;
          second += y * y;
        }
        sums[at] = (sums[at] ?? 0) + product / Math.sqrt(first * second || 1);
        counts[at] = (counts[at] ?? 0) + 1;
      }
    }
  });
  return turns.map((_, at) => (sums[at] ?? 0) / (counts[at] ?? 0));
};

/** Mean of xᵀx over the positions of each named tensor, [width, width] row-major: what a linear's inputs have in common. */
export const secondMoments = async (
  calibration: Calibration,
  stage: string,
  tensors: readonly string[],
  products: Products,
): Promise<ReadonlyMap<string, Float64Array>> => {
  const moments = new Map<string, Float64Array>();
  const counts = new Map<string, number>();
  if (tensors.length === 0) return moments;
  await calibration.observe(stage, [...new Set(tensors)], async (values) => {
    for (const [name, { dims, data }] of Object.entries(values)) {
      const width = dims.at(-1) ?? 1;
      const seen = { rows: data.length / width, columns: width, data };
      // Half the digits are enough within a window, and four times as fast.
      const squares = new Float64Array((await products.multiply(seen, seen, 'left')).data);
      const sums = moments.get(name);
      if (sums === undefined) moments.set(name, squares);
      else for (let at = 0; at < squares.length; at += 1) sums[at] = (sums[at] as number) + (squares[at] as number);
      counts.set(name, (counts.get(name) ?? 0) + seen.rows);
    }
  });
  for (const [name, sums] of moments) {
    const count = counts.get(name) ?? 1;
    for (let at = 0; at < sums.length; at += 1) sums[at] = (sums[at] as number) / count;
  }
  return moments;
};
