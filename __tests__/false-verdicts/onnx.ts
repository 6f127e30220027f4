import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { expect } from 'vitest';
import { GateError } from '../../src/errors.ts';
import { artefactBytes, artefactDigest } from '../../src/models/artefact.ts';
import { inspectArtefact } from '../../src/models/inspection.ts';
import { encodeModel } from '../../src/onnx/binary.ts';
import { FunctionProtoSchema, type ModelProto, type TensorProto } from '../../src/onnx/proto/onnx_pb.js';
import { readModel } from '../../src/onnx/read.ts';
import { describeArchitecture } from '../../src/onnx/recognise/describe.ts';
import { recognise, recogniseParts } from '../../src/onnx/recognise/recognise.ts';
import { floatTensor, integerTensor, rawTensor } from '../../src/onnx/tensor.ts';
import { integerAttribute, type NodeInit, type Parts, proto, value } from '../onnx/small-models.ts';
import { miniature } from '../optimizations/miniature.ts';
import { halved } from '../runtime/halved-model.ts';
import { builtTiny, largestDifference, opened, tinyWindows } from '../runtime/tiny-model.ts';
import { testFolder } from '../testkit/folder.ts';
import type { Situation } from './situation.ts';

const stages = [{ id: 'decoder', graph: 'model.onnx' }];
const input = value('x', [1, 4]);
const ones = (name: string, scale = 1): TensorProto => floatTensor(name, [4, 4], new Float32Array(16).fill(scale));
const product: NodeInit = { opType: 'MatMul', input: ['x', 'w'], output: ['y'] };
const sound = (parts: Partial<Parts> = {}): ModelProto =>
  proto({ nodes: [product], initializers: [ones('w')], inputs: [input], outputs: [value('y', [1, 4])], ...parts });

const folderOf = (made: ModelProto): string => {
  const folder = testFolder();
  writeFileSync(join(folder, 'model.onnx'), encodeModel(made));
  return folder;
};
const digest = (folder: string): string => artefactDigest(folder, stages, {});
/** What ONNX Runtime makes of four ones. */
const answer = async (folder: string): Promise<readonly number[]> => {
  const session = await InferenceSession.create(join(folder, 'model.onnx'), { logSeverityLevel: 4 });
  const { y } = await session.run({ x: new Tensor('float32', new Float32Array(4).fill(1), [1, 4]) });
  await session.release();
  return Array.from((y?.data ?? []) as Float32Array);
};
const codeOf = (action: () => unknown): string => {
  try {
    action();
    return 'none';
  } catch (thrown) {
    if (thrown instanceof GateError) return thrown.code;
    throw thrown;
  }
};

const graphAttribute = (name: string, node: readonly NodeInit[], output: string, initializer: readonly TensorProto[] = []) => ({
  name,
  type: 5,
  g: { name, node: [...node], initializer: [...initializer], output: [value(output, [1, 4])] },
});
const always = rawTensor('always', 9, [], Uint8Array.of(1));
/** `w` in the branch that is taken. */
const branched = (scale: number): ModelProto =>
  sound({
    nodes: [
      {
        opType: 'If',
        input: ['always'],
        output: ['y'],
        attribute: [
          graphAttribute('then_branch', [{ ...product, output: ['p'] }], 'p', [ones('w', scale)]),
          graphAttribute('else_branch', [{ opType: 'Identity', input: ['x'], output: ['q'] }], 'q'),
        ],
      },
    ],
    initializers: [always],
  });
/** `w` as a constant in a local function. */
const called = (scale: number): ModelProto => {
  const made = sound({ nodes: [{ opType: 'project', domain: 'own', input: ['x'], output: ['y'] }], initializers: [] });
  const constant = { opType: 'Constant', output: ['w'], attribute: [{ name: 'value', type: 4, t: ones('', scale) }] };
  made.opsetImport.push({
    ...(made.opsetImport[0] ?? { $typeName: 'onnx.OperatorSetIdProto' as const, version: 1n }),
    domain: 'own',
    version: 1n,
  });
  made.functions.push(
    create(FunctionProtoSchema, {
      name: 'project',
      domain: 'own',
      input: ['x'],
      output: ['y'],
      node: [constant, product],
      opsetImport: [{ domain: '', version: 21n }],
    }),
  );
  return made;
};
const external = (location: string, offset = 0): TensorProto =>
  Object.assign(ones('w'), {
    rawData: new Uint8Array(),
    dataLocation: 1,
    externalData: Object.entries({ location, offset: String(offset), length: '64' }).map(([key, text]) => ({
      $typeName: 'onnx.StringStringEntryProto' as const,
      key,
      value: text,
    })),
  });
const withData = (location: string): string => {
  const folder = folderOf(sound({ initializers: [external(location)] }));
  mkdirSync(join(folder, 'sub/deep'), { recursive: true });
  symlinkSync('sub/deep', join(folder, 'hop'));
  for (const [file, scale] of Object.entries({ 'w.data': 1, 'sub/w.data': 2 })) writeFileSync(join(folder, file), ones('', scale).rawData);
  return folder;
};
const grouped = (name: string, heads: bigint) => {
  const model = readModel(join(miniature('dense').folder, 'model.onnx'));
  for (const node of model.proto.graph?.node ?? [])
    for (const attribute of node.attribute) if (node.opType === 'GroupQueryAttention' && attribute.name === name) attribute.i = heads;
  return model;
};
const inspected = (made: ModelProto, setting = 0) => inspectArtefact(folderOf(made), stages, setting);

type Row = readonly [example: string, before: string, now: string, check: Situation['check']];
const rows = (kind: Situation['kind'], source: Situation['source'], all: readonly Row[]): readonly Situation[] =>
  all.map(([example, before, now, check]) => ({ kind, source, example, before, now, check, speed: 'fast' }));

const reportedStructure: readonly Row[] = [
  [
    'models inspect of a graph with If',
    'error[onnx-unsupported]',
    'its inputs, and "not recognised: operator If …"',
    async () => {
      const folder = folderOf(branched(1));
      expect(await answer(folder)).toEqual([4, 4, 4, 4]);
      const text = describeArchitecture(recogniseParts(readModel(join(folder, 'model.onnx'))));
      expect(text).toContain('not recognised: operator If (y) holds a graph of its own');
      expect(text).toContain('inputs: x float32 [1, 4]');
    },
  ],
  [
    'models inspect of a graph with a local function',
    'error[onnx-unsupported]',
    '"not recognised: … is a local function"',
    async () => {
      const folder = folderOf(called(1));
      expect(await answer(folder)).toEqual([4, 4, 4, 4]);
      expect(recogniseParts(readModel(join(folder, 'model.onnx'))).notRecognised[0]).toContain('project (y) is a local function');
    },
  ],
  [
    'external data at ./w.data',
    'error[onnx-external-data]',
    'read like w.data',
    async () => {
      expect(await answer(withData('./w.data'))).toEqual([4, 4, 4, 4]);
      expect(digest(withData('./w.data'))).toBe(digest(withData('w.data')));
    },
  ],
  [
    'a weight that became a Constant node',
    'fewer parameters',
    'the same parameters',
    async () => {
      const constant = { opType: 'Constant', output: ['w'], attribute: [{ name: 'value', type: 4, t: ones('') }] };
      const made = sound({ nodes: [constant, product], initializers: [] });
      expect(await answer(folderOf(made))).toEqual([4, 4, 4, 4]);
      expect([inspected(made).parameters, inspected(sound()).parameters]).toEqual([16, 16]);
    },
  ],
  [
    'two weights called \\xff and \\xfe',
    'error[onnx-malformed]: two initializers of one name',
    'read apart, in either order',
    async () => {
      const named = (first: number, second: number): string =>
        folderOf(
          sound({
            nodes: [
              { opType: 'MatMul', input: ['x', 'w\udcff'], output: ['h'] },
              { opType: 'Add', input: ['h', 'w\udcfe'], output: ['y'] },
            ],
            initializers: [ones('w\udcff', first), floatTensor('w\udcfe', [4], new Float32Array(4).fill(second))],
          }),
        );
      expect(await answer(named(1, 2))).toEqual([6, 6, 6, 6]);
      expect(digest(named(1, 2))).not.toBe(digest(named(2, 1)));
    },
  ],
  [
    '5,000 nodes in a chain',
    'Maximum call stack size exceeded',
    'inspected',
    () => {
      const nodes = Array.from({ length: 5000 }, (_, at) => ({
        opType: 'Identity',
        input: [at === 0 ? 'w' : `c${at}`],
        output: [`c${at + 1}`],
      }));
      const made = sound({ nodes: [...nodes, { ...product, input: ['x', 'c5000'] }] });
      expect(inspected(made)).toMatchObject({ multiplyAdds: 16, unknown: [] });
      expect(recognise(readModel(join(folderOf(made), 'model.onnx'))).linears).toHaveLength(1);
    },
  ],
  [
    '3 heads on 2 groups, and 2^40 heads',
    'RangeError: Invalid array length',
    'error[onnx-unsupported], naming the numbers',
    () => {
      for (const heads of [3n, 2n ** 40n]) expect(codeOf(() => recognise(grouped('num_heads', heads)))).toBe('onnx-unsupported');
      expect(recogniseParts(grouped('kv_num_heads', 3n)).notRecognised[0]).toContain('4 heads cannot share 3 groups');
    },
  ],
];

const nearStructure: readonly Row[] = [
  [
    'a value that changes only in a branch, or only in a local function',
    'changed',
    'changed',
    () => {
      for (const made of [branched, called]) expect(digest(folderOf(made(1)))).not.toBe(digest(folderOf(made(2))));
    },
  ],
  [
    'a weight that moved into a branch, or into a local function',
    'error[onnx-unsupported]',
    'the same parameters and multiply-adds',
    () => {
      const dense = inspected(sound());
      const [branch, local] = [inspected(branched(1)), inspected(called(1))];
      expect([dense.parameters, branch.parameters, local.parameters]).toEqual([16, 16, 16]);
      expect([dense, branch, local].map(({ multiplyAdds, unknown }) => [multiplyAdds, unknown])).toEqual(Array(3).fill([16, []]));
    },
  ],
  [
    'two weights that shared their bytes and now have a copy each',
    'unchanged',
    'changed, model-size larger by the copy',
    () => {
      const stored = (offset: number): string => {
        const twin = Object.assign(external('w.data', offset), { name: 'v' });
        const nodes = [
          { ...product, output: ['h'] },
          { opType: 'MatMul', input: ['h', 'v'], output: ['y'] },
        ];
        const folder = folderOf(sound({ nodes, initializers: [external('w.data'), twin] }));
        writeFileSync(join(folder, 'w.data'), Buffer.concat([ones('').rawData, ones('').rawData]));
        return folder;
      };
      expect(digest(stored(64))).not.toBe(digest(stored(0)));
      expect(artefactBytes(stored(64), stages) - artefactBytes(stored(0), stages)).toBe(64);
    },
  ],
  [
    'weights of a data file, which the runtime maps, are written into the graph, which it copies',
    'unchanged, with twice the memory of a table of which few rows are read',
    'changed, of the same model-size; another place in a data file is no change',
    () => {
      const outside = (offset: number): string => {
        const folder = folderOf(sound({ initializers: [external('w.data', offset)] }));
        writeFileSync(join(folder, 'w.data'), Buffer.concat([Buffer.alloc(offset), ones('').rawData]));
        return folder;
      };
      const inside = folderOf(sound());
      expect(digest(inside)).not.toBe(digest(outside(0)));
      expect(digest(outside(64))).toBe(digest(outside(0)));
      expect(artefactBytes(inside, stages)).toBe(artefactBytes(outside(0), stages));
    },
  ],
  [
    'names of nodes that an exporter draws anew',
    'changed',
    'unchanged',
    () => {
      const named = (name: string): string => folderOf(sound({ nodes: [{ ...product, name }] }));
      expect(digest(named('node_1'))).toBe(digest(named('node_48')));
    },
  ],
  [
    'external data past a link, hop/../w.data',
    'error[onnx-external-data]',
    'error[onnx-external-data]: the system finds another file',
    async () => {
      expect(await answer(withData('hop/../w.data'))).toEqual([8, 8, 8, 8]);
      expect(codeOf(() => digest(withData('hop/../w.data')))).toBe('onnx-external-data');
      expect(await answer(withData('sub/../w.data'))).toEqual([4, 4, 4, 4]);
      expect(digest(withData('sub/../w.data'))).toBe(digest(withData('w.data')));
    },
  ],
  [
    'a weight whose name begins with a byte-order mark',
    'changed',
    'changed',
    () => {
      const read = (name: string): string =>
        folderOf(sound({ nodes: [{ ...product, input: ['x', name] }], initializers: [ones('w'), ones('\ufeffw')] }));
      expect(digest(read('w'))).not.toBe(digest(read('\ufeffw')));
    },
  ],
];

const halfRows: readonly Row[] = [
  [
    'a decoder in float16, fed with tokens and its own cache',
    'failed: not enough space',
    'the logits of float32',
    async () => {
      const built = builtTiny('qwen3');
      const [full, half] = [await opened(built, null), await opened(halved(built), null)];
      const rowsOf = (tokens: readonly number[]) => ({ batch: 1, length: tokens.length, tokens: Uint32Array.from(tokens), windows: null });
      const [a, b] = [await full.advance(rowsOf([5, 17, 3]), null), await half.advance(rowsOf([5, 17, 3]), null)];
      const [c, d] = [await full.advance(rowsOf([9]), a), await half.advance(rowsOf([9]), b)];
      expect(largestDifference(c.logits.values, d.logits.values)).toBeLessThan(0.02);
      expect(largestDifference(a.logits.values, c.logits.values)).toBeGreaterThan(0.02);
      for (const model of [full, half]) await model.release();
    },
  ],
];
const nearHalf: readonly Row[] = [
  [
    'a vision tower in float16 that hands its features on',
    'failed: Unexpected input data type',
    'the logits of float32',
    async () => {
      const built = builtTiny('qwen3_vl');
      const windows = tinyWindows(built.config);
      const [full, half] = [await opened(built, windows), await opened(halved(built), windows)];
      expect(largestDifference((await half.score(windows, 0, 1)).values, (await full.score(windows, 0, 1)).values)).toBeLessThan(0.02);
      for (const model of [full, half]) await model.release();
    },
  ],
  [
    'a bounded cache in float16, cut and turned back',
    'failed: not enough space',
    'the logits of float32',
    async () => {
      const built = builtTiny('qwen3');
      const serve = { chunk: 2, keepLast: 4, sinks: 1, frequencies: Array.from({ length: 8 }, (_, pair) => 10000 ** (-pair / 8)) };
      const [full, half] = [await opened(built, null, serve), await opened(halved(built), null, serve)];
      const windows = tinyWindows(built.config);
      expect(largestDifference((await half.score(windows, 0, 1)).values, (await full.score(windows, 0, 1)).values)).toBeLessThan(0.02);
      for (const model of [full, half]) await model.release();
    },
  ],
];

/** Zeros as large as a part of the shape [1, tokens, 8] of the input, multiplied by a weight. */
const shaped = (nodes: readonly NodeInit[], constants: readonly TensorProto[] = [], start = 1): ModelProto =>
  proto({
    nodes: [
      { opType: 'Shape', input: ['inputs_embeds'], output: ['s'], attribute: [integerAttribute('start', start)] },
      ...nodes,
      { opType: 'MatMul', input: ['zeros', 'w'], output: ['y'] },
    ],
    initializers: [floatTensor('w', [8, 16], new Float32Array(128)), ...constants],
    inputs: [value('inputs_embeds', ['b', 't', 8])],
    outputs: [value('y', ['t', 16])],
  });
const filled: NodeInit = { opType: 'ConstantOfShape', input: ['s'], output: ['zeros'] };
/** As many matrices as a part of a shape has elements. */
const numbered: readonly NodeInit[] = [
  { opType: 'Shape', input: ['s'], output: ['length'] },
  { opType: 'Concat', input: ['length', 's'], output: ['target'], attribute: [integerAttribute('axis', 0)] },
  { ...filled, input: ['target'] },
];
const reportedCounts: readonly Row[] = [
  [
    'Shape with a start, whose elements number the matrices of a product',
    'counted as the whole shape: 3 matrices (of one graph 34.9 G instead of 1.18 M)',
    '2 matrices, as they run',
    () => {
      expect(inspected(shaped(numbered))).toMatchObject({ multiplyAdds: 2 * 1 * 8 * 16, unknown: [] });
    },
  ],
];
const nearCounts: readonly Row[] = [
  [
    'Shape with a start from the end',
    '3 matrices',
    '2 matrices, as they run',
    () => {
      expect(inspected(shaped(numbered, [], -2))).toMatchObject({ multiplyAdds: 2 * 1 * 8 * 16, unknown: [] });
    },
  ],
  [
    'scores by Einsum instead of MatMul',
    'no work at all',
    'the same work',
    () => {
      const attention = (node: NodeInit): ModelProto =>
        proto({
          nodes: [{ input: ['q', 'k'], output: ['y'], ...node }],
          inputs: [value('q', [1, 4, 3, 8]), value('k', [1, 4, 8, 5])],
          outputs: [value('y', [1, 4, 3, 5])],
        });
      const equation = [{ name: 'equation', type: 3, s: new TextEncoder().encode('bnqd,bndk->bnqk') }];
      const [plain, einsum] = [inspected(attention({ opType: 'MatMul' })), inspected(attention({ opType: 'Einsum', attribute: equation }))];
      expect([einsum.multiplyAdds, einsum.unknown]).toEqual([plain.multiplyAdds, plain.unknown]);
    },
  ],
  [
    'rows that an operator of its own domain makes',
    'one row per token, a guess',
    'no count, and both operators as the reason',
    () => {
      const nodes: NodeInit[] = [{ opType: 'Grow', domain: 'own', input: ['inputs_embeds'], output: ['zeros'] }];
      expect(inspected(shaped(nodes)).unknown).toEqual(['MatMul', 'own.Grow']);
    },
  ],
  [
    'a length that is divided in floats',
    'what integers would give',
    'no count',
    () => {
      const cast = (from: string, to: string, type: number): NodeInit => ({
        opType: 'Cast',
        input: [from],
        output: [to],
        attribute: [integerAttribute('to', type)],
      });
      const nodes: NodeInit[] = [
        cast('s', 'f', 1),
        cast('three', 'g', 1),
        { opType: 'Div', input: ['f', 'g'], output: ['h'] },
        { opType: 'Mul', input: ['h', 'g'], output: ['i'] },
        cast('i', 'j', 7),
        { ...filled, input: ['j'] },
      ];
      expect(inspected(shaped(nodes, [integerTensor('three', [1], [3])])).unknown).toEqual(['MatMul']);
    },
  ],
];

export const situations: readonly Situation[] = [
  ...rows('onnx-structure', 'reported', reportedStructure),
  ...rows('onnx-structure', 'neighbour', nearStructure),
  ...rows('float16', 'reported', halfRows),
  ...rows('float16', 'neighbour', nearHalf),
  ...rows('counted-work', 'reported', reportedCounts),
  ...rows('counted-work', 'neighbour', nearCounts),
];
