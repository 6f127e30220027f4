import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GateError } from '../../src/errors.ts';
import { decodeModel, encodeModel } from '../../src/onnx/binary.ts';
import { countMultiplyAdds } from '../../src/onnx/count.ts';
import { dataType } from '../../src/onnx/data-type.ts';
import { graphDigest } from '../../src/onnx/digest.ts';
import { type TensorProto, TensorProtoSchema } from '../../src/onnx/proto/onnx_pb.js';
import { readModel } from '../../src/onnx/read.ts';
import { floatTensor, readFloats } from '../../src/onnx/tensor.ts';
import { bytesOf, oracles, type Parts, proto, scratch, thrown, value } from './small-models.ts';

const place = scratch();
let files = 0;
const written = (bytes: Uint8Array): string => {
  const folder = place(`read-${files++}`);
  mkdirSync(folder);
  writeFileSync(join(folder, 'model.onnx'), bytes);
  return join(folder, 'model.onnx');
};
const refused = (parts: Parts): GateError => thrown(() => readModel(written(bytesOf(proto(parts)))));

const weight = floatTensor('w', [2, 2], Float32Array.of(1, 2, 3, 4));
const input = value('x', ['n', 2]);
const output = value('y', ['n', 2]);
const product = { opType: 'MatMul', name: 'm', input: ['x', 'w'], output: ['y'] };
const sound: Parts = { nodes: [product], initializers: [weight], inputs: [input], outputs: [output] };
const withWeight = (tensor: TensorProto): Parts => ({ ...sound, initializers: [tensor] });

const external = (entries: Readonly<Record<string, string>>, dims: readonly bigint[] = [2n, 2n]): TensorProto =>
  create(TensorProtoSchema, {
    name: 'w',
    dataType: dataType.float,
    dims: [...dims],
    dataLocation: 1,
    externalData: Object.entries(entries).map(([key, text]) => ({ key, value: text })),
  });

describe('readModel', () => {
  it('reads a sound model, and files of the reference implementation and of torch', () => {
    const model = readModel(written(bytesOf(proto(sound))));
    expect([...readFloats(model, 'w')]).toEqual([1, 2, 3, 4]);
    expect(model.graph).toBe('model.onnx');
    for (const file of ['block.onnx', 'external/block.onnx', 'branch.onnx', 'typed.onnx']) {
      expect(readModel(join(oracles, file)).proto.graph?.node.length, file).toBeGreaterThan(0);
    }
  });

  it('never reads external weights: 64 GiB of them take no time and no memory', () => {
    const size = 2 ** 36;
    const path = written(bytesOf(proto(withWeight(external({ location: 'data', length: String(size) }, [BigInt(size / 4)])))));
    writeFileSync(join(path, '..', 'data'), '');
    truncateSync(join(path, '..', 'data'), size);
    expect(readModel(path).proto.graph?.initializer).toHaveLength(1);
  });

  it.each([
    ['text', Buffer.from('This is not a model at all.\n')],
    ['nothing', new Uint8Array(0)],
    ['a model without a graph', bytesOf(Object.assign(proto(sound), { graph: undefined }))],
    ['zeros', new Uint8Array(100)],
  ])('refuses %s', (_, bytes) => {
    expect(thrown(() => readModel(written(bytes)))).toMatchObject({ code: 'onnx-malformed', where: 'model.onnx' });
  });

  it('refuses what is no file, without hanging on a pipe', () => {
    expect(thrown(() => readModel(place('absent.onnx'))).code).toBe('onnx-malformed');
    mkdirSync(place('folder.onnx'));
    expect(thrown(() => readModel(place('folder.onnx'))).code).toBe('onnx-malformed');
    execFileSync('mkfifo', [place('pipe.onnx')]);
    expect(thrown(() => readModel(place('pipe.onnx'))).message).toContain('regular file');
  });

  it('refuses a graph beyond 2 GiB without reading it', () => {
    const path = written(new Uint8Array(1));
    truncateSync(path, 2 ** 31);
    expect(thrown(() => readModel(path)).message).toContain('2 GiB');
  });

  it.each<[string, TensorProto, string]>([
    ['too few raw bytes', create(TensorProtoSchema, { name: 'w', dataType: 1, dims: [2n, 2n], rawData: new Uint8Array(12) }), '12 bytes'],
    ['too few entries', create(TensorProtoSchema, { name: 'w', dataType: 1, dims: [2n], floatData: [1] }), '1 entries'],
    ['another field', create(TensorProtoSchema, { name: 'w', dataType: 1, dims: [1n], int32Data: [1] }), 'int32Data'],
    [
      'two fields',
      create(TensorProtoSchema, { name: 'w', dataType: 1, dims: [1n], floatData: [1], rawData: new Uint8Array(4) }),
      'more than one',
    ],
    ['no data', create(TensorProtoSchema, { name: 'w', dataType: 1, dims: [2n] }), '0 entries'],
    ['a negative dimension', create(TensorProtoSchema, { name: 'w', dataType: 1, dims: [-2n] }), 'negative'],
    ['overflowing dimensions', create(TensorProtoSchema, { name: 'w', dataType: 1, dims: [2n ** 62n, 4n] }), 'too large'],
    ['an unknown type', create(TensorProtoSchema, { name: 'w', dataType: 77, dims: [1n] }), 'unknown data type 77'],
    ['no type', create(TensorProtoSchema, { name: 'w', dims: [1n] }), 'unknown data type 0'],
    ['a segment', create(TensorProtoSchema, { name: 'w', dataType: 1, segment: { begin: 0n, end: 1n } }), 'segment'],
  ])('refuses a tensor with %s', (_, tensor, message) => {
    const error = refused(withWeight(tensor));
    expect(error.code).toBe('onnx-malformed');
    expect(error.message).toContain('"w"');
    expect(error.message).toContain(message);
  });

  it('looks into attribute tensors too', () => {
    const bad = create(TensorProtoSchema, { dataType: 1, dims: [2n], rawData: new Uint8Array(4) });
    const constant = { opType: 'Constant', output: ['c'], attribute: [{ name: 'value', type: 4, t: bad }] };
    expect(refused({ ...sound, nodes: [constant, product] }).message).toContain('value of Constant');
  });
});

describe('external data', () => {
  const refusedAt = (entries: Readonly<Record<string, string>>, prepare?: (folder: string) => void): GateError => {
    const path = written(bytesOf(proto(withWeight(external(entries)))));
    writeFileSync(join(path, '..', 'data'), new Uint8Array(20));
    prepare?.(join(path, '..'));
    return thrown(() => readModel(path));
  };

  it.each([
    ['a parent folder', { location: '../data' }],
    ['a hidden parent folder', { location: 'a/../../data' }],
    ['an absolute path', { location: '/etc/passwd' }],
    ['a Windows path', { location: 'C:\\data' }],
    ['a drive-relative path', { location: 'C:data' }],
    ["the runtime's own memory", { location: '*/_ORT_MEM_ADDR_/*', offset: '4096', length: '16' }],
    ['a null byte', { location: 'da\0ta' }],
    ['nothing', { location: '' }],
    ['no location', { offset: '0' }],
    ['a missing file', { location: 'absent' }],
    ['the folder itself', { location: '.' }],
    ['a folder', { location: 'data/' }],
    ['a way over a folder that is not there', { location: 'absent/../data' }],
    ['a name that is not UTF-8', { location: 'd\udcffta' }],
    ['a range behind the end', { location: 'data', offset: '8', length: '16' }],
    ["a length that is not the shape's", { location: 'data', length: '12' }],
    ['a negative offset', { location: 'data', offset: '-4' }],
    ['an offset beyond integers', { location: 'data', offset: '99999999999999999999' }],
    ['an offset in words', { location: 'data', offset: 'four' }],
  ])('refuses %s', (_, entries) => {
    expect(refusedAt(entries)).toMatchObject({ code: 'onnx-external-data', message: expect.stringContaining('"w"') });
  });

  it('refuses links that leave the folder, folders and pipes; follows links inside', () => {
    writeFileSync(place('secret'), new Uint8Array(64));
    expect(refusedAt({ location: 'link' }, (folder) => symlinkSync(place('secret'), join(folder, 'link'))).message).toContain('outside');
    expect(refusedAt({ location: 'up/secret' }, (folder) => symlinkSync(place('.'), join(folder, 'up'))).message).toContain('outside');
    expect(refusedAt({ location: 'sub' }, (folder) => mkdirSync(join(folder, 'sub'))).message).toContain('regular file');
    expect(refusedAt({ location: 'pipe' }, (folder) => execFileSync('mkfifo', [join(folder, 'pipe')])).message).toContain('regular file');
    const path = written(bytesOf(proto(withWeight(external({ location: 'link' })))));
    writeFileSync(join(path, '..', 'data'), new Uint8Array(Float32Array.of(5, 6, 7, 8).buffer));
    symlinkSync('data', join(path, '..', 'link'));
    expect([...readFloats(readModel(path), 'w')]).toEqual([5, 6, 7, 8]);
  });

  it('accepts every way to write a path that the runtime accepts, and none that leads past a link', () => {
    const path = written(bytesOf(proto(sound)));
    const folder = join(path, '..');
    mkdirSync(join(folder, 'deep/er'), { recursive: true });
    symlinkSync('deep/er', join(folder, 'hop'));
    for (const [file, first] of Object.entries({ data: 5, 'deep/data': 6, 'deep/er/data': 7 }))
      writeFileSync(join(folder, file), new Uint8Array(Float32Array.of(first, 0, 0, 0).buffer));
    const firstOf = (location: string): number | undefined => {
      writeFileSync(path, bytesOf(proto(withWeight(external({ location })))));
      return readFloats(readModel(path), 'w')[0];
    };
    for (const location of ['data', './data', './/data', 'deep/../data', './deep/./er/../../data'])
      expect(firstOf(location), location).toBe(5);
    expect([firstOf('deep//data'), firstOf('hop/data')]).toEqual([6, 7]);
    // The system goes up from deep/er and finds deep/data; a shortened path would be data.
    expect(thrown(() => firstOf('hop/../data'))).toMatchObject({ code: 'onnx-external-data', message: expect.stringContaining('link') });
  });

  it('reads overlapping and empty ranges, and a length that is missing', () => {
    const tensors = [
      external({ location: 'data', offset: '4' }, [2n]),
      external({ location: './data', offset: '8', length: '8' }, [2n]),
      external({ location: 'data', offset: '20', length: '0' }, [0n]),
      external({ location: 'data', offset: '21', length: '0' }, [0n]),
    ].map((tensor, at) => Object.assign(tensor, { name: `w${at}` }));
    const read = (count: number): readonly (readonly number[])[] => {
      const path = written(bytesOf(proto({ ...sound, nodes: [], outputs: [], initializers: tensors.slice(0, count) })));
      writeFileSync(join(path, '..', 'data'), new Uint8Array(Float32Array.of(1, 2, 3, 4, 5).buffer));
      const model = readModel(path);
      return tensors.slice(0, count).map(({ name }) => [...readFloats(model, name)]);
    };
    expect(read(3)).toEqual([[2, 3], [3, 4], []]);
    expect(thrown(() => read(4)).code).toBe('onnx-external-data');
  });

  it('refuses a file that became shorter after the model was read', () => {
    const folder = place('shrinking');
    mkdirSync(folder);
    for (const file of ['block.onnx', 'weights.bin']) copyFileSync(join(oracles, 'external', file), join(folder, file));
    const model = readModel(join(folder, 'block.onnx'));
    truncateSync(join(folder, 'weights.bin'), 100);
    const largest = model.proto.graph?.initializer.at(-1)?.name ?? '';
    expect(thrown(() => readFloats(model, largest)).code).toBe('onnx-external-data');
  });
});

describe('names', () => {
  it('that are not UTF-8 stay apart, and are written as they were read', () => {
    const names = ['w\udcff', 'w\udcfe', '\ufeffw', 'w', '\udc80\u{1f600}\udcf0\udc9f'];
    const weights = names.map((name, at) => floatTensor(name, [1], Float32Array.of(at)));
    const nodes = names.map((name, at) => ({ opType: 'Mul', input: ['x', name], output: [`y${at}`] }));
    const bytes = bytesOf(proto({ nodes, initializers: weights, inputs: [value('x', [1])], outputs: [value('y0', [1])] }));
    expect(Buffer.from(bytes).includes(Buffer.of(0x77, 0xff))).toBe(true);
    const model = readModel(written(bytes));
    expect(model.proto.graph?.initializer.map(({ name }) => name)).toEqual(names);
    expect(names.map((name) => readFloats(model, name)[0])).toEqual([0, 1, 2, 3, 4]);
    expect(Buffer.compare(bytesOf(model.proto), bytes)).toBe(0);
  });

  it('come back as the same bytes, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 24 }), fc.uint8Array({ maxLength: 24 }), (a, b) => {
        const named = (name: Uint8Array): Uint8Array => Buffer.concat([Buffer.of(0x3a, name.length + 2, 0x12, name.length), name]);
        const [one, other] = [decodeModel(named(a)), decodeModel(named(b))];
        expect(Buffer.from(encodeModel(one))).toEqual(Buffer.from(named(a)));
        expect(one.graph?.name === other.graph?.name).toBe(Buffer.compare(a, b) === 0);
      }),
      { numRuns: 500 },
    );
  });

  it('keep fields that this reader does not know', () => {
    const unknown = Buffer.concat([bytesOf(proto(sound)), Buffer.of(0xa2, 0x06, 3, 1, 2, 3)]);
    expect(Buffer.from(bytesOf(readModel(written(unknown)).proto)).includes(Buffer.of(0xa2, 0x06, 3, 1, 2, 3))).toBe(true);
  });
});

describe('dataflow', () => {
  it('refuses an input that nothing produces, naming tensor and node', () => {
    const error = refused({ ...sound, initializers: [] });
    expect(error).toMatchObject({ code: 'onnx-dangling-input', where: 'model.onnx' });
    expect(error.message).toContain('MatMul "m"');
    expect(error.message).toContain('"w"');
  });

  it('refuses an output that nothing produces', () => {
    expect(refused({ ...sound, outputs: [value('z', [1])] }).code).toBe('onnx-dangling-input');
  });

  it('allows empty optional inputs', () => {
    const clip = { opType: 'Clip', input: ['x', '', ''], output: ['y'] };
    expect(readModel(written(bytesOf(proto({ ...sound, nodes: [clip], initializers: [] })))).proto.graph?.node).toHaveLength(1);
  });

  it.each<[string, Parts]>([
    ['two initializers of one name', { ...sound, initializers: [weight, weight] }],
    ['two inputs of one name', { ...sound, inputs: [input, input] }],
    ['two producers of one tensor', { ...sound, nodes: [product, { opType: 'Relu', input: ['x'], output: ['y'] }] }],
    ['a node that produces a graph input', { ...sound, nodes: [product, { opType: 'Relu', input: ['y'], output: ['x'] }] }],
    ['a node without an operator', { ...sound, nodes: [product, { opType: '', input: ['y'], output: ['z'] }] }],
    ['a node that reads itself', { ...sound, nodes: [{ opType: 'Add', input: ['x', 'y'], output: ['y'] }] }],
    [
      'a cycle',
      {
        ...sound,
        nodes: [
          { opType: 'Add', input: ['x', 'b'], output: ['a'] },
          { opType: 'Relu', input: ['a'], output: ['b'] },
          { opType: 'Relu', input: ['a'], output: ['y'] },
        ],
      },
    ],
  ])('refuses %s', (_, parts) => {
    expect(refused(parts).code).toBe('onnx-malformed');
  });

  it('sorts nodes that are out of order, whatever the order', () => {
    const chain = Array.from({ length: 6 }, (_, at) => ({
      opType: 'Relu',
      input: [at === 0 ? 'x' : `t${at}`],
      output: [at === 5 ? 'y' : `t${at + 1}`],
    }));
    fc.assert(
      fc.property(fc.shuffledSubarray(chain, { minLength: 6 }), (nodes) => {
        const read = readModel(written(bytesOf(proto({ ...sound, nodes })))).proto.graph?.node.map((node) => node.input[0]);
        expect(read).toEqual(['x', 't1', 't2', 't3', 't4', 't5']);
      }),
      { numRuns: 20 },
    );
  });

  it('survives a chain of 20,000 nodes in reverse', () => {
    const length = 20_000;
    const nodes = Array.from({ length }, (_, at) => ({
      opType: 'Relu',
      input: [at === 0 ? 'x' : `t${at}`],
      output: [at === length - 1 ? 'y' : `t${at + 1}`],
    }));
    expect(readModel(written(bytesOf(proto({ ...sound, nodes: nodes.reverse() })))).proto.graph?.node[0]?.input).toEqual(['x']);
  });

  it('lets nested graphs read outer tensors, and counts them as needs of the node that holds them', () => {
    const body = (operator: string) => ({
      name: 'b',
      node: [{ opType: operator, input: ['late'], output: ['r'] }],
      output: [value('r', [2])],
    });
    const attribute = [
      { name: 'then_branch', type: 5, g: body('Relu') },
      { name: 'else_branch', type: 5, g: body('Neg') },
    ];
    const branch = { opType: 'If', input: ['x'], output: ['y'], attribute };
    const late = { opType: 'Relu', input: ['x'], output: ['late'] };
    const model = readModel(written(bytesOf(proto({ ...sound, nodes: [branch, late] }))));
    expect(model.proto.graph?.node.map((node) => node.opType)).toEqual(['Relu', 'If']);
    const error = refused({ ...sound, nodes: [branch] });
    expect(error.code).toBe('onnx-dangling-input');
    expect(error.where).toContain('If');
  });

  it('refuses nesting without end', () => {
    let graph: object = { name: 'g', node: [] };
    for (let depth = 0; depth < 60; depth++)
      graph = { name: 'g', node: [{ opType: 'If', input: ['x'], attribute: [{ name: 'then_branch', type: 5, g: graph }] }] };
    const nested = { opType: 'If', input: ['x'], output: ['y'], attribute: [{ name: 'then_branch', type: 5, g: graph }] };
    expect(refused({ ...sound, nodes: [nested] }).code).toBe('onnx-malformed');
  });
});

describe('damaged files', () => {
  const whole = readFileSync(join(oracles, 'branch.onnx'));
  const block = readFileSync(join(oracles, 'external', 'block.onnx'));
  const codes = new Set<string>();
  const survives = (bytes: Uint8Array, folder: string): void => {
    writeFileSync(join(folder, 'model.onnx'), bytes);
    try {
      const { multiplyAdds, parameters } = countMultiplyAdds(readModel(join(folder, 'model.onnx')), { past: 3, batch: 2, tokens: 5 });
      expect(Number.isFinite(multiplyAdds + parameters)).toBe(true);
      expect(graphDigest(folder, 'model.onnx')).toMatch(/^[0-9a-f]{64}$/);
    } catch (error) {
      expect(error).toBeInstanceOf(GateError);
      if (error instanceof GateError) codes.add(error.code);
    }
  };

  it('answers truncations and flipped bits with a coded error or a model, never with a crash', () => {
    const folder = place('damaged');
    mkdirSync(folder);
    copyFileSync(join(oracles, 'external', 'weights.bin'), join(folder, 'weights.bin'));
    for (let length = 0; length < whole.length; length++) survives(whole.subarray(0, length), folder);
    fc.assert(
      fc.property(fc.nat(block.length - 1), fc.nat(7), (at, bit) => {
        const copy = Uint8Array.from(block);
        copy[at] = (copy[at] ?? 0) ^ (1 << bit);
        survives(copy, folder);
      }),
      { numRuns: 300, seed: 1 },
    );
    expect([...codes].sort()).toEqual(['onnx-dangling-input', 'onnx-external-data', 'onnx-malformed']);
  });
});
