/** Refuses no values, NaN and infinities: the library below would answer with a number all the same. */
export declare const requireFinite: (values: readonly number[], what: string) => void;
/** Middle of ascending numbers, by the same arithmetic as `quantile` at one half. `sorted` must not be empty. */
export declare const middle: (sorted: Float64Array) => number;
/** Middle value, or the mean of the two middle ones. Throws `document-invalid` on no values or a non-finite one. */
export declare const median: (values: readonly number[]) => number;
/** Arithmetic mean (compensated sum). Throws `document-invalid` on no values or a non-finite one. */
export declare const mean: (values: readonly number[]) => number;
/**
 * Quantile of type 7 in Hyndman and Fan's list (linear between order statistics; R's and NumPy's default), `p` in [0, 1].
 * Throws `document-invalid` on no values, a non-finite one, or `p` outside its range.
 */
export declare const quantile: (values: readonly number[], p: number) => number;
/** Median of |value − median|, not scaled (times 1.4826 it estimates the sd of a normal). Throws as `median` does. */
export declare const medianAbsoluteDeviation: (values: readonly number[]) => number;
/** Sample standard deviation (n − 1); 0 for a single value. Throws as `median` does. */
export declare const standardDeviation: (values: readonly number[]) => number;
/** Robust standard deviation: 1.4826 × median absolute deviation, or the sample one where more than half of the values are equal. */
export declare const robustDeviation: (values: readonly number[]) => number;
