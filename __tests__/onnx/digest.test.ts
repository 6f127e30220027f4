import { copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { graphDigest, usedBytes } from '../../src/onnx/digest.ts';
import type { ModelProto } from '../../src/onnx/proto/onnx_pb.js';
import { floatTensor } from '../../src/onnx/tensor.ts';
import { writeModel } from '../../src/onnx/write.ts';
import { bytesOf, integerAttribute, noise, oracles, proto, scratch, thrown, value } from './small-models.ts';

const place = scratch();
let files = 0;
const model = (): ModelProto =>
  proto({
    nodes: [
      { opType: 'Softmax', name: 's', input: ['x'], output: ['h'], attribute: [integerAttribute('axis', -1)] },
      { opType: 'Mul', name: 'm', input: ['h', 'w'], output: ['y'] },
    ],
    initializers: [floatTensor('w', [600], noise(600))],
    inputs: [value('x', ['n', 600])],
    outputs: [value('y', ['n', 600])],
  });
const digestOf = (edit: (made: ModelProto) => void): string => {
  const made = model();
  edit(made);
  const folder = place(`digest-${files++}`);
  mkdirSync(folder);
  writeFileSync(join(folder, 'm.onnx'), bytesOf(made));
  return graphDigest(folder, 'm.onnx');
};
const original = digestOf(() => undefined);
const entry = (key: string, text: string) => ({ $typeName: 'onnx.StringStringEntryProto' as const, key, value: text });

describe('graphDigest', () => {
  it('is the same however the reference implementation stores the weights', () => {
    expect(graphDigest(join(oracles, 'external'), 'block.onnx')).toBe(graphDigest(oracles, 'block.onnx'));
    expect(graphDigest(oracles, 'typed.onnx')).toBe(graphDigest(oracles, 'raw.onnx'));
    expect(graphDigest(oracles, 'typed.onnx')).not.toBe(graphDigest(oracles, 'block.onnx'));
  });

  it.each<[string, (made: ModelProto) => void]>([
    ['doc strings', (made) => Object.assign(made.graph?.node[0] ?? {}, { docString: 'File "/home/me/export.py", line 3' })],
    ['metadata', (made) => made.graph?.node[1]?.metadataProps.push(entry('pkg.torch.onnx.stack_trace', '…'))],
    ['model metadata', (made) => made.metadataProps.push(entry('a', 'b'))],
    ['producer', (made) => Object.assign(made, { producerName: 'other', producerVersion: '9' })],
  ])('ignores %s', (_, edit) => {
    expect(digestOf(edit)).toBe(original);
  });

  it.each<[string, (made: ModelProto) => void]>([
    ['one bit of a weight', (made) => made.graph?.initializer.splice(0, 1, floatTensor('w', [600], noise(600).with(599, 0.5)))],
    ['an attribute', (made) => made.graph?.node[0]?.attribute.splice(0, 1)],
    ['an operator', (made) => Object.assign(made.graph?.node[1] ?? {}, { opType: 'Add' })],
    ['a domain', (made) => Object.assign(made.graph?.node[1] ?? {}, { domain: 'com.microsoft' })],
    ['the order of inputs', (made) => made.graph?.node[1]?.input.reverse()],
    ['an opset', (made) => Object.assign(made.opsetImport[0] ?? {}, { version: 20n })],
    ['an output', (made) => made.graph?.output.push(...made.graph.input)],
    ['the shape of a weight', (made) => Object.assign(made.graph?.initializer[0] ?? {}, { dims: [1n, 600n] })],
  ])('covers %s', (_, edit) => {
    expect(digestOf(edit)).not.toBe(original);
  });

  it('sees a changed byte in a data file, and not its name, offset or padding', () => {
    const made = model();
    writeModel({ proto: made, sourceFolder: null }, place('plain'), 'm.onnx', new Map());
    expect(graphDigest(place('plain'), 'm.onnx')).toBe(original);
    mkdirSync(place('moved'));
    const tensor = made.graph?.initializer[0];
    const bytes = tensor?.rawData ?? new Uint8Array();
    Object.assign(tensor ?? {}, {
      rawData: new Uint8Array(),
      dataLocation: 1,
      externalData: [entry('location', 'other'), entry('offset', '37')],
    });
    writeFileSync(join(place('moved'), 'other'), Buffer.concat([Buffer.alloc(37, 1), bytes, Buffer.alloc(9, 2)]));
    writeFileSync(join(place('moved'), 'm.onnx'), bytesOf(made));
    expect(graphDigest(place('moved'), 'm.onnx')).toBe(original);
    const data = readFileSync(join(place('moved'), 'other'));
    data[37 + 1000] = (data[37 + 1000] ?? 0) ^ 1;
    writeFileSync(join(place('moved'), 'other'), data);
    expect(graphDigest(place('moved'), 'm.onnx')).not.toBe(original);
  });

  it('refuses what cannot be read', () => {
    expect(thrown(() => graphDigest(place('absent'), 'm.onnx')).code).toBe('onnx-malformed');
  });
});

describe('usedBytes', () => {
  it('counts the graph and each external range in use once', () => {
    const folder = place('used');
    mkdirSync(folder);
    const weights = ['w', 'twin', 'part', 'idle'].map((name) =>
      floatTensor(name, [name === 'part' ? 300 : 600], noise(name === 'part' ? 300 : 600)),
    );
    const offsets = { w: 0, twin: 0, part: 1200, idle: 4096 };
    for (const tensor of weights) {
      const offset = String(offsets[tensor.name as keyof typeof offsets]);
      Object.assign(tensor, {
        rawData: new Uint8Array(),
        dataLocation: 1,
        externalData: [entry('location', 'data'), entry('offset', offset)],
      });
    }
    writeFileSync(join(folder, 'data'), new Uint8Array(4096 + 2400));
    const made = proto({
      nodes: ['w', 'twin', 'part'].map((name) => ({ opType: 'Mul', input: ['x', name], output: [`${name}-out`] })),
      initializers: weights,
      inputs: [value('x', [1])],
      outputs: [value('w-out', [600])],
    });
    writeFileSync(join(folder, 'm.onnx'), bytesOf(made));
    expect(usedBytes(folder, 'm.onnx') - statSync(join(folder, 'm.onnx')).size).toBe(2400);
  });

  it('is the size of a file that holds everything', () => {
    expect(usedBytes(oracles, 'block.onnx')).toBe(statSync(join(oracles, 'block.onnx')).size);
    const folder = place('external');
    mkdirSync(folder);
    for (const file of ['block.onnx', 'weights.bin']) copyFileSync(join(oracles, 'external', file), join(folder, file));
    expect(usedBytes(folder, 'block.onnx')).toBe(statSync(join(folder, 'block.onnx')).size + 13568 * 4);
  });
});
