import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dataType, dataTypeFacts } from '../../src/onnx/data-type.ts';
import { TensorProtoSchema } from '../../src/onnx/proto/onnx_pb.js';
import { readModel } from '../../src/onnx/read.ts';
import {
  findInitializer,
  floatTensor,
  halfTensor,
  initializer,
  integerTensor,
  rawTensor,
  readFloats,
  readIntegers,
  tensorBytes,
} from '../../src/onnx/tensor.ts';
import { tensorByteLength, tensorDims } from '../../src/onnx/tensor-layout.ts';
import { inMemory, oracles, thrown } from './small-models.ts';

const expected: Record<string, readonly number[]> = JSON.parse(readFileSync(join(oracles, 'types.json'), 'utf8'));
const empty = inMemory({ nodes: [] });

describe.each(['typed.onnx', 'raw.onnx'])('tensors of the reference implementation: %s', (file) => {
  const model = readModel(join(oracles, file));
  it.each(Object.keys(expected))('reads %s', (name) => {
    const read = [...readFloats(model, name)];
    // The reference rounds bfloat16 by truncation or to nearest, by version: the stored bits decide.
    expect(read).toHaveLength(8);
    if (name === 'bfloat16')
      expect(read.map((each, at) => Math.abs(each - (expected[name]?.[at] ?? 0)) <= Math.abs(each) / 128)).not.toContain(false);
    else expect(read.map((each) => each + 0)).toEqual(expected[name]?.map((each) => each + 0));
  });
});

describe('tensors', () => {
  it('gives the same bytes for typed and raw storage', () => {
    const [typed, raw] = [readModel(join(oracles, 'typed.onnx')), readModel(join(oracles, 'raw.onnx'))];
    for (const name of Object.keys(expected)) {
      expect(Buffer.from(tensorBytes(typed, initializer(typed, name))).equals(tensorBytes(raw, initializer(raw, name))), name).toBe(true);
    }
  });

  it('round-trips what it builds', () => {
    fc.assert(
      fc.property(fc.float32Array({ noNaN: true, maxLength: 40 }), (values) => {
        expect([...readFloats(empty, floatTensor('t', [values.length], values))]).toEqual([...values]);
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.maxSafeInteger(), { maxLength: 20 }), (values) => {
        expect(readIntegers(empty, integerTensor('t', [values.length], values))).toEqual(values.map((each) => each + 0));
      }),
    );
    expect([...readFloats(empty, halfTensor('h', [2], Float32Array.of(0.1, -3)))]).toEqual([0.0999755859375, -3]);
  });

  it('clamps the largest int64, which exporters write for "to the end"', () => {
    const ends = rawTensor('e', dataType.int64, [2], new Uint8Array(BigInt64Array.of(2n ** 63n - 1n, -(2n ** 63n)).buffer));
    expect(readIntegers(empty, ends)).toEqual([Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER]);
  });

  it('unpacks sub-byte integers, low bits first', () => {
    const bytes = Uint8Array.of(0x8f, 0x07);
    expect(readIntegers(empty, rawTensor('t', dataType.uint4, [3], bytes))).toEqual([15, 8, 7]);
    expect(readIntegers(empty, rawTensor('t', dataType.int4, [3], bytes))).toEqual([-1, -8, 7]);
    expect(readIntegers(empty, rawTensor('t', dataType.int2, [4], Uint8Array.of(0b11_10_01_00)))).toEqual([0, 1, -2, -1]);
  });

  it('does not hand out the memory of the model for editing', () => {
    const tensor = floatTensor('t', [1], Float32Array.of(1));
    readFloats(empty, tensor)[0] = 5;
    expect(readFloats(empty, tensor)[0]).toBe(1);
  });

  it('knows every type of the schema', () => {
    for (const code of Object.values(dataType)) expect(dataTypeFacts(code)?.code).toBe(code);
    expect(dataTypeFacts(0)).toBeUndefined();
    expect(dataTypeFacts(99)).toBeUndefined();
  });

  it('refuses what cannot be read, naming it', () => {
    const strings = create(TensorProtoSchema, { name: 'words', dataType: dataType.string, dims: [1n], stringData: [new Uint8Array(1)] });
    expect(thrown(() => readFloats(empty, strings))).toMatchObject({ code: 'onnx-unsupported', message: expect.stringContaining('words') });
    expect(thrown(() => readIntegers(empty, floatTensor('f', [1], new Float32Array(1)))).code).toBe('onnx-unsupported');
    expect(thrown(() => initializer(empty, 'absent'))).toMatchObject({
      code: 'onnx-dangling-input',
      message: expect.stringContaining('absent'),
    });
    expect(findInitializer(empty, 'absent')).toBeUndefined();
    expect(thrown(() => rawTensor('r', dataType.float, [3], new Uint8Array(8))).message).toContain('12');
  });

  it('refuses impossible shapes', () => {
    const tensor = (dims: readonly bigint[]) => create(TensorProtoSchema, { name: 'w', dataType: dataType.float, dims: [...dims] });
    expect(thrown(() => tensorDims(tensor([-1n]))).code).toBe('onnx-malformed');
    expect(thrown(() => tensorDims(tensor([2n ** 40n, 2n ** 40n]))).code).toBe('onnx-malformed');
    expect(thrown(() => tensorDims(tensor([0n, 2n ** 62n]))).code).toBe('onnx-malformed');
    expect(tensorByteLength(tensor([]))).toBe(4);
    expect(tensorByteLength(tensor([0n, 7n]))).toBe(0);
  });
});
