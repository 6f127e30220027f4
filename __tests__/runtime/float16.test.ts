import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { encodeModel } from '../../src/onnx/binary.ts';
import type { ServeHints } from '../../src/records/serving.ts';
import { floatsOfTensor } from '../../src/runtime/feeds.ts';
import { type OpenStage, pipelineSession } from '../../src/runtime/pipeline.ts';
import { openSession, type Session } from '../../src/runtime/session.ts';
import type { TinyFamily } from '../models/random-weights.ts';
import { proto, value } from '../onnx/small-models.ts';
import { halved } from './halved-model.ts';
import { builtTiny, largestDifference, opened, runtime, settings, tinyWindows } from './tiny-model.ts';

const tokens = [5, 17, 3, 3, 28, 11, 0, 19, 2, 2, 14, 7];
const rowsOf = (batch: number) => ({
  batch,
  length: tokens.length,
  tokens: Uint32Array.from({ length: batch * tokens.length }, (_, at) => tokens[at % tokens.length] ?? 0),
  windows: null,
});
const frequencies = Array.from({ length: 8 }, (_, pair) => 10000 ** (-pair / 8));
/** float16 keeps 11 bits, and a logit of these models is below 4. */
const close = 0.02;

describe('a decoder in float16', () => {
  it.each<[TinyFamily, ServeHints]>([
    ['qwen3', {}],
    ['qwen3', { chunk: 4 }],
    ['qwen3', { chunk: 2, keepLast: 4, sinks: 1, frequencies }],
    ['qwen3', { chunk: 2, keepLast: 4, sinks: 1, slack: 2, inPlace: true, frequencies }],
    ['glm4_moe_lite', {}],
  ])('%s %j gives the logits of the same weights in float32, from a prompt and step by step', async (family, serve) => {
    const built = builtTiny(family);
    const [full, half] = [await opened(built, null, serve), await opened(halved(built), null, serve)];
    const windows = tinyWindows(built.config);
    expect(half.face.cache.every(({ type }) => type === 'float16')).toBe(true);
    expect(largestDifference((await half.score(windows, 0, 2)).values, (await full.score(windows, 0, 2)).values)).toBeLessThan(close);
    let [a, b] = [await full.advance(rowsOf(1), null), await half.advance(rowsOf(1), null)];
    for (const token of [4, 9, 1]) {
      expect(largestDifference(a.logits.values, b.logits.values)).toBeLessThan(close);
      const step = { batch: 1, length: 1, tokens: Uint32Array.of(token), windows: null };
      [a, b] = [await full.advance(step, a), await half.advance(step, b)];
    }
    expect(b.cache.length).toBe(a.cache.length);
    for (const model of [full, half]) await model.release();
  });
});

describe('timed calls in float16', () => {
  it.each(['prefill', 'decode'] as const)('%s writes into the outputs of the call before', async (phase) => {
    const model = await opened(halved(builtTiny('qwen3')), null);
    const call = await model.prepareCall({ id: 'p', kind: 'call', phase, length: 8, batch: 2, rounds: 1, warmUp: 0, arms: [] }, 1);
    const logits = (outputs: unknown): readonly number[] => [...floatsOfTensor((outputs as Record<string, Tensor>)['logits'] as Tensor)];
    const first = logits(await call());
    expect(first.some((each) => each !== 0)).toBe(true);
    expect(logits(await call())).toEqual(first);
    await model.release();
  });

  it('a vision tower hands its features on', async () => {
    const built = builtTiny('qwen3_vl');
    const windows = tinyWindows(built.config);
    const [full, half] = [await opened(built, windows), await opened(halved(built), windows)];
    for (const blind of [false, true])
      expect(
        largestDifference((await half.score(windows, 0, 1, blind)).values, (await full.score(windows, 0, 1, blind)).values),
      ).toBeLessThan(close);
    const chunked = await opened(halved(built), windows, { chunk: 3 });
    expect(largestDifference((await chunked.score(windows, 0, 1)).values, (await half.score(windows, 0, 1)).values)).toBeLessThan(close);
    for (const model of [full, half, chunked]) await model.release();
  });
});

/** y = x + x in float16 */
const doubling = (from: string, to: string): Uint8Array =>
  encodeModel(
    proto({
      nodes: [{ opType: 'Add', input: [from, from], output: [to] }],
      inputs: [value(from, ['n', 4], 10)],
      outputs: [value(to, ['n', 4], 10)],
    }),
  );
const halves = (...words: number[]): Tensor => new Tensor('float16', Uint16Array.from(words), [words.length / 4, 4]);

describe('float16 tensors', () => {
  const opening = async (graph: Uint8Array): Promise<Session> => openSession(await runtime(), graph, settings);

  it('are handed on by the modules of a pipeline, also into earlier outputs', async () => {
    const stages: OpenStage[] = [
      { id: 'first', session: await opening(doubling('x', 'a')) },
      { id: 'second', session: await opening(doubling('a', 'y')) },
    ];
    const pipeline = pipelineSession(stages);
    const outputs = await pipeline.run({ x: halves(0x3c00, 0x4000, 0x4200, 0x4400) }, ['y']);
    expect([...floatsOfTensor(outputs['y'] as Tensor)]).toEqual([4, 8, 12, 16]);
    const again = await pipeline.run({ x: halves(0xbc00, 0, 0x0001, 0x7bff) }, outputs);
    expect([...floatsOfTensor(again['y'] as Tensor)]).toEqual([-4, 0, 4 * 2 ** -24, Number.POSITIVE_INFINITY]);
    await pipeline.release();
  });

  it('are still refused by the bare runtime: when this fails, it is mended and `half-values.ts` can go', async () => {
    const bare = await InferenceSession.create(doubling('x', 'y'));
    await expect(bare.run({ x: halves(0x3c00, 0x4000, 0x4200, 0x4400) })).rejects.toThrow('not enough space');
    await bare.release();
  });
});
