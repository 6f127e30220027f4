import type { Matrix } from '../src/contract/build.ts';
import { energyOf, matrix, scaledRows } from '../src/optimizations/algebra/matrix.ts';
import { factorise, weighingByEnergy } from '../src/optimizations/tensor-decomposition/linear.ts';
import { runtimeRoots } from '../src/runtime/library.ts';
import { openProducts } from '../src/runtime/product.ts';
import { deriveSeed, seededRandom } from '../src/statistics/random.ts';
import type { Comparison } from './comparison.ts';

/** A feed-forward of a model with seven thousand million weights. */
const [rows, columns, rank] = [4096, 11008, 512];

/** Falls slowly, as that of trained matrices does: rank 512 of 4096 keeps about two thirds of the energy. */
const singularValue = (at: number): number => (1 + at / 64) ** -0.6;

/** Hadamard's transform of all columns together: orthogonal once divided by the root of the rows. */
const hadamard = ({ data }: Matrix): void => {
  for (let half = 1; half < rows; half *= 2)
    for (let top = 0; top < rows; top += 2 * half)
      for (let row = top; row < top + half; row += 1)
        for (let a = row * columns, b = (row + half) * columns, end = a + columns; a < end; a += 1, b += 1) {
          const [x, y] = [data[a] as number, data[b] as number];
          data[a] = x + y;
          data[b] = x - y;
        }
};

/**
 * A matrix whose singular values are known because it is made of them: Hadamard's rows with drawn signs on the left, cosines (DCT-II, orthonormal)
 * with drawn signs on the right.
 */
const knownMatrix = (seed: number): Matrix => {
  const random = seededRandom(deriveSeed(seed, 'low-rank-factors'));
  const sign = (): number => (random() < 0.5 ? -1 : 1);
  const cosines = Float64Array.from({ length: 4 * columns }, (_, at) => Math.cos((Math.PI * at) / (2 * columns)));
  const signs = Float64Array.from({ length: columns }, sign);
  const made = matrix(rows, columns);
  for (let row = 0; row < rows; row += 1) {
    const scale = (sign() * singularValue(row) * Math.sqrt((row === 0 ? 1 : 2) / columns)) / Math.sqrt(rows);
    for (let column = 0; column < columns; column += 1)
      made.data[row * columns + column] = scale * (signs[column] as number) * (cosines[((2 * column + 1) * row) % (4 * columns)] as number);
  }
  hadamard(made);
  return made;
};

/** Error that no product of the rank goes below (Eckart and Young 1936). */
const optimum = (): number => {
  let squares = 0;
  for (let at = rank; at < rows; at += 1) squares += singularValue(at) ** 2;
  return Math.sqrt(squares);
};

/** Activation-aware factors of a large matrix: seconds, and the error beside the least that there is. */
export const lowRankFactors: Comparison = {
  name: 'low-rank-factors',
  onRequest: false,
  run: async ({ root, seed }, show) => {
    const products = openProducts(runtimeRoots(null, root));
    try {
      const weighed = knownMatrix(seed);
      const random = seededRandom(deriveSeed(seed, 'inputs'));
      const weighing = weighingByEnergy(Float64Array.from({ length: rows }, () => 0.1 + random()));
      const { data: scales } = await weighing.weigh(matrix(rows, 1, new Float64Array(rows).fill(1)));
      const weights = scaledRows(weighed, (row) => 1 / (scales[row] ?? 1));
      const started = performance.now();
      const { first, second } = await factorise(weights, rank, weighing, seededRandom(seed), products);
      const seconds = (performance.now() - started) / 1000;
      const product = await products.multiply(await weighing.weigh(first), second);
      const error = Math.sqrt(energyOf({ ...product, data: product.data.map((value, at) => value - (weighed.data[at] ?? 0)) }));
      const size = `${rows} × ${columns}, rank ${rank}`;
      show({
        what: `factors of ${size}`,
        value: seconds,
        unit: 's',
        target: { bound: 'most', value: 10 },
        note: 'randomised SVD weighed by inputs, float64, products in ONNX Runtime on one thread',
      });
      show({
        what: `error of ${size} ÷ optimum`,
        value: error / optimum(),
        unit: '×',
        target: { bound: 'most', value: 1.05 },
        note: `${(error / Math.sqrt(energyOf(weighed))).toPrecision(3)} of the norm of the matrix; the optimum is known, because its singular values are`,
      });
    } finally {
      await products.release();
    }
  },
};
