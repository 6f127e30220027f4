import {
  mean as meanOf,
  medianAbsoluteDeviation as medianAbsoluteDeviationOf,
  median as medianOf,
  quantile as quantileOf,
  sampleStandardDeviation,
} from 'simple-statistics';
import { GateError } from '../errors.ts';

/** Refuses no values, NaN and infinities: the library below would answer with a number all the same. */
export const requireFinite = (values: readonly number[], what: string): void => {
  if (values.length === 0)
    throw new GateError('document-invalid', `The ${what} of some values was asked for. Expected at least one, got none.`);
  for (let at = 0; at < values.length; at++)
    if (!Number.isFinite(values[at]))
      throw new GateError(
        'document-invalid',
        `The ${what} of some values was asked for. Expected finite numbers, got ${values[at]} at ${at}.`,
      );
};

/** Middle of ascending numbers, by the same arithmetic as `quantile` at one half. `sorted` must not be empty. */
export const middle = (sorted: Float64Array): number => {
  const at = (sorted.length - 1) / 2;
  const lower = sorted[Math.floor(at)] ?? Number.NaN;
  return at % 1 === 0 ? lower : lower + 0.5 * ((sorted[Math.ceil(at)] ?? Number.NaN) - lower);
};

/** Middle value, or the mean of the two middle ones. Throws `document-invalid` on no values or a non-finite one. */
export const median = (values: readonly number[]): number => {
  requireFinite(values, 'median');
  return medianOf([...values]);
};

/** Arithmetic mean (compensated sum). Throws `document-invalid` on no values or a non-finite one. */
export const mean = (values: readonly number[]): number => {
  requireFinite(values, 'mean');
  return meanOf([...values]);
};

/**
 * Quantile of type 7 in Hyndman and Fan's list (linear between order statistics; R's and NumPy's default), `p` in [0, 1].
 * Throws `document-invalid` on no values, a non-finite one, or `p` outside its range.
 */
export const quantile = (values: readonly number[], p: number): number => {
  requireFinite(values, 'quantile');
  if (!(p >= 0 && p <= 1))
    throw new GateError('document-invalid', `A quantile of some values was asked for. Expected a place from 0 to 1, got ${p}.`);
  return quantileOf([...values], p);
};

/** Median of |value − median|, not scaled (times 1.4826 it estimates the sd of a normal). Throws as `median` does. */
export const medianAbsoluteDeviation = (values: readonly number[]): number => {
  requireFinite(values, 'median absolute deviation');
  return medianAbsoluteDeviationOf([...values]);
};

/** Sample standard deviation (n − 1); 0 for a single value. Throws as `median` does. */
export const standardDeviation = (values: readonly number[]): number => {
  requireFinite(values, 'standard deviation');
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (values.length < 2 || largest === 0) return 0;
  // A power of two: it changes no digit, and the squares of large and of small numbers are numbers.
  const unit = 2 ** Math.floor(Math.log2(largest));
  return unit * sampleStandardDeviation(values.map((value) => value / unit));
};

/** Robust standard deviation: 1.4826 × median absolute deviation, or the sample one where more than half of the values are equal. */
export const robustDeviation = (values: readonly number[]): number => {
  const robust = 1.4826 * medianAbsoluteDeviation(values);
  return robust > 0 ? robust : standardDeviation(values);
};
