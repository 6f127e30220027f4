import type { Prompt } from '../contract/generation.ts';
import type { EvaluationWindows } from '../records/serving.ts';

/** Some columns of one row. */
export const rowOf = (rows: Prompt, row: number, from: number, to: number): Prompt => ({
  batch: 1,
  length: to - from,
  tokens: rows.tokens.slice(row * rows.length + from, row * rows.length + to),
  windows: rows.windows?.slice(row, row + 1) ?? null,
});

/** The same columns of every row. */
export const columnsOf = (rows: Prompt, from: number, to: number): Prompt => {
  const tokens = new Uint32Array(rows.batch * (to - from));
  for (let row = 0; row < rows.batch; row++)
    tokens.set(rows.tokens.subarray(row * rows.length + from, row * rows.length + to), row * (to - from));
  return { ...rows, length: to - from, tokens };
};

/** Where the first call over rows may end at the earliest: behind their images, and with a token in it. */
export const firstEnd = ({ tokens, length }: Prompt, images: EvaluationWindows['images']): number =>
  1 + tokens.reduce((last, token, at) => (token === images?.imageToken ? Math.max(last, at % length) : last), 0);

/** Windows as rows, without the last token of each, after which nothing is predicted. */
export const rowsOf = (windows: EvaluationWindows, index: number, count: number): Prompt => {
  const length = windows.length - 1;
  const tokens = new Uint32Array(count * length);
  for (let row = 0; row < count; row++)
    tokens.set(windows.tokens.subarray((index + row) * windows.length, (index + row) * windows.length + length), row * length);
  return { batch: count, length, tokens, windows: windows.images === null ? null : Array.from({ length: count }, (_, row) => index + row) };
};

/** The first of the last `steps` positions of rows, at least one behind their images. */
export const steppedFrom = (rows: Prompt, { images }: Pick<EvaluationWindows, 'images'>, steps: number): number =>
  Math.min(rows.length, Math.max(firstEnd(rows, images), rows.length - steps));
