import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { expect } from 'vitest';
import { GateError } from '../../src/errors.ts';
import { artefactDigest } from '../../src/models/artefact.ts';
import { decodeModel, encodeModel } from '../../src/onnx/binary.ts';
import { countMultiplyAdds } from '../../src/onnx/count.ts';
import {
  FunctionProtoSchema,
  type ModelProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from '../../src/onnx/proto/onnx_pb.js';
import { floatTensor, integerTensor } from '../../src/onnx/tensor.ts';
import type { ServeHints } from '../../src/records/serving.ts';
import { openModel } from '../../src/runtime/decoder.ts';
import { scoreArms } from '../../src/runtime/scoring.ts';
import { openStore } from '../../src/store/store.ts';
import { sealArtefact } from '../../src/worker/store-artefact.ts';
import { integerAttribute, type NodeInit, proto, value } from '../onnx/small-models.ts';
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

const counted = (nodes: readonly NodeInit[], initializers: readonly TensorProto[] = [], functions: ModelProto['functions'] = []) => {
  const made = proto({
    nodes: [...nodes],
    initializers: [floatTensor('w', [8, 16], new Float32Array(128)), floatTensor('rows', [64, 8], new Float32Array(512)), ...initializers],
    inputs: [value('inputs_embeds', [1, 1, 8])],
    outputs: [value('y', ['n', 16])],
  });
  made.functions = functions;
  return countMultiplyAdds({ proto: made, folder: '', graph: 'model.onnx' }, { past: 256, batch: 1, tokens: 1 });
};

/** Sixteen outputs of the rows of 64 that a mask says. */
const picking = (mask: readonly NodeInit[]): readonly NodeInit[] => [
  { opType: 'OneHot', input: ['zeros', 'depth', 'values'], output: ['hot'] },
  { opType: 'Gather', input: ['hot', 'zero'], output: ['column'], attribute: [integerAttribute('axis', 1)] },
  ...mask,
  { opType: 'NonZero', input: ['mask'], output: ['places'] },
  { opType: 'Squeeze', input: ['places', 'zero'], output: ['at'] },
  { opType: 'Gather', input: ['rows', 'at'], output: ['picked'] },
  { opType: 'MatMul', input: ['picked', 'w'], output: ['y'] },
];
const masks = [
  integerTensor('zeros', [64], Array<number>(64).fill(0)),
  integerTensor('depth', [], [1_000_000]),
  floatTensor('values', [2], Float32Array.of(0, 1)),
  floatTensor('ones', [64], new Float32Array(64).fill(1)),
  integerTensor('zero', [], [0]),
];

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
    const request = {
      type: 'seal',
      folder,
      stages: [...made.stages],
      serve: {},
      facts: {},
      runtime: settings,
      store: store.root,
      views: store.root,
      given: null,
    } as const;
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

/** Empty caches of its own in place of those that it would be handed. */
const withoutCache = ({ graph }: ModelProto): void => {
  if (graph === undefined) return;
  for (const { name, type } of graph.input.filter((input) => input.name.startsWith('past_key_values.'))) {
    const shape = type?.value.case === 'tensorType' ? (type.value.value.shape?.dim ?? []) : [];
    const dims = shape.map((dim, axis) => (dim.value.case === 'dimValue' ? Number(dim.value.value) : axis === 0 ? 1 : 0));
    graph.initializer.push(floatTensor(name, dims, new Float32Array(0)));
  }
  graph.input = graph.input.filter(({ name }) => !name.startsWith('past_key_values.'));
  graph.output = graph.output.filter(({ name }) => !name.startsWith('present.'));
};

/** The nats per token that a decoder answers worse whose cache is multiplied by `kept`, by calls as it is served. */
const lossOfCache = async (kept: number, serve: ServeHints): Promise<number> => {
  const built = builtTiny('qwen3');
  const forgetful = changed(built, ({ graph }) => {
    for (const node of [...(graph?.node ?? [])])
      node.output = node.output.map((name) => {
        if (!name.startsWith('present.')) return name;
        graph?.node.push(create(NodeProtoSchema, { opType: 'Mul', input: [`${name}/kept`, 'part'], output: [name] }));
        return `${name}/kept`;
      });
    graph?.initializer.push(floatTensor('part', [], Float32Array.of(kept)));
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
    example: 'a head that computes the same, in a file that the runtime refuses: two nodes of one name, or a shape outside the graph',
    before: 'unchanged: base’s file was measured',
    now: 'failed: error[session-failed], or compared; another name that is good is unchanged',
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
      const [built, other] = [builtTiny('qwen3'), changed(builtTiny('qwen3'), outside)];
      expect(artefactDigest(other.folder, other.stages, {})).not.toBe(artefactDigest(built.folder, built.stages, {}));
      expect(await sealedTwice(naming(['one', 'other']))).toBe('none');
    },
  },
  {
    kind: 'counted-work',
    example: 'rows that a one-hot of zeros picks, all of them, and masks that are computed from it',
    before: 'no work: as few rows as a router of a million experts would send to each',
    now: 'no count, and the product as the reason',
    source: 'neighbour',
    speed: 'fast',
    check: () => {
      const mask = (opType: string, ...others: readonly string[]): readonly NodeInit[] =>
        picking([{ opType, input: ['column', ...others], output: ['mask'] }]);
      for (const nodes of [mask('Identity'), mask('Add', 'ones'), mask('Not')]) expect(counted(nodes, masks).unknown).toEqual(['MatMul']);
    },
  },
  {
    kind: 'counted-work',
    example: 'a local function that has the name of an operator of the runtime, which goes before it',
    before: 'the work of the function, none',
    now: 'no count, and the operator as the reason',
    source: 'neighbour',
    speed: 'fast',
    check: () => {
      const local = create(FunctionProtoSchema, { name: 'MatMul', input: ['a', 'b'], output: ['o'] });
      local.node = [create(NodeProtoSchema, { opType: 'Neg', input: ['a'], output: ['o'] })];
      const product: NodeInit = { opType: 'MatMul', input: ['rows', 'w'], output: ['y'] };
      expect(counted([product])).toMatchObject({ multiplyAdds: 64 * 8 * 16, unknown: [] });
      expect(counted([product], [], [local]).unknown).toEqual(['MatMul']);
    },
  },
  {
    kind: 'scored-as-served',
    example: 'a decoder without the inputs and outputs of its cache',
    before: 'improved in decode-latency: a step answered the newest token alone',
    now: 'failed: error[onnx-unsupported], in a timed step and in scoring',
    source: 'neighbour',
    speed: 'fast',
    check: async () => {
      const built = builtTiny('qwen3');
      const model = await opened(changed(built, withoutCache), null);
      const error = { code: 'onnx-unsupported', message: expect.stringContaining('past_key_values') };
      await expect(
        model.prepareCall({ id: 'd', kind: 'call', phase: 'decode', length: 4, batch: 1, rounds: 1, warmUp: 0, arms: [] }, 1),
      ).rejects.toMatchObject(error);
      await expect(model.score(tinyWindows(built.config), 0, 1)).rejects.toMatchObject(error);
      await model.release();
    },
  },
  {
    kind: 'scored-as-served',
    example: 'a decoder that loses its cache: prompts are answered as before, generated texts are not',
    before: 'nll-delta passed: texts were scored in one call, without a cache',
    now: 'worse in nll-delta and kl-divergence, in one call and in chunks',
    source: 'reported',
    speed: 'fast',
    check: async () => {
      expect(await lossOfCache(0, {})).toBeGreaterThan(0.001);
      // One chunk that holds all but the steps.
      expect(await lossOfCache(0, { chunk: 4096 })).toBeGreaterThan(0.001);
    },
  },
  {
    kind: 'scored-as-served',
    example: 'a decoder that passes its cache through another node and keeps all of it',
    before: 'nll-delta passed',
    now: 'nll-delta passed, in one call and in chunks',
    source: 'neighbour',
    speed: 'fast',
    check: async () => {
      expect(await lossOfCache(1, {})).toBeLessThan(1e-5);
      expect(await lossOfCache(1, { chunk: 4096 })).toBeLessThan(1e-5);
    },
  },
];
