import { EigenvalueDecomposition, Matrix as Table } from 'ml-matrix';
import type { Matrix } from '../../contract/build.ts';
import { GateError } from '../../errors.ts';

/** Eigenvalues in falling order and the eigenvectors as rows. */
export interface Eigen {
  readonly values: Float64Array;
  readonly vectors: Matrix;
}

/**
 * Eigenvalues and eigenvectors of a symmetric matrix, exact to float64's rounding of the largest eigenvalue.
 * @throws GateError non-finite-output where a value is not finite.
 */
export const symmetricEigen = ({ rows: n, data }: Matrix): Eigen => {
  const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (!Number.isFinite(largest))
    throw new GateError('non-finite-output', `A matrix of ${n} × ${n} was factored. Expected finite elements, got ${largest}.`);
  const size = largest === 0 ? 1 : largest;
  // Products of elements that are very large or very small would overflow or vanish.
  const scaled = Table.from1DArray(
    n,
    n,
    data.map((value) => value / size),
  );
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(scaled, { assumeSymmetric: true });
  const order = realEigenvalues.map((_, at) => at).sort((x, y) => (realEigenvalues[y] ?? 0) - (realEigenvalues[x] ?? 0) || x - y);
  const vectors = new Float64Array(n * n);
  for (const [to, from] of order.entries()) vectors.set(eigenvectorMatrix.getColumn(from), to * n);
  return {
    values: Float64Array.from(order, (at) => (realEigenvalues[at] ?? 0) * size),
    vectors: { rows: n, columns: n, data: vectors },
  };
};
