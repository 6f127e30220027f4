import type { Tensor } from 'onnxruntime-node';
import { GateError } from '../errors.ts';
import { floatsOfTensor } from './feeds.ts';

/** Logits of rows of tokens: rows × length × vocabulary. */
export interface RowLogits {
  readonly rows: number;
  readonly length: number;
  readonly vocabulary: number;
  readonly values: Float32Array;
}

/** The output `logits` of a call. Throws `onnx-unsupported` where it is not of rank 3. */
export const rowLogits = (outputs: Readonly<Record<string, Tensor>>): RowLogits => {
  const logits = outputs['logits'];
  if (logits === undefined || logits.dims.length !== 3)
    throw new GateError('onnx-unsupported', 'The decoder was run. Expected logits of [batch, sequence, vocabulary], got another shape.');
  const [rows = 0, length = 0, vocabulary = 0] = logits.dims;
  return { rows, length, vocabulary, values: floatsOfTensor(logits) };
};

/** Throws `non-finite-output`, naming the first logit that is none. */
export const checkFinite = (logits: RowLogits): void => {
  const { values } = logits;
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i]))
      throw new GateError(
        'non-finite-output',
        `The decoder was run. Logit ${i % logits.vocabulary} of position ${Math.floor(i / logits.vocabulary)} is ${values[i]}.`,
      );
  }
};

/** The logits of the newest positions of each row. */
export const newestOf = (logits: RowLogits, positions: number): RowLogits => {
  if (logits.length === positions) return logits;
  const width = positions * logits.vocabulary;
  const values = new Float32Array(logits.rows * width);
  for (let row = 0; row < logits.rows; row++) {
    const end = (row + 1) * logits.length * logits.vocabulary;
    values.set(logits.values.subarray(end - width, end), row * width);
  }
  return { rows: logits.rows, length: positions, vocabulary: logits.vocabulary, values };
};

/** The logits of the newest position of each row. */
export const lastOf = (logits: RowLogits): RowLogits => newestOf(logits, 1);

/** Pieces one after the other; each piece's positions count as rows. */
export const joined = (parts: readonly RowLogits[]): RowLogits => {
  const vocabulary = parts[0]?.vocabulary ?? 0;
  const values = new Float32Array(parts.reduce((sum, part) => sum + part.values.length, 0));
  let at = 0;
  for (const part of parts) {
    values.set(part.values, at);
    at += part.values.length;
  }
  return { rows: parts.length, length: 1, vocabulary, values };
};

/** Logits of following positions of the same rows. */
export const sideBySide = (parts: readonly RowLogits[], rows: number): RowLogits => {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const vocabulary = only?.vocabulary ?? 0;
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const values = new Float32Array(rows * length * vocabulary);
  let at = 0;
  for (const part of parts) {
    const width = part.length * vocabulary;
    if (part.rows !== rows || part.vocabulary !== vocabulary)
      throw new GateError(
        'onnx-unsupported',
        `The decoder was run for one step. Expected logits of [${rows}, 1, ${vocabulary}], got [${part.rows}, ${part.length}, ${part.vocabulary}].`,
      );
    for (let row = 0; row < rows; row++) values.set(part.values.subarray(row * width, (row + 1) * width), (row * length + at) * vocabulary);
    at += part.length;
  }
  return { rows, length, vocabulary, values };
};

/** The most likely token of each row of newest-position logits; the first of equals. */
export const argMax = ({ rows, vocabulary, values }: RowLogits): Uint32Array => {
  const out = new Uint32Array(rows);
  for (let row = 0; row < rows; row++) {
    let best = 0;
    for (let token = 1; token < vocabulary; token++)
      if ((values[row * vocabulary + token] ?? 0) > (values[row * vocabulary + best] ?? 0)) best = token;
    out[row] = best;
  }
  return out;
};

const probabilities = (logits: Float32Array): Float64Array => {
  const largest = logits.reduce((most, logit) => Math.max(most, logit), Number.NEGATIVE_INFINITY);
  const weights = Float64Array.from(logits, (logit) => Math.exp(logit - largest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
};

/** The share of its probability that a row gives to other tokens in `b` than in `a`: that of the row where it is largest. */
export const largestShift = (a: RowLogits, b: RowLogits): number => {
  let largest = 0;
  for (let row = 0; row < a.rows; row++) {
    const [from, to] = [row * a.vocabulary, (row + 1) * a.vocabulary];
    const [p, q] = [probabilities(a.values.subarray(from, to)), probabilities(b.values.subarray(from, to))];
    largest = Math.max(largest, p.reduce((sum, one, token) => sum + Math.abs(one - (q[token] ?? 0)), 0) / 2);
  }
  return largest;
};
