import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { artefactDigest } from '../../../src/models/artefact.ts';
import { type AttentionWork, attentionWork } from '../../../src/models/attention-work.ts';
import { AttributeProtoSchema } from '../../../src/onnx/proto/onnx_pb.js';
import { readModel } from '../../../src/onnx/read.ts';
import { recognise } from '../../../src/onnx/recognise/recognise.ts';
import { finishRewrite, startRewrite } from '../../../src/optimizations/graph/rewrite.ts';
import { keysSeen, type Pattern, sinkWindow, stridedWindow, windowOnly } from '../../../src/optimizations/sparse-attention/pattern.ts';
import { sparsify } from '../../../src/optimizations/sparse-attention/rewrite.ts';
import type { ServeHints } from '../../../src/records/serving.ts';
import { cacheBytes } from '../../../src/runtime/cache-window.ts';
import { tinyFamilies } from '../../models/random-weights.ts';
import { type Built, builtTiny, largestDifference, opened, tinyWindows } from '../../runtime/tiny-model.ts';
import { testFolder } from '../../testkit/folder.ts';

type Model = ReturnType<typeof readModel>;
const length = 30;

/** A copy whose layers have these patterns; null stays dense. */
const sparse = (built: Built, patterns: readonly (Pattern | null)[], block = 8, prepare: (model: Model) => void = () => {}): Built => {
  const folder = testFolder();
  for (const { id, graph } of built.stages) {
    const model = startRewrite(readModel(join(built.folder, graph)));
    const { layers, inputs } = recognise(model);
    if (id === 'decoder') {
      prepare(model);
      const wanted = layers.flatMap(({ attention }, layer) => {
        const pattern = patterns[layer] ?? null;
        return pattern === null ? [] : [{ layer, attention, pattern }];
      });
      sparsify(model, inputs, wanted, block);
    }
    finishRewrite(model, folder);
  }
  return { ...built, folder };
};
const decoderOf = (built: Built): Model => readModel(join(built.folder, built.stages.find(({ id }) => id === 'decoder')!.graph));
const logitsOf = async (built: Built): Promise<Float32Array> => {
  const model = await opened(built, null);
  const { values } = await model.score(tinyWindows(built.config, 2, length), 0, 2);
  await model.release();
  return values;
};

describe.each(tinyFamilies)('%s', (family) => {
  test('patterns that hide nothing change nothing', async () => {
    const built = builtTiny(family);
    const dense = await logitsOf(built);
    for (const pattern of [windowOnly(64), sinkWindow(10, 40), stridedWindow(29, 2)])
      expect(largestDifference(await logitsOf(sparse(built, [pattern, pattern])), dense)).toBeLessThan(2e-5);
    expect(largestDifference(await logitsOf(sparse(built, [windowOnly(4), null])), dense)).toBeGreaterThan(1e-3);
  });

  test('prefill in one call, in chunks and in single steps agree, with a dense layer beside sparse ones', async () => {
    const built = sparse(builtTiny(family), [sinkWindow(5, 2), null]);
    const { vocabulary } = built.config.text;
    const windows = tinyWindows(built.config, 2, length);
    const blind = { ...windows, images: null };
    const model = await opened(built, null);
    const { values } = await model.score(blind, 0, 1);
    const rows = (from: number, to: number) => ({
      batch: 1,
      length: to - from,
      tokens: Uint32Array.from(windows.tokens.subarray(from, to)),
      windows: null,
    });
    let [state, at] = [await model.advance(rows(0, 7), null), 7];
    for (const piece of [9, 1, 1, 1, 8, 1]) {
      const { logits } = state;
      expect(largestDifference(logits.values, values.subarray((at - 1) * vocabulary, at * vocabulary))).toBeLessThan(2e-5);
      state = await model.advance(rows(at, at + piece), state);
      at += piece;
    }
    expect(largestDifference(state.logits.values, values.subarray((at - 1) * vocabulary, at * vocabulary))).toBeLessThan(2e-5);
    // Two layers: one holds two sinks and the newest four positions, the other all of them.
    const dense = await opened(builtTiny(family), null);
    const whole = cacheBytes((await dense.advance(rows(0, at), null)).cache);
    expect(cacheBytes(state.cache)).toBe((whole / 2) * (1 + 6 / at));
    await model.release();
    await dense.release();
  });

  test('is recognised, counted and written like any other model', () => {
    const [built, pattern] = [builtTiny(family), stridedWindow(5, 3)];
    const made = sparse(built, [pattern, pattern]);
    const [before, after] = [recognise(decoderOf(built)), recognise(decoderOf(made))];
    expect(after.warnings).toEqual([]);
    for (const [at, { attention, feedForwards, experts }] of before.layers.entries()) {
      const { heads, kvHeads, headSize, valueSize, cache } = attention;
      expect(after.layers[at]?.attention).toMatchObject({ op: 'Softmax', heads, kvHeads, headSize, valueSize, cache });
      expect(after.layers[at]?.feedForwards).toHaveLength(feedForwards.length);
      expect(after.layers[at]?.experts?.count).toBe(experts?.count);
    }
    const digest = (one: Built): string => artefactDigest(one.folder, one.stages, {});
    expect(digest(sparse(built, [pattern, pattern]))).toBe(digest(made));
    expect(digest(sparse(built, [pattern, null]))).not.toBe(digest(made));
  });

  test('what attention computes and keeps is read from the graph', async () => {
    const tokens = 40;
    const [built, pattern, block] = [builtTiny(family), sinkWindow(6, 3), 8];
    const made = sparse(built, [pattern, null], block);
    const model = await opened(made, null);
    const rows = { batch: 1, length: tokens, tokens: new Uint32Array(tokens).fill(3), windows: null };
    const workOf = (one: Built, serve: ServeHints = {}): AttentionWork => {
      const work = attentionWork(decoderOf(one), serve, tokens);
      if (typeof work === 'string') throw new Error(work);
      return work;
    };
    const found = workOf(made);
    expect(found.cacheBytesPerToken).toBeCloseTo(cacheBytes((await model.advance(rows, null)).cache) / tokens, 9);
    await model.release();
    const diagonal = (tokens * (tokens + 1)) / 2;
    const spelled = family === 'glm4_moe_lite' ? tokens ** 2 : diagonal;
    // Five blocks of eight queries; each computes three sinks, five keys before it and its own eight, and three more to fill sixteen columns.
    expect(found.density).toBeCloseTo((100 * (5 * 8 * (3 + 5 + 8 + 3) + spelled)) / (2 * diagonal), 9);
    expect(workOf(built).density).toBeCloseTo((100 * spelled) / diagonal, 9);
    expect(workOf(built, { keepLast: 10, sinks: 2 }).cacheBytesPerToken).toBeCloseTo((workOf(built).cacheBytesPerToken * 12) / tokens, 9);
    expect(keysSeen(pattern, tokens)).toBe(9);
  });
});

test('a token that no layer sees any more changes nothing; in the dense model it does', async () => {
  const [built, windows] = [builtTiny('qwen3'), tinyWindows(builtTiny('qwen3').config, 1, length)];
  const changed = { ...windows, tokens: windows.tokens.map((token, at) => (at === 3 ? token + 1 : token)) };
  const lastOf = async (one: Built, text: typeof windows): Promise<Float32Array> => {
    const model = await opened(one, null);
    const { values } = await model.score(text, 0, 1);
    await model.release();
    return values.slice(-built.config.text.vocabulary);
  };
  // Two layers of a window of six: what stands ten or more positions back is out of reach.
  const narrow = sparse(built, [windowOnly(6), windowOnly(6)]);
  expect(largestDifference(await lastOf(narrow, windows), await lastOf(narrow, changed))).toBe(0);
  expect(largestDifference(await lastOf(built, windows), await lastOf(built, changed))).toBeGreaterThan(1e-4);
});

describe('what is not rewritten is refused by name', () => {
  const withAttribute =
    (name: string, value: { readonly i?: bigint; readonly f?: number }) =>
    (model: Model): void => {
      for (const node of model.proto.graph!.node)
        if (node.opType === 'GroupQueryAttention')
          node.attribute.push(create(AttributeProtoSchema, { name, type: value.i === undefined ? 1 : 2, ...value }));
    };
  test.each([
    ['a window', withAttribute('local_window_size', { i: 4n }), 'has a window already'],
    ['capped scores', withAttribute('softcap', { f: 30 }), 'caps its scores'],
    ['a smooth softmax', withAttribute('smooth_softmax', { i: 1n }), 'smoothing'],
    [
      'a sink of its own',
      (model: Model) => {
        for (const node of model.proto.graph!.node) if (node.opType === 'GroupQueryAttention') node.input.push('', '', 'cos_cache');
      },
      'a bias or a sink',
    ],
  ])('%s', (_, prepare, words) => {
    expect(() => sparse(builtTiny('qwen3'), [windowOnly(4)], 8, prepare)).toThrow(
      expect.objectContaining({ code: 'onnx-unsupported', message: expect.stringContaining(words) }),
    );
  });

  test('attention without the inputs that say how long a call is, of another type, by another operator', () => {
    const model = startRewrite(decoderOf(builtTiny('qwen3')));
    const { layers, inputs } = recognise(model);
    const wanted = layers.map(({ attention }, layer) => ({ layer, attention, pattern: windowOnly(4) }));
    expect(() =>
      sparsify(
        model,
        inputs.filter(({ name }) => name !== 'attention_mask'),
        wanted,
        8,
      ),
    ).toThrow(/attention_mask/);
    const half = inputs.map((port) => ({ ...port, type: port.name.startsWith('past') ? 'float16' : port.type }));
    expect(() => sparsify(model, half, wanted, 8)).toThrow(/float32 only/);
    const other = wanted.map((one) => ({ ...one, attention: { ...one.attention, op: 'MultiHeadAttention' as const } }));
    expect(() => sparsify(model, inputs, other, 8)).toThrow(/MultiHeadAttention.*of this operator cannot be/);
  });
});
