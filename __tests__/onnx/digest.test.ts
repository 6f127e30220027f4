import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { artefactDigest } from '../../src/models/artefact.ts';
import { dataType } from '../../src/onnx/data-type.ts';
import { graphDigest, unusedBytes, usedBytes } from '../../src/onnx/digest.ts';
import { floatToHalf } from '../../src/onnx/half.ts';
import { allTensors } from '../../src/onnx/model.ts';
import { FunctionProtoSchema, type ModelProto, type TensorProto } from '../../src/onnx/proto/onnx_pb.js';
import { floatTensor, integerTensor, rawTensor } from '../../src/onnx/tensor.ts';
import { writeModel } from '../../src/onnx/write.ts';
import { bytesOf, integerAttribute, type NodeInit, noise, oracles, proto, scratch, thrown, value } from './small-models.ts';

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
    ['producer', (made) => Object.assign(made, { producerName: 'other', producerVersion: '9', modelVersion: 3n, domain: 'com.example' })],
    [
      'names of nodes and graphs',
      (made) => Object.assign(made.graph!.node[0]!, { name: 'other' }) && Object.assign(made.graph!, { name: 'other' }),
    ],
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

/** One scalar in each place that a graph can hold one, however deep. */
const hidden = (pick: (place: string) => number): ModelProto => {
  const at = (place: string): TensorProto => floatTensor('', [], Float32Array.of(pick(place)));
  const constant = (place: string, output: string) => ({
    opType: 'Constant',
    output: [output],
    attribute: [{ name: 'value', type: 4, t: at(place) }],
  });
  const body = (place: string, inner: NodeInit[] = []) => ({
    name: 'body',
    node: [...inner, constant(place, 'r')],
    initializer: [{ ...at(`${place}, initializer`), name: 'i' }],
    output: [value('r', [])],
  });
  const holding = (opType: string, name: string, graph: object): NodeInit => ({
    opType,
    input: ['x'],
    output: [`${opType}-${name}`],
    attribute: [{ name, type: 5, g: graph }],
  });
  const made = proto({
    nodes: [
      holding('If', 'then_branch', body('branch', [holding('Loop', 'body', body('loop in a branch'))])),
      constant('constant', 'c'),
      { opType: 'Constant', output: ['d'], attribute: [{ name: 'value_floats', type: 6, floats: [pick('floats')] }] },
      {
        opType: 'Constant',
        output: ['e'],
        attribute: [
          {
            name: 'sparse_value',
            type: 11,
            sparseTensor: { values: { ...at('sparse value'), dims: [1n] }, indices: integerTensor('', [1], [0]), dims: [4n] },
          },
        ],
      },
    ],
    inputs: [value('x', [])],
    outputs: [value('c', [])],
  });
  made.functions.push(
    create(FunctionProtoSchema, {
      name: 'f',
      domain: 'own',
      node: [constant('function', 'g'), holding('If', 'else_branch', body('branch in a function'))],
      input: ['x'],
      attributeProto: [{ name: 'a', type: 4, t: at('default of a function') }],
    }),
  );
  return made;
};

describe('what is nested', () => {
  const folder = place('nested');
  mkdirSync(folder);
  const asked = new Set<string>();
  const digest = (pick: (place: string) => number): string => {
    writeFileSync(join(folder, 'm.onnx'), bytesOf(hidden(pick)));
    return graphDigest(folder, 'm.onnx');
  };
  const same = digest((each) => {
    asked.add(each);
    return 1;
  });
  it.each([...asked])('covers a value in: %s', (changed) => {
    expect(digest((each) => (each === changed ? 2 : 1))).not.toBe(same);
  });

  it.each([...asked].filter((each) => each !== 'floats'))('covers external bytes in: %s', (moved) => {
    const digests = [1, 2].map((number) => {
      const made = hidden(() => 1);
      const tensors = [...allTensors(made)].map(({ tensor }) => tensor);
      const at = [...asked].indexOf(moved);
      const found = hidden((each) => (each === moved ? 7 : 1));
      const which = [...allTensors(found)].findIndex(
        ({ tensor }) => tensor.rawData.length === 4 && new Float32Array(tensor.rawData.slice().buffer)[0] === 7,
      );
      const tensor = tensors[which];
      if (tensor === undefined || at < 0) throw new Error(moved);
      Object.assign(tensor, { rawData: new Uint8Array(), dataLocation: 1, externalData: [entry('location', './far')] });
      writeFileSync(join(folder, 'far'), new Uint8Array(Float32Array.of(number).buffer));
      writeFileSync(join(folder, 'm.onnx'), bytesOf(made));
      return graphDigest(folder, 'm.onnx');
    });
    expect(digests[0]).toBe(same);
    expect(digests[1]).not.toBe(same);
  });

  it('refuses a compiled context in a file of its own', () => {
    const context = {
      opType: 'EPContext',
      domain: 'com.microsoft',
      input: ['x'],
      output: ['y'],
      attribute: [integerAttribute('embed_mode', 0)],
    };
    writeFileSync(join(folder, 'm.onnx'), bytesOf(proto({ nodes: [context], inputs: [value('x', [1])], outputs: [value('y', [1])] })));
    expect(thrown(() => graphDigest(folder, 'm.onnx'))).toMatchObject({
      code: 'onnx-unsupported',
      message: expect.stringContaining('embed_mode 1'),
    });
  });
});

describe('usedBytes', () => {
  /** Three readers of one data file; each weight at its offset. */
  const stored = (name: string, offsets: Readonly<Record<string, number>>): string => {
    const folder = place(name);
    mkdirSync(folder);
    const weights = ['w', 'twin', 'part', 'idle'].map((each) =>
      floatTensor(each, [each === 'part' ? 300 : 600], noise(each === 'part' ? 300 : 600)),
    );
    for (const tensor of weights)
      Object.assign(tensor, {
        rawData: new Uint8Array(),
        dataLocation: 1,
        externalData: [entry('location', 'data'), entry('offset', String(offsets[tensor.name]))],
      });
    writeFileSync(join(folder, 'data'), new Uint8Array(4096 + 3 * 2400));
    const made = proto({
      nodes: ['w', 'twin', 'part'].map((each) => ({ opType: 'Mul', input: ['x', each], output: [`${each}-out`] })),
      initializers: weights,
      inputs: [value('x', [1])],
      outputs: [value('w-out', [600])],
    });
    writeFileSync(join(folder, 'm.onnx'), bytesOf(made));
    return folder;
  };

  it('counts each external range in use once, and so does the digest of an artefact', () => {
    const shared = stored('shared', { w: 0, twin: 0, part: 1200, idle: 4096 });
    const apart = stored('apart', { w: 0, twin: 2400, part: 4800, idle: 4096 });
    expect(usedBytes(apart, 'm.onnx') - usedBytes(shared, 'm.onnx')).toBe(2400 + 1200);
    expect(graphDigest(apart, 'm.onnx')).toBe(graphDigest(shared, 'm.onnx'));
    const artefact = (folder: string): string => artefactDigest(folder, [{ id: 'decoder', graph: 'm.onnx' }], {});
    expect(artefact(apart)).not.toBe(artefact(shared));
    expect(artefact(stored('swapped', { w: 4096, twin: 4096, part: 4096 + 1200, idle: 0 }))).toBe(artefact(shared));
  });

  it('is the same wherever the weights lie, and what is written of it in the file less descriptions', () => {
    const whole = statSync(join(oracles, 'block.onnx')).size;
    expect(usedBytes(join(oracles, 'external'), 'block.onnx')).toBe(usedBytes(oracles, 'block.onnx'));
    expect(usedBytes(oracles, 'block.onnx')).toBeLessThan(whole);
    expect(usedBytes(oracles, 'block.onnx')).toBeGreaterThan(0.98 * whole);
  });

  it('counts elements as they are stored: float16 in integers of 32 bits takes more than raw', () => {
    const bytes = [floatToHalf(noise(600)), floatToHalf(noise(600))].map((words, at) => {
      const tensor = rawTensor('w', dataType.float16, [600], new Uint8Array(words.buffer));
      if (at === 1) Object.assign(tensor, { rawData: new Uint8Array(), int32Data: [...words] });
      const folder = place(`stored-${at}`);
      mkdirSync(folder);
      const nodes = [{ opType: 'Mul', input: ['x', 'w'], output: ['y'] }];
      writeFileSync(
        join(folder, 'm.onnx'),
        bytesOf(proto({ nodes, initializers: [tensor], inputs: [value('x', [600], 10)], outputs: [value('y', [600], 10)] })),
      );
      return usedBytes(folder, 'm.onnx');
    });
    expect((bytes[1] ?? 0) - (bytes[0] ?? 0)).toBeGreaterThan(200);
  });
});

describe('unusedBytes', () => {
  const external = (name: string, size: number, offset = 0): string => {
    const folder = place(name);
    mkdirSync(folder);
    const tensor = floatTensor('w', [600], noise(600));
    const externalData = [entry('location', 'data'), entry('offset', String(offset))];
    Object.assign(tensor, { rawData: new Uint8Array(), dataLocation: 1, externalData });
    writeFileSync(join(folder, 'data'), new Uint8Array(size));
    const nodes = [{ opType: 'Mul', input: ['x', 'w'], output: ['y'] }];
    writeFileSync(
      join(folder, 'm.onnx'),
      bytesOf(proto({ nodes, initializers: [tensor], inputs: [value('x', [600])], outputs: [value('y', [600])] })),
    );
    return folder;
  };
  const found = (folder: string): readonly unknown[] =>
    unusedBytes(folder, ['m.onnx']).map(({ path, bytes, used }) => [basename(path), bytes, used]);

  it('are none where a data file holds what is used, and padding', () => {
    expect(found(external('whole', 2400))).toEqual([]);
    expect(found(external('padded', 65_536 + 2400, 65_535))).toEqual([]);
  });

  it('are what lies before, behind and beside it', () => {
    expect(found(external('before', 65_536 + 2400, 65_536))).toEqual([['data', 65_536, true]]);
    expect(found(external('behind', 2400 + 100_000))).toEqual([['data', 100_000, true]]);
    const beside = external('beside', 2400);
    mkdirSync(join(beside, 'deep'));
    writeFileSync(join(beside, 'deep', 'left.bin'), 'left');
    expect(found(beside)).toEqual([['left.bin', 4, false]]);
  });
});
