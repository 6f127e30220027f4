import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { GateError } from '../../src/errors.ts';
import { floatToHalf, halfToFloat } from '../../src/onnx/half.ts';
import { readModel } from '../../src/onnx/read.ts';
import { recognise } from '../../src/onnx/recognise/recognise.ts';
import { findRotaryKeys } from '../../src/onnx/recognise/rotary.ts';
import type { ServeHints } from '../../src/records/serving.ts';
import { cacheBytes, checkHints, withRoom } from '../../src/runtime/cache-window.ts';
import type { Advanced, LoadedModel } from '../../src/runtime/decoder.ts';
import { argMax } from '../../src/runtime/row-logits.ts';
import { type TinyFamily, tinyFamilies } from '../models/random-weights.ts';
import { type Built, builtTiny, largestDifference, opened, runtime, tinyWindows } from './tiny-model.ts';

const rows = (tokens: readonly number[], batch = 1) => ({
  batch,
  length: tokens.length / batch,
  tokens: Uint32Array.from(tokens),
  windows: null,
});
const text = (length: number, seed = 1): number[] => Array.from({ length }, (_, at) => (at * 7 + (at >> 2) * seed + seed) % 29);

const frequenciesOf = ({ folder, stages }: Built): readonly number[] => {
  const model = readModel(join(folder, stages.find(({ id }) => id === 'decoder')?.graph ?? ''));
  return findRotaryKeys(
    model,
    recognise(model).layers.map(({ attention }) => attention),
  ).frequencies;
};

const streamed = (built: Built, hints: Partial<ServeHints> = {}): ServeHints => ({
  chunk: 4,
  sinks: 2,
  keepLast: 6,
  slack: 4,
  frequencies: frequenciesOf(built),
  ...hints,
});

/** Keys or values of the first layer at a position, in a buffer of any length: they hang on the token and its position alone. */
const firstLayer = (reached: Advanced, model: LoadedModel, part: 'key' | 'value', position: number): Float32Array => {
  const slot = model.face.cache.find((each) => each.past === `past_key_values.0.${part}`);
  const tensor = reached.cache.tensors[slot?.past ?? ''];
  const room = tensor?.dims[2] ?? 0;
  const size = slot?.size ?? 0;
  const data = tensor?.data as Float32Array;
  return Float32Array.from(
    { length: (slot?.heads ?? 0) * size },
    (_, i) => data[(Math.floor(i / size) * room + position) * size + (i % size)] ?? 0,
  );
};

const stepwise = async (model: LoadedModel, prompt: readonly number[], after: readonly number[]): Promise<Advanced> => {
  let reached = await model.advance(rows(prompt), null);
  for (const token of after) reached = await model.advance(rows([token]), reached);
  return reached;
};

describe.each(tinyFamilies)('%s', (family: TinyFamily) => {
  const gqa = family !== 'glm4_moe_lite';

  test.each(gqa ? [false, true] : [false])('what stays stands where it would in a short text (in place: %s)', async (inPlace) => {
    const built = builtTiny(family);
    const [model, plain] = [await opened(built, null, streamed(built, { inPlace })), await opened(built, null)];
    const tokens = text(61);
    const reached = await stepwise(model, tokens.slice(0, 23), tokens.slice(23));
    expect(reached.next).toBe(reached.cache.length);
    expect(reached.cache.length).toBeLessThanOrEqual(12);
    const kept = [...tokens.slice(0, 2), ...tokens.slice(61 - reached.cache.length + 2)];
    const short = await plain.advance(rows(kept), null);
    for (let position = 0; position < kept.length; position++)
      for (const part of ['key', 'value'] as const)
        expect(largestDifference(firstLayer(reached, model, part, position), firstLayer(short, plain, part, position))).toBeLessThan(2e-5);
    await model.release();
    await plain.release();
  });

  test('a window that holds everything changes nothing', async () => {
    const built = builtTiny(family);
    const windows = tinyWindows(built.config);
    const [model, plain] = [
      await opened(built, windows, streamed(built, { keepLast: 30, slack: 8, inPlace: gqa })),
      await opened(built, windows),
    ];
    const [a, b] = [await stepwise(model, text(11), text(6, 3)), await stepwise(plain, text(11), text(6, 3))];
    expect(largestDifference(a.logits.values, b.logits.values)).toBeLessThan(1e-4);
    expect(largestDifference((await model.score(windows, 0, 2)).values, (await plain.score(windows, 0, 2)).values)).toBeLessThan(1e-4);
    expect(
      largestDifference((await model.score(windows, 0, 1, true)).values, (await plain.score(windows, 0, 1, true)).values),
    ).toBeLessThan(1e-4);
    const seen = windows.images === null ? null : [0, 1];
    const two = {
      batch: 2,
      length: 11,
      tokens: Uint32Array.from([...windows.tokens.subarray(0, 11), ...windows.tokens.subarray(12, 23)]),
      windows: seen,
    };
    const [both, same] = [await model.advance(two, null, windows.images), await plain.advance(two, null, windows.images)];
    expect(both.next).toBe(same.next);
    expect(largestDifference(both.logits.values, same.logits.values)).toBeLessThan(1e-4);
    const next = rows([...argMax(same.logits)], 2);
    expect(
      largestDifference((await model.advance(next, both)).logits.values, (await plain.advance(next, same)).logits.values),
    ).toBeLessThan(1e-4);
    await model.release();
    await plain.release();
  });

  test('goes on beyond every position that the model knows, in memory that does not grow', async () => {
    const built = builtTiny(family);
    const model = await opened(built, null, streamed(built, { inPlace: gqa }));
    let reached = await model.advance(rows(text(10)), null);
    const sizes = new Set<number>();
    for (let step = 0; step < 120; step++) {
      reached = await model.advance(rows([...argMax(reached.logits)]), reached);
      sizes.add(cacheBytes(reached.cache));
    }
    expect(reached.logits.values.every(Number.isFinite)).toBe(true);
    expect(sizes.size).toBeLessThanOrEqual(gqa ? 1 : 5);
    await model.release();
  });
});

test.each(['qwen3', 'qwen3_vl'] as const)('%s: written in place or copied, the same bits', async (family) => {
  const built = builtTiny(family);
  const [placed, copied] = [await opened(built, null, streamed(built, { inPlace: true })), await opened(built, null, streamed(built))];
  const [a, b] = [await stepwise(placed, text(19), text(40, 5)), await stepwise(copied, text(19), text(40, 5))];
  expect(a.logits.values).toEqual(b.logits.values);
  expect(a.next).toBe(b.next);
  const decode = { id: 'p', kind: 'call', phase: 'decode', length: 20, batch: 2, rounds: 1, warmUp: 0, arms: [] } as const;
  const call = await placed.prepareCall(decode, 3);
  await call();
  await expect(call()).resolves.toHaveProperty('logits');
  await placed.release();
  await copied.release();
});

test.each([
  ['qwen3', true],
  ['qwen3', false],
  ['qwen3_vl', true],
  ['glm4_moe_lite', false],
] as const)('%s (in place: %s): steps of several batches go on from one past and leave each other alone', async (family, inPlace) => {
  const built = builtTiny(family);
  const point = (batch: number, length = 20) =>
    ({ id: `b${batch}`, kind: 'call', phase: 'decode', length, batch, rounds: 1, warmUp: 0, arms: [] }) as const;
  const logits = async (call: () => Promise<unknown>): Promise<Float32Array> => {
    const outputs = (await call()) as { readonly logits: { readonly data: Float32Array } };
    return outputs.logits.data.slice();
  };
  const points = [point(1), point(3), point(1, 9)];
  const alone: Float32Array[] = [];
  for (const each of points) {
    const model = await opened(built, null, streamed(built, { inPlace }));
    alone.push(await logits(await model.prepareCall(each, 3)));
    await model.release();
  }
  const model = await opened(built, null, streamed(built, { inPlace }));
  const calls = [];
  for (const each of points) calls.push(await model.prepareCall(each, 3));
  for (const at of [0, 1, 2, 1, 0, 2, 0]) expect(await logits(calls[at]!)).toEqual(alone[at]);
  await model.release();
});

test('a window too small, or sinks that go, are heard in the answers', async () => {
  const built = builtTiny('qwen3');
  const answers: Float32Array[] = [];
  for (const hints of [{}, { keepLast: 1, slack: 0, chunk: 1 }, { sinks: 0 }]) {
    const model = await opened(built, null, streamed(built, hints));
    answers.push((await stepwise(model, text(20), text(10, 2))).logits.values);
    await model.release();
  }
  const [sound, small, unsunk] = answers;
  expect(largestDifference(sound ?? new Float32Array(), small ?? new Float32Array())).toBeGreaterThan(1e-3);
  expect(largestDifference(sound ?? new Float32Array(), unsunk ?? new Float32Array())).toBeGreaterThan(1e-3);
});

test('an image in a bounded prompt keeps its place until it is dropped', async () => {
  const built = builtTiny('qwen3_vl');
  const windows = tinyWindows(built.config);
  const tokens = Uint32Array.from([...windows.tokens.subarray(0, 12), ...text(28)]);
  const model = await opened(built, windows, streamed(built, { inPlace: true }));
  const end = await model.advance({ batch: 1, length: 40, tokens, windows: [0] }, null, windows.images);
  expect(end.next).toBe(end.cache.length);
  expect(end.logits.values.every(Number.isFinite)).toBe(true);
  await model.release();
});

test('keys in half precision are turned as well', async () => {
  const { ort } = await runtime();
  const slot = { part: 'key', past: 'k', present: 'p', heads: 1, size: 4, type: 'float16' } as const;
  const values = Float32Array.from({ length: 5 * 4 }, (_, i) => Math.sin(i + 1));
  const cache = { length: 5, tensors: { k: new ort.Tensor('float16', floatToHalf(values), [1, 1, 5, 4]) } };
  const cut = withRoom(ort, [slot], { cache, next: 5 }, { sinks: 1, keepLast: 2, frequencies: [1, 0.1] }, 1);
  const bits = cut.cache.tensors['k']?.data as Uint16Array | undefined;
  const kept = halfToFloat(new Uint16Array(bits?.buffer ?? new ArrayBuffer(0)));
  const turned = (at: number, pair: number): readonly [number, number] => {
    const [a, b] = [values[at * 4 + pair] ?? 0, values[at * 4 + pair + 2] ?? 0];
    const angle = -2 * ([1, 0.1][pair] ?? 0);
    return [a * Math.cos(angle) - b * Math.sin(angle), b * Math.cos(angle) + a * Math.sin(angle)];
  };
  expect([cut.cache.length, cut.next]).toEqual([3, 3]);
  for (const [to, from] of [
    [1, 3],
    [2, 4],
  ] as const)
    for (const pair of [0, 1]) {
      expect(kept[to * 4 + pair]).toBeCloseTo(turned(from, pair)[0], 2);
      expect(kept[to * 4 + pair + 2]).toBeCloseTo(turned(from, pair)[1], 2);
    }
  expect([...kept.subarray(0, 4)]).toEqual([...halfToFloat(floatToHalf(values.slice(0, 4)))]);
});

test.each([
  ['no positions and no frequencies', { keepLast: 4 }, false],
  ['slack without a bound', { slack: 3 }, true],
  ['in place without a bound', { inPlace: true }, true],
  ['in place without chunks', { keepLast: 4, slack: 4, frequencies: [1], inPlace: true }, true],
  ['chunks that do not fit in place', { keepLast: 4, slack: 4, chunk: 5, frequencies: [1], inPlace: true }, true],
] as const)('refuses %s', (_, hints, positions) => {
  expect(() => checkHints(hints, positions)).toThrow(GateError);
});
