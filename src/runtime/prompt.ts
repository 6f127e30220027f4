import type { Prompt } from '../contract/generation.ts';
import { GateError } from '../errors.ts';
import type { EvaluationWindows } from '../records/serving.ts';

/** A spread of seeds over `count` places: neighbouring seeds give places far apart (Knuth's multiplicative hash). */
const drawn = (seed: number, count: number): number => Math.floor(((Math.imul(seed + 1, 2654435761) >>> 0) / 2 ** 32) * count);

/** Tokens of a window that are text: with images, the targets only. */
const textOf = (windows: EvaluationWindows, window: number): Uint16Array => {
  const at = window * windows.length;
  const row = windows.tokens.subarray(at, at + windows.length);
  const { scored } = windows;
  return scored === null ? row : row.filter((_, i) => scored[at + i] === 1);
};

const headOf = (windows: EvaluationWindows, window: number): Uint16Array => {
  const at = window * windows.length;
  const row = windows.tokens.subarray(at, at + windows.length);
  if (windows.scored === null) return row;
  const first = windows.scored.indexOf(1, at);
  return row.subarray(0, first < at || first >= at + windows.length ? windows.length : first - at);
};

/** A text that was taken in, and what comes next. */
export interface Continued {
  /** One row. */
  readonly past: Prompt;
  /** The next tokens of the text, one for each row of a step's batch. */
  readonly next: Prompt;
}

/**
 * What a timed step goes on from: one prompt of `length` tokens for the whole batch, because a step takes as long whatever its past says, and
 * different tokens after it, so that routed experts differ. All arms get the same, whatever they would have said. Throws as `promptRows`.
 */
export const continuedPrompt = (
  windows: EvaluationWindows | null,
  vocabulary: number,
  batch: number,
  length: number,
  seed: number,
): Continued => {
  const text = promptRows(windows, vocabulary, 1, length + batch, seed);
  return {
    past: { ...text, length, tokens: text.tokens.subarray(0, length) },
    next: { batch, length: 1, tokens: text.tokens.subarray(length), windows: null },
  };
};

/**
 * Prompt of real text for a timed call: each begins at a window drawn by the seed (with its image, when windows have one) and
 * goes on with the text of the windows after it until `length` is reached. Without windows: tokens drawn by the seed.
 * Throws `option-invalid` when an image does not fit into `length`.
 */
export const promptRows = (windows: EvaluationWindows | null, vocabulary: number, batch: number, length: number, seed: number): Prompt => {
  const tokens = new Uint32Array(batch * length);
  if (windows === null) {
    for (let i = 0; i < tokens.length; i++) tokens[i] = drawn(seed * 7919 + i, vocabulary);
    return { batch, length, tokens, windows: null };
  }
  const starts = Array.from({ length: batch }, (_, row) => (drawn(seed, windows.count) + row) % windows.count);
  starts.forEach((start, row) => {
    const head = headOf(windows, start);
    if (windows.images !== null && head.length > length)
      throw new GateError(
        'option-invalid',
        `The prompt of an operating point was made. An image and its markers take ${head.length} tokens: raise its \`length\`, which is ${length}.`,
        {
          where: 'points',
        },
      );
    let filled = Math.min(head.length, length);
    tokens.set(head.subarray(0, filled), row * length);
    for (let step = windows.scored === null ? 1 : 0, empty = 0; filled < length && empty <= windows.count; step++) {
      const text = textOf(windows, (start + step) % windows.count).subarray(0, length - filled);
      tokens.set(text, row * length + filled);
      filled += text.length;
      empty = text.length === 0 ? empty + 1 : 0;
    }
  });
  return { batch, length, tokens, windows: windows.images === null ? null : starts };
};
