import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { GateError } from '../../src/errors.ts';
import { readWindows, sectionedPositions } from '../../src/models/evaluation.ts';
import { testFolder } from '../testkit/folder.ts';
import { tinyConfig } from './random-weights.ts';
import { type Written, writeSafetensors } from './safetensors-file.ts';

const words = (shape: readonly number[], ...values: number[]): Written => ({
  dtype: 'U16',
  shape,
  data: new Uint8Array(Uint16Array.from(values).buffer),
});
const octets = (shape: readonly number[], value: (i: number) => number): Written => ({
  dtype: 'U8',
  shape,
  data: Uint8Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => value(i)),
});
const written = (tensors: Record<string, Written>): string => {
  const path = join(testFolder(), 'windows.safetensors');
  writeSafetensors(path, tensors);
  return path;
};
const codeOf = (action: () => unknown): string => {
  try {
    action();
  } catch (thrown) {
    return thrown instanceof GateError ? thrown.code : String(thrown);
  }
  return 'none';
};

describe('readWindows', () => {
  test('reads text', () => {
    const windows = readWindows(written({ tokens: words([2, 3], 1, 2, 3, 4, 5, 6) }), tinyConfig('qwen3'));
    expect(windows).toMatchObject({ count: 2, length: 3, scored: null, images: null });
    expect([...windows.tokens]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('refuses tokens outside the vocabulary, another rank, another type, no window', () => {
    const read = (tokens: Written) => codeOf(() => readWindows(written({ tokens }), tinyConfig('qwen3')));
    expect(read(words([1, 3], 1, 2, 40))).toBe('model-invalid');
    expect(read(words([3], 1, 2, 3))).toBe('model-invalid');
    expect(read(octets([1, 3], () => 1))).toBe('model-invalid');
    expect(read(words([0, 3]))).toBe('model-invalid');
    expect(read(words([1, 3], 1, 2, 39))).toBe('none');
  });

  test('reads images as patches in merge-block order, in [-1, 1], the frame twice', () => {
    const side = 8;
    const tokens = words([1, 6], 30, 30, 30, 30, 1, 2);
    const path = written({ pixels: octets([1, 3, side, side], (i) => i % 256), scored: octets([1, 6], (i) => (i > 3 ? 1 : 0)), tokens });
    const windows = readWindows(path, tinyConfig('qwen3_vl'));
    expect(windows.images).toMatchObject({ patches: 16, patchWidth: 3 * 2 * 4, imageToken: 30 });
    const pixels = windows.images?.pixels(0) ?? new Float32Array();
    const value = (channel: number, y: number, x: number): number => ((channel * side + y) * side + x) / 127.5 - 1;
    const patch = (index: number): Float32Array => pixels.subarray(index * 24, (index + 1) * 24);
    // Patches 0 to 3 are the first 2 × 2 block: (0,0), (0,1), (1,0), (1,1); patch 4 begins the block to its right.
    expect(patch(1)[0]).toBeCloseTo(value(0, 0, 2), 5);
    expect(patch(2)[0]).toBeCloseTo(value(0, 2, 0), 5);
    expect(patch(4)[0]).toBeCloseTo(value(0, 0, 4), 5);
    expect(patch(0)[3]).toBeCloseTo(value(0, 1, 1), 5);
    expect([...patch(5).subarray(0, 4)]).toEqual([...patch(5).subarray(4, 8)]);
    expect(patch(0)[8]).toBeCloseTo(value(1, 0, 0), 5);
  });

  test('refuses pixels of another size', () => {
    const path = written({
      pixels: octets([1, 3, 4, 4], () => 0),
      scored: octets([1, 6], () => 1),
      tokens: words([1, 6], 1, 2, 3, 4, 5, 6),
    });
    expect(codeOf(() => readWindows(path, tinyConfig('qwen3_vl')))).toBe('model-invalid');
  });
});

test('positions count on through text, and spread over height and width inside an image', () => {
  const { axes, next } = sectionedPositions([1, 9, 9, 9, 9, 2, 3], 9);
  expect([...axes.subarray(0, 7)]).toEqual([0, 1, 1, 1, 1, 3, 4]);
  expect([...axes.subarray(7, 14)]).toEqual([0, 1, 1, 2, 2, 3, 4]);
  expect([...axes.subarray(14, 21)]).toEqual([0, 1, 2, 1, 2, 3, 4]);
  expect(next).toBe(5);
});
