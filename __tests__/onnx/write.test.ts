import { copyFileSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { dataType } from '../../src/onnx/data-type.ts';
import { graphDigest } from '../../src/onnx/digest.ts';
import { cloneModel, exposeTensors } from '../../src/onnx/edit.ts';
import { readModel } from '../../src/onnx/read.ts';
import { floatTensor, halfTensor, initializer, rawTensor, readFloats, tensorBytes } from '../../src/onnx/tensor.ts';
import { writeModel } from '../../src/onnx/write.ts';
import { bytesOf, noise, oracles, proto, scratch, thrown, value } from './small-models.ts';

const place = scratch();
const none = new Map<string, Uint8Array>();
const reference: { input_ids: number[][]; logits: number[] } = JSON.parse(readFileSync(join(oracles, 'block.json'), 'utf8'));
const external = join(oracles, 'external');

const logits = async (folder: string, graph = 'block.onnx'): Promise<Float32Array> => {
  const session = await ort.InferenceSession.create(join(folder, graph), { intraOpNumThreads: 1, logSeverityLevel: 3 });
  try {
    const ids = new ort.Tensor('int64', BigInt64Array.from(reference.input_ids.flat(), BigInt), [2, 5]);
    return (await session.run({ input_ids: ids }))['logits']?.data as Float32Array;
  } finally {
    await session.release();
  }
};
const furthest = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((most, each, at) => Math.max(most, Math.abs(each - (b[at] ?? Number.NaN))), 0);

const sound = (weights: Parameters<typeof proto>[0]['initializers']) =>
  proto({
    nodes: [{ opType: 'Relu', input: ['x'], output: ['y'] }],
    initializers: weights ?? [],
    inputs: [value('x', [1])],
    outputs: [value('y', [1])],
  });

describe('a written model in ONNX Runtime', () => {
  it('computes what torch computed, from inline and from external weights', async () => {
    const model = readModel(join(oracles, 'block.onnx'));
    writeModel({ proto: model.proto, sourceFolder: model.folder }, place('inline'), 'block.onnx', none);
    expect(furthest(reference.logits, await logits(place('inline')))).toBeLessThan(1e-5);
    const other = readModel(join(external, 'block.onnx'));
    writeModel({ proto: other.proto, sourceFolder: external }, place('linked'), 'block.onnx', none);
    expect(furthest(reference.logits, await logits(place('linked')))).toBeLessThan(1e-5);
  });

  it('computes with the changed weight and no other', async () => {
    const model = readModel(join(external, 'block.onnx'));
    const bias = model.proto.graph?.initializer.find((tensor) => tensor.dims.length === 1 && tensor.dims[0] === 32n)?.name ?? '';
    const matrix = model.proto.graph?.initializer.find((tensor) => tensor.dims.join() === '32,50')?.name ?? '';
    expect([bias, matrix]).not.toContain('');
    const doubled = readFloats(model, matrix).map((each) => each * 2);
    writeModel(
      { proto: model.proto, sourceFolder: external },
      place('doubled'),
      'block.onnx',
      new Map([[matrix, new Uint8Array(doubled.buffer)]]),
    );
    const changed = await logits(place('doubled'));
    expect(
      furthest(
        reference.logits.map((each) => each * 2),
        changed,
      ),
    ).toBeLessThan(1e-5);
    expect(furthest(reference.logits, changed)).toBeGreaterThan(0.1);
    const written = readModel(join(place('doubled'), 'block.onnx'));
    expect([...readFloats(written, bias)]).toEqual([...readFloats(model, bias)]);
    expect([...readFloats(written, matrix)]).toEqual([...doubled]);
  });

  it('hands out exposed tensors', async () => {
    const model = readModel(join(external, 'block.onnx'));
    const name = model.proto.graph?.node.find((node) => node.opType === 'Softmax')?.output[0] ?? '';
    writeModel({ proto: exposeTensors(model, [name]).proto, sourceFolder: external }, place('exposed'), 'block.onnx', none);
    const session = await ort.InferenceSession.create(join(place('exposed'), 'block.onnx'), { logSeverityLevel: 3 });
    const result = await session.run({ input_ids: new ort.Tensor('int64', new BigInt64Array(3), [1, 3]) });
    expect(result[name]?.dims).toEqual([1, 4, 3, 3]);
    await session.release();
  });
});

describe('data files', () => {
  it('keeps unchanged weights in place: the same inode, location, offset and length', () => {
    const source = place('source');
    mkdirSync(source);
    for (const file of ['block.onnx', 'weights.bin']) copyFileSync(join(external, file), join(source, file));
    const model = readModel(join(source, 'block.onnx'));
    const name = model.proto.graph?.initializer.find((tensor) => tensor.dims.join() === '32,96')?.name ?? '';
    const bytes = new Uint8Array(32 * 96 * 4);
    writeModel({ proto: model.proto, sourceFolder: source }, place('kept'), 'block.onnx', new Map([[name, bytes]]));
    expect(readdirSync(place('kept')).sort()).toEqual(['block.onnx', 'block.onnx.data', 'weights.bin']);
    expect(statSync(join(place('kept'), 'weights.bin')).ino).toBe(statSync(join(source, 'weights.bin')).ino);
    const written = readModel(join(place('kept'), 'block.onnx'));
    for (const tensor of model.proto.graph?.initializer ?? []) {
      const references = initializer(written, tensor.name).externalData.map((entry) => [entry.key, entry.value]);
      if (tensor.name === name)
        expect(references).toEqual([
          ['location', 'block.onnx.data'],
          ['offset', '0'],
          ['length', '12288'],
        ]);
      else expect(references).toEqual(tensor.externalData.map((entry) => [entry.key, entry.value]));
    }
    expect(readFileSync(join(source, 'weights.bin')).equals(readFileSync(join(external, 'weights.bin')))).toBe(true);
  });

  it('finds a name for its data beside a source file of the same name', () => {
    writeModel({ proto: sound([floatTensor('a', [300], noise(300))]), sourceFolder: null }, place('first'), 'm.onnx', none);
    const model = readModel(join(place('first'), 'm.onnx'));
    const edited = cloneModel(model);
    edited.proto.graph?.initializer.push(floatTensor('b', [400], noise(400, 2)));
    writeModel({ proto: edited.proto, sourceFolder: model.folder }, place('second'), 'm.onnx', none);
    expect(readdirSync(place('second')).sort()).toEqual(['m.onnx', 'm.onnx.data', 'm.onnx.data-1']);
    const written = readModel(join(place('second'), 'm.onnx'));
    expect([...readFloats(written, 'a')]).toEqual([...noise(300)]);
    expect([...readFloats(written, 'b')]).toEqual([...noise(400, 2)]);
  });

  it('lets two graphs of one folder share a data file, and keeps locations in sub-folders', () => {
    const source = place('nested-source');
    mkdirSync(join(source, 'w'), { recursive: true });
    writeFileSync(join(source, 'w', 'data'), new Uint8Array(noise(300).buffer));
    const model = sound([floatTensor('a', [300], noise(300))]);
    const tensor = model.graph?.initializer[0];
    if (tensor === undefined) throw new Error('no tensor');
    tensor.rawData = new Uint8Array(0);
    tensor.dataLocation = 1;
    const withReference = {
      ...tensor,
      externalData: [{ $typeName: 'onnx.StringStringEntryProto' as const, key: 'location', value: 'w/data' }],
    };
    if (model.graph !== undefined) model.graph.initializer = [withReference];
    for (const graph of ['one.onnx', 'two.onnx']) writeModel({ proto: model, sourceFolder: source }, place('nested'), graph, none);
    expect(readdirSync(place('nested'), { recursive: true }).sort()).toEqual(['one.onnx', 'two.onnx', 'w', 'w/data']);
    expect([...readFloats(readModel(join(place('nested'), 'two.onnx')), 'a')]).toEqual([...noise(300)]);
  });

  it('aligns to 4 KiB, keeps small weights in the graph and writes nothing it does not need', () => {
    const weights = [
      floatTensor('small', [255], noise(255)),
      floatTensor('large', [256], noise(256)),
      halfTensor('half', [3, 700], noise(2100)),
    ];
    writeModel({ proto: sound(weights), sourceFolder: null }, place('aligned'), 'm.onnx', none);
    const written = readModel(join(place('aligned'), 'm.onnx'));
    expect(initializer(written, 'small').rawData).toHaveLength(1020);
    expect(initializer(written, 'large').externalData.map((entry) => entry.value)).toEqual(['m.onnx.data', '0', '1024']);
    expect(initializer(written, 'half').externalData.map((entry) => entry.value)).toEqual(['m.onnx.data', '4096', '4200']);
    expect(statSync(join(place('aligned'), 'm.onnx.data')).size).toBe(4096 + 4200);
    writeModel({ proto: sound([floatTensor('small', [2], noise(2))]), sourceFolder: null }, place('small'), 'm.onnx', none);
    expect(readdirSync(place('small'))).toEqual(['m.onnx']);
  });

  it('asks for lazy bytes once, in the order of the graph', () => {
    const asked: string[] = [];
    const weights = ['a', 'b', 'c'].map((name) => floatTensor(name, [512], noise(512)));
    const lazy = (name: string) => () => {
      asked.push(name);
      return new Uint8Array(2048).fill(name.charCodeAt(0));
    };
    writeModel(
      { proto: sound(weights), sourceFolder: null },
      place('lazy'),
      'm.onnx',
      new Map([
        ['c', lazy('c')],
        ['a', lazy('a')],
      ]),
    );
    expect(asked).toEqual(['a', 'c']);
    const written = readModel(join(place('lazy'), 'm.onnx'));
    expect(tensorBytes(written, initializer(written, 'c'))).toEqual(new Uint8Array(2048).fill(99));
    expect([...readFloats(written, 'b')]).toEqual([...noise(512)]);
  });
});

describe('writeModel', () => {
  const arbitraryTensor = fc.record({
    type: fc.constantFrom(dataType.float, dataType.int8, dataType.int64, dataType.float16, dataType.uint4),
    dims: fc.array(fc.nat(9), { maxLength: 4 }),
    seed: fc.nat(),
  });

  it('round-trips any tensors: same bytes, same digest, the same files twice', () => {
    let run = 0;
    const bits = { [dataType.float]: 32, [dataType.int8]: 8, [dataType.int64]: 64, [dataType.float16]: 16, [dataType.uint4]: 4 };
    fc.assert(
      fc.property(fc.array(arbitraryTensor, { maxLength: 5 }), (drawn) => {
        const tensors = drawn.map(({ type, dims, seed }, at) => {
          const length = Math.ceil((dims.reduce((all, dim) => all * dim, 1) * (bits[type] ?? 0)) / 8);
          return rawTensor(
            `t${at}`,
            type,
            dims,
            Uint8Array.from(noise(length, seed), (each) => (each + 1) * 128),
          );
        });
        const folders = [place(`any-${run}-a`), place(`any-${run}-b`), place(`any-${run}-c`)] as const;
        run++;
        const model = sound(tensors);
        const before = bytesOf(model);
        for (const folder of folders.slice(0, 2)) writeModel({ proto: model, sourceFolder: null }, folder, 'm.onnx', none);
        expect(Buffer.from(bytesOf(model)).equals(before)).toBe(true);
        const first = readModel(join(folders[0], 'm.onnx'));
        for (const tensor of tensors)
          expect(Buffer.from(tensorBytes(first, initializer(first, tensor.name))).equals(tensor.rawData)).toBe(true);
        for (const file of readdirSync(folders[0]))
          expect(readFileSync(join(folders[0], file)).equals(readFileSync(join(folders[1], file)))).toBe(true);
        writeModel({ proto: first.proto, sourceFolder: folders[0] }, folders[2], 'renamed.onnx', none);
        expect(graphDigest(folders[2], 'renamed.onnx')).toBe(graphDigest(folders[0], 'm.onnx'));
      }),
      { numRuns: 40 },
    );
  });

  it('drops doc strings, metadata and the stack traces in them', () => {
    const model = sound([]);
    model.docString = 'SECRET-PATH';
    model.metadataProps = [{ $typeName: 'onnx.StringStringEntryProto', key: 'pkg.torch.onnx.stack_trace', value: 'SECRET-PATH' }];
    const node = model.graph?.node[0];
    if (node !== undefined) Object.assign(node, { docString: 'SECRET-PATH', metadataProps: model.metadataProps });
    expect(Buffer.from(bytesOf(model)).includes('SECRET-PATH')).toBe(true);
    writeModel({ proto: model, sourceFolder: null }, place('stripped'), 'm.onnx', none);
    expect(readFileSync(join(place('stripped'), 'm.onnx')).includes('SECRET-PATH')).toBe(false);
  });

  it('never overwrites and never writes through a link', () => {
    const weights = [floatTensor('a', [300], noise(300))];
    writeModel({ proto: sound(weights), sourceFolder: null }, place('taken'), 'm.onnx', none);
    const before = readFileSync(join(place('taken'), 'm.onnx'));
    expect(thrown(() => writeModel({ proto: sound([]), sourceFolder: null }, place('taken'), 'm.onnx', none)).code).toBe('output-exists');
    expect(readFileSync(join(place('taken'), 'm.onnx')).equals(before)).toBe(true);
    mkdirSync(place('trap'));
    symlinkSync(place('victim'), join(place('trap'), 'm.onnx.data'));
    expect(thrown(() => writeModel({ proto: sound(weights), sourceFolder: null }, place('trap'), 'm.onnx', none)).code).toBe(
      'output-exists',
    );
    expect(() => lstatSync(place('victim'))).toThrow();
    mkdirSync(place('trap2'));
    writeFileSync(join(place('trap2'), 'weights.bin'), 'mine');
    const model = readModel(join(external, 'block.onnx'));
    expect(thrown(() => writeModel({ proto: model.proto, sourceFolder: external }, place('trap2'), 'm.onnx', none)).code).toBe(
      'output-exists',
    );
    expect(readFileSync(join(place('trap2'), 'weights.bin'), 'utf8')).toBe('mine');
  });

  it('refuses bad requests by name', () => {
    const weights = [floatTensor('a', [300], noise(300))];
    const write = (graph: string, changed: ReadonlyMap<string, Uint8Array>) =>
      thrown(() => writeModel({ proto: sound(weights), sourceFolder: null }, place('bad'), graph, changed));
    expect(write('m.onnx', new Map([['b', new Uint8Array(4)]]))).toMatchObject({
      code: 'onnx-dangling-input',
      message: expect.stringContaining('"b"'),
    });
    expect(write('short.onnx', new Map([['a', new Uint8Array(4)]]))).toMatchObject({
      code: 'onnx-malformed',
      message: expect.stringContaining('1200'),
    });
    for (const name of ['../m.onnx', 'a/m.onnx', '', '..', 'a\0b']) expect(write(name, none).code).toBe('build-failed');
    const model = readModel(join(external, 'block.onnx'));
    expect(thrown(() => writeModel({ proto: model.proto, sourceFolder: null }, place('lost'), 'm.onnx', none)).code).toBe(
      'onnx-external-data',
    );
    expect(readdirSync(place('lost'))).toEqual([]);
  });
});
