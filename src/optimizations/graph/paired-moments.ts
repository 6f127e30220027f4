import type { Calibration, Matrix, ModelView, Products } from '../../contract/build.ts';
import { matrix } from '../algebra/matrix.ts';

/** A tensor `inner` of a model that was rewritten, and the tensor `outer` of the model as it came that is to be made of it. */
export interface TensorPair {
  readonly inner: string;
  readonly outer: string;
  /** Part of `outer` that is added whatever comes in, by channel; null: none. */
  readonly bias: Float32Array | null;
}

/** Sums over the calibration text: zᵀz and zᵀy, z the values of `inner` and y those of `outer`. */
interface PairedMoments {
  readonly moment: Float64Array;
  readonly cross: Matrix;
}

type Observed = Parameters<Parameters<Calibration['observe']>[2]>[0];

const tableOf = (values: Observed | undefined, name: string): Matrix<Float32Array> => {
  const { dims, data } = values?.[name] ?? { dims: [0], data: new Float32Array() };
  const width = dims.at(-1) ?? 0;
  return { rows: width === 0 ? 0 : data.length / width, columns: width, data };
};

/** Rows without what is added to each of them. */
const without = (table: Matrix<Float32Array>, bias: Float32Array | null): Matrix<Float32Array> =>
  bias === null ? table : { ...table, data: table.data.map((value, at) => value - (bias[at % table.columns] ?? 0)) };

const added = (sums: Float64Array, values: Float32Array): void => {
  for (let at = 0; at < sums.length; at += 1) sums[at] = (sums[at] as number) + (values[at] as number);
};

/** What pairs of tensors have in common, position by position, from one sweep of each model. */
export const pairedMoments = async (
  calibration: Calibration,
  rewritten: ModelView,
  stage: string,
  pairs: readonly TensorPair[],
  products: Products,
): Promise<ReadonlyMap<TensorPair, PairedMoments>> => {
  const found = new Map<TensorPair, PairedMoments>();
  const windows: Observed[] = [];
  await calibration.observe(stage, [...new Set(pairs.map(({ outer }) => outer))], (values) => windows.push(values));
  let window = 0;
  await calibration.through(rewritten).observe(stage, [...new Set(pairs.map(({ inner }) => inner))], async (values) => {
    for (const pair of pairs) {
      const [inner, outer] = [tableOf(values, pair.inner), without(tableOf(windows[window], pair.outer), pair.bias)];
      const sums = found.get(pair) ?? {
        moment: new Float64Array(inner.columns ** 2),
        cross: matrix(inner.columns, outer.columns),
      };
      found.set(pair, sums);
      // Half the digits are enough within a window.
      added(sums.moment, (await products.multiply(inner, inner, 'left')).data);
      added(sums.cross.data, (await products.multiply(inner, outer, 'left')).data);
    }
    window += 1;
  });
  return found;
};
