import { GateError } from '../errors.ts';

/** ln Γ(x) for x > 0: recurrence up to 12, then Stirling's series (error below 1e-14). */
const logGamma = (x: number): number => {
  let shift = 0;
  let z = x;
  while (z < 12) {
    shift -= Math.log(z);
    z += 1;
  }
  const inverse = 1 / (z * z);
  const series =
    (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse * (1 / 1680 - inverse * (1 / 1188 - inverse * (691 / 360360)))))) / z;
  return shift + (z - 0.5) * Math.log(z) - z + Math.log(2 * Math.PI) / 2 + series;
};

/** Continued fraction of the incomplete beta function (Abramowitz and Stegun 26.5.8), evaluated front to back. */
const betaFraction = (x: number, a: number, b: number): number => {
  const tiny = 1e-300;
  const away = (value: number): number => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let result = d;
  for (let m = 1; m <= 500; m++) {
    for (const term of [
      (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m)),
      (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1)),
    ]) {
      d = 1 / away(1 + term * d);
      c = away(1 + term / c);
      result *= c * d;
    }
    if (Math.abs(c * d - 1) < 1e-16) break;
  }
  return result;
};

/** Regularised incomplete beta function I_x(a, b). */
const incompleteBeta = (x: number, a: number, b: number): number => {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  return x < (a + 1) / (a + b + 2) ? (front * betaFraction(x, a, b)) / a : 1 - (front * betaFraction(1 - x, b, a)) / b;
};

const requireDegrees = (degrees: number): void => {
  if (!(degrees > 0 && Number.isFinite(degrees)))
    throw new GateError('document-invalid', `Student's t was asked for. Expected degrees of freedom above 0, got ${degrees}.`);
};

/** P(T ≤ t) of Student's t with `degrees` > 0 degrees of freedom (they need not be whole). */
export const studentProbability = (t: number, degrees: number): number => {
  requireDegrees(degrees);
  const tail = incompleteBeta(degrees / (degrees + t * t), degrees / 2, 0.5) / 2;
  return t > 0 ? 1 - tail : tail;
};

/** The t with P(T ≤ t) = `p`, 0 < p < 1, to better than 1e-8 relative for 1e-9 < p < 1 − 1e-9. Throws `document-invalid` outside. */
export const studentQuantile = (p: number, degrees: number): number => {
  const name = `${p} ${degrees}`;
  const known = quantiles.get(name);
  if (known !== undefined) return known;
  const quantile = findQuantile(p, degrees);
  if (quantiles.size >= mostQuantiles) quantiles.clear();
  quantiles.set(name, quantile);
  return quantile;
};

/** All metrics of a run ask for the same few. */
const quantiles = new Map<string, number>();
const mostQuantiles = 1000;

const findQuantile = (p: number, degrees: number): number => {
  requireDegrees(degrees);
  if (!(p > 0 && p < 1))
    throw new GateError('document-invalid', `A quantile of Student's t was asked for. Expected a place between 0 and 1, got ${p}.`);
  if (p === 0.5) return 0;
  // In the lower tail probabilities keep their relative precision; the upper one follows by symmetry.
  const tail = Math.min(p, 1 - p);
  let high = 1;
  while (studentProbability(-high, degrees) > tail && high < 1e150) high *= 2;
  let low = 0;
  for (let step = 0; step < 200 && high - low > 1e-14 * high; step++) {
    const middle = (low + high) / 2;
    if (studentProbability(-middle, degrees) > tail) low = middle;
    else high = middle;
  }
  return p < 0.5 ? -(low + high) / 2 : (low + high) / 2;
};
