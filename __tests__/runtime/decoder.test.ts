import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { GenerationSession } from '../../src/contract/generation.ts';
import { GateError } from '../../src/errors.ts';
import type { CallPoint } from '../../src/records/metric.ts';
import { argMax } from '../../src/runtime/row-logits.ts';
import { greedySession } from '../../src/runtime/serving-session.ts';
import { randomWeights, type TinyFamily, tinyFamilies } from '../models/random-weights.ts';
import { builtTiny, largestDifference, opened, runtime, tinyWindows } from './tiny-model.ts';

const point = (phase: CallPoint['phase'], length: number, batch: number): CallPoint => ({
  id: 'p',
  kind: 'call',
  phase,
  length,
  batch,
  rounds: 1,
  warmUp: 0,
  arms: [],
});
const rows = (tokens: readonly number[], batch = 1) => ({
  batch,
  length: tokens.length / batch,
  tokens: Uint32Array.from(tokens),
  windows: null,
});
const codeOf = async (action: Promise<unknown>): Promise<string> =>
  action.then(
    () => 'none',
    (thrown) => (thrown instanceof GateError ? thrown.code : String(thrown)),
  );

describe.each(tinyFamilies)('%s', (family: TinyFamily) => {
  test('a prefill and the same tokens step by step agree', async () => {
    const built = builtTiny(family);
    const model = await opened(built, null);
    const tokens = [5, 17, 3, 3, 28, 11, 0, 19];
    const whole = await model.advance(rows(tokens), null);
    let stepped = await model.advance(rows(tokens.slice(0, 3)), null);
    for (const token of tokens.slice(3)) stepped = await model.advance(rows([token]), stepped);
    expect(largestDifference(stepped.logits.values, whole.logits.values)).toBeLessThan(1e-4);
    expect(stepped.next).toBe(tokens.length);
    const other = await model.advance(rows([...tokens.slice(0, 7), 20]), null);
    expect(largestDifference(other.logits.values, whole.logits.values)).toBeGreaterThan(1e-3);
    await model.release();
  });

  test('rows of a batch do not see each other', async () => {
    const model = await opened(builtTiny(family), null);
    const [a, b] = [
      [1, 2, 3, 4],
      [9, 8, 7, 6],
    ] as const;
    const both = await model.advance(rows([...a, ...b], 2), null);
    const alone = await model.advance(rows(b), null);
    expect(largestDifference(both.logits.values.subarray(both.logits.vocabulary), alone.logits.values)).toBeLessThan(1e-4);
    await model.release();
  });

  test('scores all positions, the last as a prefill does', async () => {
    const built = builtTiny(family);
    const windows = tinyWindows(built.config);
    const model = await opened(built, windows);
    const scored = await model.score(windows, 1, 2);
    expect([scored.rows, scored.length, scored.vocabulary]).toEqual([2, 11, 40]);
    const text = windows.tokens.subarray(12, 23);
    const seen = windows.images === null ? null : [1];
    const last = await model.advance({ batch: 1, length: 11, tokens: Uint32Array.from(text), windows: seen }, null, windows.images);
    expect(largestDifference(scored.values.subarray(10 * 40, 11 * 40), last.logits.values)).toBeLessThan(1e-4);
    await model.release();
  });

  test.each([
    ['prefill', 12, 1],
    ['prefill', 20, 2],
    ['decode', 9, 1],
    ['decode', 9, 3],
  ] as const)('a prepared %s of %i at batch %i can be called again and again', async (phase, length, batch) => {
    const built = builtTiny(family);
    const model = await opened(built, tinyWindows(built.config));
    const call = await model.prepareCall(point(phase, length, batch), 7);
    await call();
    await expect(call()).resolves.toHaveProperty('logits');
    await model.release();
  });

  test('a conversation grows its cache by one position a step', async () => {
    const model = await opened(builtTiny(family), null);
    const session = greedySession(model) satisfies GenerationSession;
    expect(await codeOf(session.decode(1))).toBe('option-invalid');
    expect(await codeOf(session.prefill({ batch: 2, length: 2, tokens: Uint32Array.of(1, 2, 3), windows: null }))).toBe('option-invalid');
    await session.prefill({ batch: 2, length: 3, tokens: Uint32Array.of(1, 2, 3, 4, 5, 6), windows: null });
    const before = session.cacheBytes;
    await session.decode(3);
    expect(session.cacheBytes).toBe(before * 2);
    await session.release();
    expect(session.cacheBytes).toBe(0);
    await model.release();
  });
});

describe('a vision-language model', () => {
  test('answers differently when the image is blanked, and text alone needs no image', async () => {
    const built = builtTiny('qwen3_vl');
    const windows = tinyWindows(built.config);
    const model = await opened(built, windows);
    const [seeing, blind] = [await model.score(windows, 0, 1), await model.score(windows, 0, 1, true)];
    expect(largestDifference(seeing.values, blind.values)).toBeGreaterThan(1e-4);
    expect((await model.advance(rows([1, 2, 3]), null)).logits.values.length).toBe(40);
    await model.release();
  });

  test('continues after an image as if it had been read in one piece', async () => {
    const built = builtTiny('qwen3_vl');
    const windows = tinyWindows(built.config);
    const model = await opened(built, windows);
    const text = Uint32Array.from(windows.tokens.subarray(0, 10));
    const whole = await model.advance({ batch: 1, length: 10, tokens: text, windows: [0] }, null, windows.images);
    const head = await model.advance({ batch: 1, length: 9, tokens: text.slice(0, 9), windows: [0] }, null, windows.images);
    const last = await model.advance(rows([text[9] ?? 0]), head);
    expect(head.next).toBe(7);
    expect(largestDifference(last.logits.values, whole.logits.values)).toBeLessThan(1e-4);
    await model.release();
  });

  test('an image that does not fit the point is refused', async () => {
    const built = builtTiny('qwen3_vl');
    const model = await opened(built, tinyWindows(built.config));
    expect(await codeOf(model.prepareCall(point('prefill', 4, 1), 0))).toBe('option-invalid');
    await model.release();
  });
});

describe('chunked prefill', () => {
  test('gives the same answer as one piece, for every row', async () => {
    const built = builtTiny('qwen3');
    const [whole, chunked] = [await opened(built, null), await opened(built, null, { chunk: 3 })];
    const tokens = rows([1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 14, 15, 16, 17, 18], 2);
    const [a, b] = [await whole.advance(tokens, null), await chunked.advance(tokens, null)];
    expect(largestDifference(a.logits.values, b.logits.values)).toBeLessThan(1e-4);
    const next = { ...rows([...argMax(a.logits)], 2) };
    expect(largestDifference((await whole.advance(next, a)).logits.values, (await chunked.advance(next, b)).logits.values)).toBeLessThan(
      1e-4,
    );
    const windows = tinyWindows(built.config);
    expect(largestDifference((await whole.score(windows, 0, 2)).values, (await chunked.score(windows, 0, 2)).values)).toBeLessThan(1e-4);
    await whole.release();
    await chunked.release();
  });
});

describe('a bounded cache', () => {
  test.each([
    ['cut after each step', {}],
    ['written in place', { chunk: 4, slack: 6, inPlace: true }],
  ])('%s scores rows together as alone', async (_, serve) => {
    const built = builtTiny('qwen3');
    const model = await opened(built, null, { keepLast: 8, sinks: 1, frequencies: [1, 0.1], ...serve });
    const windows = tinyWindows(built.config, 2, 24);
    const both = await model.score(windows, 0, 2);
    for (const row of [0, 1]) {
      const alone = await model.score(windows, row, 1);
      const own = both.values.subarray(row * alone.values.length, (row + 1) * alone.values.length);
      expect(largestDifference(own, alone.values)).toBeLessThan(1e-4);
    }
    await model.release();
  });
});

describe('what cannot be driven', () => {
  test('a bounded cache without position_ids', async () => {
    expect(await codeOf(opened(builtTiny('qwen3'), null, { keepLast: 8 }))).toBe('onnx-unsupported');
  });
  test('a decoder that wants images, without a vision stage', async () => {
    const built = builtTiny('qwen3_vl');
    expect(await codeOf(opened({ ...built, stages: built.stages.filter(({ id }) => id === 'decoder') }, null))).toBe('onnx-unsupported');
  });
  test('a stage that is no decoder', async () => {
    const built = builtTiny('qwen3_vl');
    expect(await codeOf(opened({ ...built, stages: [{ id: 'decoder', graph: 'vision.onnx' }] }, null))).toBe('onnx-unsupported');
  });
  test('weights that are not numbers', async () => {
    const random = randomWeights();
    const built = builtTiny('qwen3', {
      ...random,
      read: (name, dims) => (name === 'model.norm.weight' ? new Float32Array(32).fill(Number.NaN) : random.read(name, dims)),
    });
    const model = await opened(built, null);
    expect(await codeOf(model.prepareCall(point('decode', 4, 1), 0))).toBe('non-finite-output');
    await model.release();
  });
});

test('experts that are not chosen are not computed', async () => {
  const random = randomWeights();
  const ran = async (poisoned: number): Promise<boolean> => {
    // Every token routes to experts 0 and 1: their gate rows point along a stream that is forced positive.
    const built = builtTiny('qwen3_moe', {
      ...random,
      read: (name, dims) => {
        if (name.endsWith('mlp.gate.weight')) return Float32Array.from({ length: 4 * 32 }, (_, i) => (i < 64 ? 5 : -5));
        if (name.endsWith('embed_tokens.weight')) return random.read(name, dims).map((value) => Math.abs(value) + 1);
        if (name.includes(`experts.${poisoned}.`)) return new Float32Array(dims.reduce((a, b) => a * b, 1)).fill(Number.NaN);
        return random.read(name, dims);
      },
    });
    const model = await opened(built, null);
    const { logits } = await model.advance(rows([1, 2, 3]), null);
    await model.release();
    return logits.values.every(Number.isFinite);
  };
  expect(await ran(3)).toBe(true);
  expect(await ran(0)).toBe(false);
});

test('the runtime is only loaded when asked for', async () => {
  for (const file of ['decoder', 'scoring', 'session', 'library']) {
    expect(readFileSync(`src/runtime/${file}.ts`, 'utf8')).not.toMatch(/^import (?!type)[^\n]*'onnxruntime-node'/m);
  }
  expect((await runtime()).providers).toContain('cpu');
});
