import * as ort from 'onnxruntime-node';
import { describe, expect, it, test } from 'vitest';
import type { CacheSlot } from '../../src/runtime/decoder-interface.ts';
import type { KeyValueCache } from '../../src/runtime/feeds.ts';
import type { RowLogits } from '../../src/runtime/row-logits.ts';
import { triedPositions, unreadShare } from '../../src/runtime/unread-cache.ts';
import { tinyFamilies } from '../models/random-weights.ts';
import { builtTiny, opened, tinyWindows } from './tiny-model.ts';

test('positions that are tried: all of a short cache, both ends and some between of a long one', () => {
  expect(triedPositions(5, 9)).toEqual([0, 1, 2, 3, 4]);
  expect(triedPositions(100, 9)).toEqual([0, 1, 2, 26, 50, 73, 97, 98, 99]);
  expect(triedPositions(0, 9)).toEqual([]);
  for (const length of [24, 25, 60, 383]) {
    const tried = triedPositions(length, 24);
    expect(new Set(tried).size).toBe(24);
    expect(tried.every((at) => at >= 0 && at < length)).toBe(true);
  }
});

describe.each(tinyFamilies)('%s', (family) => {
  test('reads all that it keeps', async () => {
    const built = builtTiny(family);
    const model = await opened(built, null);
    expect(await model.unreadCache(tinyWindows(built.config, 2, 21), 1, 6)).toBe(0);
    await model.release();
  });
});

const slot = (layer: number, part: 'key' | 'value'): CacheSlot => ({
  part,
  past: `past_key_values.${layer}.${part}`,
  present: `present.${layer}.${part}`,
  heads: 2,
  size: 3,
  type: 'float32',
});
const slots = [0, 1].flatMap((layer) => [slot(layer, 'key'), slot(layer, 'value')]);
const positions = 6;
const cache: KeyValueCache = {
  length: positions,
  tensors: Object.fromEntries(
    slots.map(({ past, heads, size }, which) => [
      past,
      new ort.Tensor(
        'float32',
        Float32Array.from({ length: heads * positions * size }, (_, at) => Math.sin(at + which)),
        [1, heads, positions, size],
      ),
    ]),
  ),
};

/** Attention of one query, written down plainly: only positions that `sees` names are read. */
const plainly =
  (sees: (layer: number, position: number) => boolean) =>
  async (stack: KeyValueCache, rows: number): Promise<RowLogits> => {
    const values = new Float32Array(rows * 4);
    for (let row = 0; row < rows; row++)
      for (const layer of [0, 1])
        for (let head = 0; head < 2; head++) {
          const at = (part: 'key' | 'value', position: number, k: number): number =>
            Number(stack.tensors[`past_key_values.${layer}.${part}`]?.data[((row * 2 + head) * positions + position) * 3 + k]);
          const seen = Array.from({ length: positions }, (_, position) => position).filter((position) => sees(layer, position));
          const scores = seen.map((position) => at('key', position, 0) + 0.5 * at('key', position, 1) - 0.25 * at('key', position, 2));
          const largest = Math.max(...scores);
          const weights = scores.map((score) => Math.exp(score - largest));
          const total = weights.reduce((sum, weight) => sum + weight, 0);
          seen.forEach((position, which) => {
            const out = row * 4 + layer * 2 + head;
            values[out] = (values[out] ?? 0) + ((weights[which] ?? 0) / total) * at('value', position, 0);
          });
        }
    return { rows, length: 1, vocabulary: 4, values };
  };

describe('of attention that is written down', () => {
  it.each([
    ['all is read', () => true, 0],
    ['one layer does not see the first two', (layer: number, position: number) => layer === 1 || position > 1, 2 / 12],
    ['only the newest is seen', (_: number, position: number) => position === 5, 10 / 12],
  ] as const)('%s', async (_, sees, expected) => {
    expect(await unreadShare(ort, slots, cache, plainly(sees))).toBeCloseTo(expected, 12);
  });

  it('leaves the cache as it was', async () => {
    const before = JSON.stringify(Object.values(cache.tensors).map(({ data }) => [...(data as Float32Array)]));
    await unreadShare(
      ort,
      slots,
      cache,
      plainly(() => true),
    );
    expect(JSON.stringify(Object.values(cache.tensors).map(({ data }) => [...(data as Float32Array)]))).toBe(before);
  });
});
