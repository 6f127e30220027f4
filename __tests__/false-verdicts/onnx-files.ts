import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { expect } from 'vitest';
import { GateError } from '../../src/errors.ts';
import { artefactDigest } from '../../src/models/artefact.ts';
import { decodeModel, encodeModel } from '../../src/onnx/binary.ts';
import { type ModelProto, NodeProtoSchema, TensorProtoSchema } from '../../src/onnx/proto/onnx_pb.js';
import { floatTensor } from '../../src/onnx/tensor.ts';
import type { ServeHints } from '../../src/records/serving.ts';
import { openModel } from '../../src/runtime/decoder.ts';
import { scoreArms } from '../../src/runtime/scoring.ts';
import { openStore } from '../../src/store/store.ts';
import { sealArtefact } from '../../src/worker/store-artefact.ts';
import { proto, value } from '../onnx/small-models.ts';
import { type Built, builtTiny, opened, runtime, settings, tinyWindows } from '../runtime/tiny-model.ts';
import { testFolder } from '../testkit/folder.ts';
import type { Situation } from './situation.ts';

const stages = [{ id: 'decoder', graph: 'model.onnx' }];

/** A graph that takes `x` where `flag` is true, else sevens. */
const choosing = (flag: number): string => {
  const folder = testFolder();
  const typed = create(TensorProtoSchema, { name: 'flag', dataType: 9, dims: [1n], int32Data: [flag] });
  // As many bytes in the file, whatever the flag takes.
  const rest = create(TensorProtoSchema, { name: 'rest', dataType: 2, dims: [1n], int32Data: [flag > 127 ? 1 : 257] });
  const made = proto({
    nodes: [{ opType: 'Where', input: ['flag', 'x', 'sevens'], output: ['y'] }],
    initializers: [typed, floatTensor('sevens', [1], Float32Array.of(7)), rest],
    inputs: [value('x', [1, 4])],
    outputs: [value('y', [1, 4])],
  });
  writeFileSync(join(folder, 'model.onnx'), encodeModel(made));
  return folder;
};

const refused = (made: ModelProto, files: Readonly<Record<string, Uint8Array>> = {}): GateError => {
  const folder = testFolder();
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
  writeFileSync(join(folder, 'model.onnx'), encodeModel(made));
  try {
    artefactDigest(folder, stages, {});
  } catch (thrown) {
    if (thrown instanceof GateError) return thrown;
    throw thrown;
  }
  throw new Error('it was not refused');
};

const halved = (entry: number): ModelProto =>
  proto({
    nodes: [{ opType: 'Cast', input: ['h'], output: ['y'], attribute: [{ name: 'to', type: 2, i: 1n }] }],
    initializers: [create(TensorProtoSchema, { name: 'h', dataType: 10, dims: [1n], int32Data: [entry] })],
    inputs: [value('x', [1, 4])],
    outputs: [value('y', [1])],
  });

const withKey = (key: string): ModelProto => {
  const tensor = create(TensorProtoSchema, { name: 'w', dataType: 1, dims: [4n, 4n], dataLocation: 1 });
  tensor.externalData = Object.entries({ location: 'w.data', offset: '0', length: '64', [key]: 'MatMul+0|64;64;|' }).map(
    ([name, text]) => ({ $typeName: 'onnx.StringStringEntryProto', key: name, value: text }),
  );
  return proto({
    nodes: [{ opType: 'MatMul', input: ['x', 'w'], output: ['y'] }],
    initializers: [tensor],
    inputs: [value('x', [1, 4])],
    outputs: [value('y', [1, 4])],
  });
};

/** A copy of a built model whose decoder was changed. */
const changed = (built: Built, edit: (proto: ModelProto, folder: string) => void): Built => {
  const folder = testFolder();
  for (const name of readdirSync(built.folder)) copyFileSync(join(built.folder, name), join(folder, name));
  const bytes = decodeModel(new Uint8Array(readFileSync(join(folder, 'model.onnx'))));
  edit(bytes, folder);
  writeFileSync(join(folder, 'model.onnx'), encodeModel(bytes));
  return { ...built, folder };
};

/** Two arms of one digest, sealed one after the other; the code of the second one's error. */
const sealedTwice = async (edit: (proto: ModelProto, folder: string) => void): Promise<string> => {
  const built = builtTiny('qwen3');
  const store = await openStore(testFolder(), { clock: () => 0 });
  const seal = async (made: Built): Promise<string> => {
    const folder = await store.staging();
    for (const name of readdirSync(made.folder)) copyFileSync(join(made.folder, name), join(folder, name));
    const request = { type: 'seal', folder, stages: [...made.stages], serve: {}, facts: {}, runtime: settings, store: store.root } as const;
    const stored = await sealArtefact(request, store, async (own) => {
      const model = await openModel(own.folder, own.stages, own.serve, { runtime: await runtime(), settings, prompts: null });
      await model.release();
    });
    return stored.artefact.digest;
  };
  const other = changed(built, edit);
  const digest = await seal(built);
  expect(artefactDigest(other.folder, other.stages, {})).toBe(digest);
  return seal(other).then(
    () => 'none',
    (thrown: unknown) => (thrown instanceof GateError ? thrown.code : String(thrown)),
  );
};

/** The nats per token that a decoder whose cache is zeroed answers worse, by calls as it is served. */
const lossOfCache = async (serve: ServeHints): Promise<number> => {
  const built = builtTiny('qwen3');
  const forgetful = changed(built, ({ graph }) => {
    for (const node of [...(graph?.node ?? [])])
      node.output = node.output.map((name) => {
        if (!name.startsWith('present.')) return name;
        graph?.node.push(create(NodeProtoSchema, { opType: 'Mul', input: [`${name}/kept`, 'nought'], output: [name] }));
        return `${name}/kept`;
      });
    graph?.initializer.push(floatTensor('nought', [], Float32Array.of(0)));
  });
  const windows = tinyWindows(built.config, 2, 24);
  const [reference, head] = [await opened(built, null, serve), await opened(forgetful, null, serve)];
  let worse = 0;
  await scoreArms(reference, { reference, head }, windows, {}, (_, scores) => {
    worse += Math.abs((scores['head']?.nll ?? 0) - (scores['reference']?.nll ?? 0)) + (scores['head']?.kl ?? 0);
  });
  await reference.release();
  await head.release();
  return worse;
};

export const situations: readonly Situation[] = [
  {
    kind: 'onnx-structure',
    example: 'a truth that is stored as 256, whose low byte is that of false',
    before: 'unchanged',
    now: 'changed: the runtime takes it as true',
    source: 'neighbour',
    speed: 'fast',
    check: () => {
      const digest = (flag: number): string => artefactDigest(choosing(flag), stages, {});
      expect(digest(256)).not.toBe(digest(0));
    },
  },
  {
    kind: 'onnx-structure',
    example: 'bits of a float16 that are more than 16, which the runtime refuses',
    before: 'unchanged beside the number of their low bits',
    now: 'failed: error[onnx-malformed]',
    source: 'neighbour',
    speed: 'fast',
    check: () => {
      expect(refused(halved(0x1_3c00))).toMatchObject({ code: 'onnx-malformed', message: expect.stringContaining('from 0 to 65535') });
    },
  },
  {
    kind: 'onnx-structure',
    example: 'a reference to external data with weights that the runtime takes in place of the tensor’s own, or with a key of nobody',
    before: 'unchanged',
    now: 'failed: error[onnx-external-data]',
    source: 'neighbour',
    speed: 'fast',
    check: () => {
      for (const key of ['prepacked_0', 'basepath'])
        expect(refused(withKey(key), { 'w.data': new Uint8Array(128) }), key).toMatchObject({ code: 'onnx-external-data' });
    },
  },
  {
    kind: 'onnx-structure',
    example:
      'a head that computes the same by its digest, in a file that the runtime refuses: two nodes of one name, a shape outside the graph',
    before: 'unchanged: base’s file was measured',
    now: 'failed: error[session-failed]; another name that is good is unchanged',
    source: 'neighbour',
    speed: 'fast',
    check: async () => {
      const naming = (names: readonly [string, string]) => (made: ModelProto) => {
        const [first, second] = made.graph?.node ?? [];
        if (first !== undefined && second !== undefined) [first.name, second.name] = names;
      };
      const outside = (made: ModelProto, folder: string): void => {
        const shapes = new Set(made.graph?.node.filter(({ opType }) => opType === 'Reshape').map(({ input }) => input[1]));
        const shape = made.graph?.initializer.find(({ name, rawData }) => shapes.has(name) && rawData.length > 0);
        if (shape === undefined) throw new Error('no Reshape with a stored shape');
        writeFileSync(join(folder, 'shape.data'), shape.rawData);
        shape.externalData = Object.entries({ location: 'shape.data', offset: '0', length: String(shape.rawData.length) }).map(
          ([key, text]) => ({ $typeName: 'onnx.StringStringEntryProto', key, value: text }),
        );
        shape.rawData = new Uint8Array(0);
        shape.dataLocation = 1;
      };
      expect(await sealedTwice(naming(['twin', 'twin']))).toBe('session-failed');
      expect(await sealedTwice(outside)).toBe('session-failed');
      expect(await sealedTwice(naming(['one', 'other']))).toBe('none');
    },
  },
  {
    kind: 'scored-as-served',
    example: 'a decoder that loses its cache: prompts are answered as before, generated texts are not',
    before: 'nll-delta passed: texts were scored in one call, without a cache',
    now: 'worse in nll-delta and kl-divergence, in one call and in chunks',
    source: 'neighbour',
    speed: 'fast',
    check: async () => {
      expect(await lossOfCache({})).toBeGreaterThan(0.001);
      // One chunk that holds all but the steps.
      expect(await lossOfCache({ chunk: 4096 })).toBeGreaterThan(0.001);
    },
  },
];
