import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { dataType } from '../../src/onnx/data-type.ts';
import { AttributeProtoSchema, type ModelProto, ValueInfoProtoSchema } from '../../src/onnx/proto/onnx_pb.js';
import { readModel } from '../../src/onnx/read.ts';
import { integerTensor } from '../../src/onnx/tensor.ts';
import { writeModel } from '../../src/onnx/write.ts';
import { testFolder } from '../testkit/folder.ts';
import { type Built, builtTiny, largestDifference, opened, tinyWindows } from './tiny-model.ts';

/** The tiny decoder as other exporters write it. */
const rewritten = (edit: (proto: ModelProto) => void): Built => {
  const built = builtTiny('qwen3');
  const { proto } = readModel(join(built.folder, 'model.onnx'));
  edit(proto);
  const folder = testFolder();
  writeModel({ proto, sourceFolder: built.folder }, folder, 'model.onnx', new Map());
  return { ...built, folder };
};

/** `position_ids` [batch, sequence] as an input of every attention node. */
const withPositions = (proto: ModelProto): void => {
  const like = proto.graph?.input.find(({ name }) => name === 'input_ids');
  if (like?.type !== undefined) proto.graph?.input.push(create(ValueInfoProtoSchema, { name: 'position_ids', type: like.type }));
  for (const node of proto.graph?.node ?? []) if (node.opType === 'GroupQueryAttention') node.input[9] = 'position_ids';
};

/** All logits, always. */
const withoutKeeping = (proto: ModelProto): void => {
  const graph = proto.graph;
  if (graph === undefined) return;
  graph.input = graph.input.filter(({ name }) => name !== 'num_logits_to_keep');
  graph.initializer.push({ ...integerTensor('num_logits_to_keep', [], [0]) });
};

const withWindow =
  (size: bigint) =>
  (proto: ModelProto): void => {
    for (const node of proto.graph?.node ?? [])
      if (node.opType === 'GroupQueryAttention')
        node.attribute.push(create(AttributeProtoSchema, { name: 'local_window_size', type: 2, i: size }));
  };

const tokens = [5, 17, 3, 3, 28, 11, 0, 19, 2, 2, 14, 7];
const rows = { batch: 1, length: tokens.length, tokens: Uint32Array.from(tokens), windows: null };

describe('graphs of other exporters', () => {
  test('are driven from their inputs and give the same answers', async () => {
    const ours = await opened(builtTiny('qwen3'), null);
    const theirs = await opened(
      rewritten((proto) => {
        withPositions(proto);
        withoutKeeping(proto);
      }),
      null,
    );
    expect([theirs.face.positions, theirs.face.keepsLogits]).toEqual(['flat', false]);
    expect([ours.face.positions, ours.face.keepsLogits]).toEqual(['none', true]);
    const [a, b] = [await ours.advance(rows, null), await theirs.advance(rows, null)];
    expect(largestDifference(a.logits.values, b.logits.values)).toBeLessThan(1e-5);
    const call = await theirs.prepareCall(
      { id: 'p', kind: 'call', phase: 'decode', length: 8, batch: 2, rounds: 1, warmUp: 0, arms: [] },
      1,
    );
    await expect(call()).resolves.toHaveProperty('logits');
    await ours.release();
    await theirs.release();
  });

  test('with an input of another type are refused by its name', async () => {
    const narrow = rewritten((proto) => {
      const type = proto.graph?.input.find(({ name }) => name === 'input_ids')?.type?.value;
      if (type?.case === 'tensorType') type.value.elemType = dataType.int32;
    });
    await expect(opened(narrow, null)).rejects.toMatchObject({
      code: 'onnx-unsupported',
      message: expect.stringContaining('its input input_ids to be int64, got int32'),
    });
  });
});

describe('a bounded cache', () => {
  test('answers as attention with a window of that size does', async () => {
    const bounded = await opened(rewritten(withPositions), null, { keepLast: 3, chunk: 1 });
    const windowed = await opened(rewritten(withWindow(4n)), null);
    const full = await opened(builtTiny('qwen3'), null);
    const [a, b, c] = [await bounded.advance(rows, null), await windowed.advance(rows, null), await full.advance(rows, null)];
    expect(a.cache.length).toBe(3);
    expect(largestDifference(a.logits.values, b.logits.values)).toBeLessThan(1e-4);
    expect(largestDifference(a.logits.values, c.logits.values)).toBeGreaterThan(1e-4);
    const windows = tinyWindows(builtTiny('qwen3').config);
    expect(largestDifference((await bounded.score(windows, 0, 2)).values, (await windowed.score(windows, 0, 2)).values)).toBeLessThan(1e-4);
    for (const model of [bounded, windowed, full]) await model.release();
  });

  test('large enough for everything changes nothing; sinks stay', async () => {
    const wide = await opened(rewritten(withPositions), null, { keepLast: 20, sinks: 2 });
    const full = await opened(builtTiny('qwen3'), null);
    expect(largestDifference((await wide.advance(rows, null)).logits.values, (await full.advance(rows, null)).logits.values)).toBeLessThan(
      1e-4,
    );
    const sinking = await opened(rewritten(withPositions), null, { keepLast: 3, sinks: 2, chunk: 2 });
    const { cache } = await sinking.advance(rows, null);
    const whole = (await full.advance(rows, null)).cache;
    expect(cache.length).toBe(5);
    const keys = (from: typeof cache, at: number): number[] =>
      [...((from.tensors['past_key_values.0.key']?.data as Float32Array) ?? [])].slice(at * 16, (at + 1) * 16);
    // The first layer's keys depend on nothing but the token and its position.
    expect(largestDifference(keys(cache, 0), keys(whole, 0))).toBeLessThan(1e-5);
    expect(largestDifference(keys(cache, 4), keys(whole, 11))).toBeLessThan(1e-5);
    for (const model of [wide, full, sinking]) await model.release();
  });
});
