import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { type Kernel, writeAttentionLayer } from '../../../bench/attention-layer.ts';
import { type Pattern, sees, sinkWindow, stridedWindow, windowOnly } from '../../../src/optimizations/sparse-attention/pattern.ts';
import { seededRandom } from '../../../src/statistics/random.ts';
import { testFolder } from '../../testkit/folder.ts';

const size = { heads: 4, kvHeads: 2, headSize: 16 };
const [batch, length] = [2, 37];

interface Text {
  readonly query: Float32Array;
  readonly key: Float32Array;
  readonly value: Float32Array;
}
const widthOf = (part: keyof Text): number => (part === 'query' ? size.heads : size.kvHeads) * size.headSize;
const drawn = (seed: number, positions = length): Text => {
  const random = seededRandom(seed);
  const floats = (part: keyof Text): Float32Array =>
    Float32Array.from({ length: batch * positions * widthOf(part) }, () => 4 * (random() - 0.5));
  return { query: floats('query'), key: floats('key'), value: floats('value') };
};

/** Attention in the plainest way, in double precision. */
const plain = ({ query, key, value }: Text, looks: (query: number, key: number, row: number) => boolean): Float32Array => {
  const out = new Float32Array(query.length);
  const at = (data: Float32Array, part: keyof Text, row: number, position: number, head: number, i: number): number =>
    data[(row * length + position) * widthOf(part) + head * size.headSize + i] ?? 0;
  for (let row = 0; row < batch; row += 1)
    for (let position = 0; position < length; position += 1)
      for (let head = 0; head < size.heads; head += 1) {
        const group = Math.floor(head / 2);
        const keys = Array.from({ length }, (_, each) => each).filter((each) => looks(position, each, row));
        const weights = keys.map((each) => {
          let score = 0;
          for (let i = 0; i < size.headSize; i += 1)
            score += at(query, 'query', row, position, head, i) * at(key, 'key', row, each, group, i);
          return Math.exp(score * size.headSize ** -0.5);
        });
        const sum = weights.reduce((a, b) => a + b, 0);
        for (let i = 0; i < size.headSize; i += 1)
          out[(row * length + position) * widthOf('query') + head * size.headSize + i] =
            keys.reduce((mixed, each, n) => mixed + (weights[n] ?? 0) * at(value, 'value', row, each, group, i), 0) / sum;
      }
  return out;
};

const layer = async (kernel: Kernel): Promise<InferenceSession> => {
  const folder = testFolder();
  return InferenceSession.create(join(folder, writeAttentionLayer(folder, size, kernel)), { intraOpNumThreads: 1 });
};

/** Runs a text in pieces, each after the cache of the one before; the outputs of all, and the length of the last cache. */
const inPieces = async (
  session: InferenceSession,
  text: Text,
  pieces: readonly number[],
  masked: (row: number, position: number) => boolean = () => false,
): Promise<{ output: Float32Array; kept: number }> => {
  const output = new Float32Array(text.query.length);
  const none = (): Tensor => new Tensor('float32', new Float32Array(0), [batch, size.kvHeads, 0, size.headSize]);
  let [key, value, from] = [none(), none(), 0];
  for (const piece of pieces) {
    const cut = (part: keyof Text): Tensor => {
      const [width, cuts] = [widthOf(part), new Float32Array(batch * piece * widthOf(part))];
      for (let row = 0; row < batch; row += 1)
        cuts.set(text[part].subarray((row * length + from) * width, (row * length + from + piece) * width), row * piece * width);
      return new Tensor('float32', cuts, [batch, piece, width]);
    };
    const total = from + piece;
    const mask = BigInt64Array.from({ length: batch * total }, (_, i) => (masked(Math.floor(i / total), i % total) ? 0n : 1n));
    const results = await session.run({
      tokens: new Tensor('int64', new BigInt64Array(batch * piece), [batch, piece]),
      mask: new Tensor('int64', mask, [batch, total]),
      query: cut('query'),
      key: cut('key'),
      value: cut('value'),
      'past.key': key,
      'past.value': value,
    });
    const rows = results['output']?.data as Float32Array;
    const width = piece * widthOf('query');
    for (let row = 0; row < batch; row += 1)
      output.set(rows.subarray(row * width, (row + 1) * width), (row * length + from) * widthOf('query'));
    [key, value, from] = [results['present.key'] as Tensor, results['present.value'] as Tensor, total];
  }
  return { output, kept: key.dims[2] ?? 0 };
};

const apart = (a: Float32Array, b: Float32Array): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? Number.NaN))), 0);
const pieces: readonly (readonly number[])[] = [[length], [20, 17], [5, 1, 1, 1, 23, 6], Array.from({ length }, () => 1)];

describe('blocks compute what their pattern sees, whole, in chunks and step by step', () => {
  test.each<[string, Pattern, number, number]>([
    ['a window', windowOnly(8), 8, 7],
    ['a window shorter than a block', windowOnly(3), 8, 2],
    ['a window longer than a block', windowOnly(11), 4, 10],
    ['a window of one', windowOnly(1), 8, 0],
    ['a window longer than the text', windowOnly(64), 8, length],
    ['sinks', sinkWindow(6, 3), 8, 8],
    ['more sinks than text', sinkWindow(6, 100), 8, length],
    ['strided positions', stridedWindow(6, 5), 8, 11],
    ['strided positions of every block', stridedWindow(1, 2), 5, 18],
  ])('%s', async (_, pattern, block, kept) => {
    const session = await layer({ kind: 'blocks', pattern, block });
    const text = drawn(3);
    const wanted = plain(text, (query, key) => sees(pattern, query, key));
    for (const cut of pieces) {
      const found = await inPieces(session, text, cut);
      expect(apart(found.output, wanted)).toBeLessThan(2e-6);
      expect(found.kept).toBe(kept);
    }
    await session.release();
  });
});

test('inside the window blocks give what the dense kernel gives, and what its window mask gives everywhere', async () => {
  const [dense, masked, blocks] = [
    await layer({ kind: 'dense', window: null }),
    await layer({ kind: 'dense', window: 9 }),
    await layer({ kind: 'blocks', pattern: windowOnly(9), block: 4 }),
  ];
  const text = drawn(4);
  const [all, windowed, own] = [
    await inPieces(dense, text, [length]),
    await inPieces(masked, text, [length]),
    await inPieces(blocks, text, [length]),
  ];
  expect(apart(own.output, windowed.output)).toBeLessThan(2e-6);
  const row = widthOf('query');
  expect(apart(own.output.subarray(0, 9 * row), all.output.subarray(0, 9 * row))).toBeLessThan(2e-6);
  expect(apart(own.output, all.output)).toBeGreaterThan(0.1);
  for (const session of [dense, masked, blocks]) await session.release();
});

test('keys that the mask hides are not seen, in the window or as globals', async () => {
  const session = await layer({ kind: 'blocks', pattern: sinkWindow(6, 3), block: 8 });
  const text = drawn(5);
  const hidden = (row: number, position: number): boolean => row === 1 && (position === 1 || position === 17);
  const wanted = plain(text, (query, key, row) => sees(sinkWindow(6, 3), query, key) && !hidden(row, key));
  const found = await inPieces(session, text, [length], hidden);
  const places = (row: number, position: number): readonly [number, number] => {
    const start = (row * length + position) * widthOf('query');
    return [start, start + widthOf('query')];
  };
  for (let row = 0; row < batch; row += 1)
    for (let position = 2; position < length; position += 1)
      expect(apart(found.output.subarray(...places(row, position)), wanted.subarray(...places(row, position)))).toBeLessThan(2e-6);
  await session.release();
});
