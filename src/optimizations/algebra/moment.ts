import type { Matrix, Products } from '../../contract/build.ts';
import { GateError } from '../../errors.ts';
import { matrix } from './matrix.ts';
import { type Triangle, triangleOf } from './triangle.ts';

/** What is added to each mean square, as a share of their mean: it keeps inputs regular that calibration never saw vary. */
const damping = 1e-4;

/** What is added to every one of these mean squares; 1 where all of them are 0. */
export const dampingOf = (squares: ArrayLike<number>): number => {
  let sum = 0;
  for (let at = 0; at < squares.length; at += 1) sum += squares[at] as number;
  return (sum / squares.length) * damping || 1;
};

const notFinite = (inputs: number): GateError =>
  new GateError('non-finite-output', `The activations of ${inputs} inputs were summed up. Not all sums are finite numbers.`);

/**
 * A copy of a second moment [n · n] that is positive definite, because its diagonal is damped.
 * @throws GateError non-finite-output for inputs that are not finite.
 */
export const dampedMoment = (moment: Float64Array): Matrix => {
  const n = Math.sqrt(moment.length);
  if (!moment.every(Number.isFinite)) throw notFinite(n);
  const damped = matrix(n, n, moment);
  const added = dampingOf(Float64Array.from({ length: n }, (_, at) => moment[at * n + at] ?? 0));
  for (let at = 0; at < moment.length; at += n + 1) damped.data[at] = (moment[at] ?? 0) + added;
  return damped;
};

/**
 * Cholesky's triangle of a damped moment.
 * @throws GateError non-finite-output where it has none, because its elements are too far apart.
 */
export const momentTriangle = async (damped: Matrix, products: Products): Promise<Triangle> => {
  const triangle = await triangleOf(damped, 0, products);
  if (triangle === null) throw notFinite(damped.rows);
  return triangle;
};
