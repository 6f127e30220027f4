import { requireFinite } from './describe.ts';
import { doubledRanks } from './ranks.ts';
import { studentProbability } from './student.ts';

/** Fewer values have too few orders for a p that says anything. */
const fewest = 5;

const sumOf = (values: readonly number[], of: (value: number, index: number) => number): number =>
  values.reduce((sum, value, index) => sum + of(value, index), 0);

/**
 * Variance, over all orders of some centred scores, of the sum of their squared steps. Exact, with
 * ties too: from the moments of drawing without replacement.
 */
const varianceOfSteps = (scores: readonly number[]): number => {
  const n = scores.length;
  const square = sumOf(scores, (x) => x * x);
  const fourth = sumOf(scores, (x) => x ** 4);
  // Means of products of scores at different places: x²y², x³y, x²yz and xyzw.
  const two = (square ** 2 - fourth) / (n * (n - 1));
  const cubed = -fourth / (n * (n - 1));
  const three = (2 * fourth - square ** 2) / (n * (n - 1) * (n - 2));
  const four = (3 * square ** 2 - 6 * fourth) / (n * (n - 1) * (n - 2) * (n - 3));
  // The steps are 2 · square − ends − 2 · products of neighbours.
  const ends = (2 * fourth) / n + 2 * two - ((2 * square) / n) ** 2;
  const products = (n - 1) * two + 2 * (n - 2) * three + (n - 2) * (n - 3) * four - (square / n) ** 2;
  const both = 2 * (cubed + (n - 2) * three) + (2 * square * square) / n ** 2;
  return ends + 4 * products + 4 * both;
};

/** Centred ranks of finite values; null where they tell nothing: few values, or equal ones. */
const scoresOf = (values: readonly number[]): readonly number[] | null => {
  requireFinite(values, 'test of serial dependence');
  const scores = doubledRanks(values).map((rank) => rank - values.length - 1);
  return values.length < fewest || scores.every((score) => score === 0) ? null : scores;
};

/**
 * One-sided p of Bartels' rank version of von Neumann's ratio: small where neighbours are alike.
 * The ratio has mean 2 and the exact variance; a beta distribution on 0 to 4 has both. Errors and
 * the p of values that tell nothing: as `serialDependence`.
 */
export const neighbourDependence = (values: readonly number[]): number => {
  const scores = scoresOf(values);
  if (scores === null) return 1;
  const square = sumOf(scores, (x) => x * x);
  const ratio = sumOf(scores, (x, i) => (i === 0 ? 0 : (x - (scores[i - 1] ?? x)) ** 2)) / square;
  // A symmetric beta variable is a variable of Student in other units.
  const degrees = (4 * square ** 2) / varianceOfSteps(scores) - 1;
  const place = ratio / 2 - 1;
  return degrees > 0 ? studentProbability((place * Math.sqrt(degrees)) / Math.sqrt(1 - place ** 2), degrees) : 1;
};

/**
 * Two-sided p of Spearman's rank correlation with the order, by Student's distribution. Errors and
 * the p of values that tell nothing: as `serialDependence`.
 */
export const trendWithOrder = (values: readonly number[]): number => {
  const scores = scoresOf(values);
  if (scores === null) return 1;
  const n = scores.length;
  const middle = (n - 1) / 2;
  const rho = sumOf(scores, (x, i) => x * (i - middle)) / Math.sqrt((sumOf(scores, (x) => x * x) * n * (n ** 2 - 1)) / 12);
  const rest = Math.max(0, 1 - rho ** 2);
  return Math.min(1, 2 * studentProbability(-Math.abs(rho) * Math.sqrt((n - 2) / rest), n - 2));
};

/**
 * p of the hypothesis that values came in a random order, against neighbours that are alike or a
 * trend: twice the smaller p of both tests, at most 1. Only ranks count, ties included; 1 for fewer
 * than 5 values or equal ones. Throws `document-invalid` on no or non-finite values.
 */
export const serialDependence = (values: readonly number[]): number =>
  Math.min(1, 2 * Math.min(neighbourDependence(values), trendWithOrder(values)));
