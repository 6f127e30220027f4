import { expect, test } from 'vitest';
import type { EvaluationWindows } from '../../src/records/serving.ts';
import { continuedPrompt, promptRows } from '../../src/runtime/prompt.ts';

const windows: EvaluationWindows = {
  count: 3,
  length: 6,
  tokens: Uint16Array.from({ length: 18 }, (_, at) => 100 + at),
  scored: null,
  images: null,
};

test('a step goes on with the next tokens of the text that was taken in, a row for each', () => {
  const whole = promptRows(windows, 200, 1, 12, 5);
  const { past, next } = continuedPrompt(windows, 200, 4, 8, 5);
  expect([past.batch, past.length, [...past.tokens]]).toEqual([1, 8, [...whole.tokens.slice(0, 8)]]);
  expect([next.batch, next.length, [...next.tokens]]).toEqual([4, 1, [...whole.tokens.slice(8)]]);
});

test('the past is the same whatever the batch, with windows and without', () => {
  for (const given of [windows, null]) {
    const [one, eight] = [continuedPrompt(given, 200, 1, 9, 7), continuedPrompt(given, 200, 8, 9, 7)];
    expect(eight.past).toEqual(one.past);
    expect(eight.next.tokens[0]).toBe(one.next.tokens[0]);
    expect(new Set(eight.next.tokens).size).toBeGreaterThan(1);
  }
});
