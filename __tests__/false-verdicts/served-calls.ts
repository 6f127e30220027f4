import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { expect } from 'vitest';
import type { WeightSource } from '../../src/models/weights.ts';
import { decodeModel, encodeModel } from '../../src/onnx/binary.ts';
import { countMultiplyAdds } from '../../src/onnx/count.ts';
import { dataType } from '../../src/onnx/data-type.ts';
import { type GraphProto, NodeProtoSchema, type TensorProto } from '../../src/onnx/proto/onnx_pb.js';
import { floatTensor, integerTensor, rawTensor } from '../../src/onnx/tensor.ts';
import type { ServeHints } from '../../src/records/serving.ts';
import { scoreArms } from '../../src/runtime/scoring.ts';
import { randomWeights, type TinyFamily } from '../models/random-weights.ts';
import { integerAttribute, type NodeInit, proto, value } from '../onnx/small-models.ts';
import { type Built, builtTiny, largestDifference, opened, tinyWindows } from '../runtime/tiny-model.ts';
import { testFolder } from '../testkit/folder.ts';
import type { Situation } from './situation.ts';

const changed = (built: Built, edit: (graph: GraphProto) => void): Built => {
  const folder = testFolder();
  for (const name of readdirSync(built.folder)) copyFileSync(join(built.folder, name), join(folder, name));
  const made = decodeModel(new Uint8Array(readFileSync(join(folder, 'model.onnx'))));
  if (made.graph !== undefined) edit(made.graph);
  writeFileSync(join(folder, 'model.onnx'), encodeModel(made));
  return { ...built, folder };
};

/** Logits of a call are wiped out where `test` gives true from the call's sizes: `batch`, `new` tokens and `past` ones. */
const wipedWhere =
  (test: readonly NodeInit[], left = 0) =>
  (graph: GraphProto): void => {
    for (const node of graph.node) node.output = node.output.map((name) => (name === 'logits' ? 'sound' : name));
    const size = (of: string, axis: number, name: string): NodeInit => ({
      opType: 'Shape',
      input: [of],
      output: [name],
      attribute: [integerAttribute('start', axis), integerAttribute('end', axis + 1)],
    });
    const nodes: readonly NodeInit[] = [
      size('input_ids', 0, 'batch'),
      size('input_ids', 1, 'new'),
      size('past_key_values.0.key', 2, 'past'),
      ...test,
      { opType: 'Where', input: ['wiped', 'nothing', 'all'], output: ['share'] },
      { opType: 'Mul', input: ['sound', 'share'], output: ['logits'] },
    ];
    graph.node.push(...nodes.map((node) => create(NodeProtoSchema, node)));
    graph.initializer.push(integerTensor('one', [1], [1]), integerTensor('none', [1], [0]));
    graph.initializer.push(floatTensor('nothing', [1], Float32Array.of(left)), floatTensor('all', [1], Float32Array.of(1)));
  };

const alone: readonly NodeInit[] = [{ opType: 'Equal', input: ['batch', 'one'], output: ['wiped'] }];
const together: readonly NodeInit[] = [{ opType: 'Greater', input: ['batch', 'one'], output: ['wiped'] }];
const goingOn: readonly NodeInit[] = [
  { opType: 'Greater', input: ['past', 'none'], output: ['behind'] },
  { opType: 'Greater', input: ['new', 'one'], output: ['several'] },
  { opType: 'And', input: ['behind', 'several'], output: ['wiped'] },
];

const askedForOne: readonly NodeInit[] = [
  { opType: 'Equal', input: ['num_logits_to_keep', 'one'], output: ['kept'] },
  { opType: 'Greater', input: ['new', 'one'], output: ['several'] },
  { opType: 'And', input: ['kept', 'several'], output: ['newest'] },
];
const onlyWhere = (more: string): readonly NodeInit[] => [
  ...askedForOne,
  { opType: 'Equal', input: ['past', 'none'], output: ['first'] },
  { opType: 'Equal', input: ['batch', 'one'], output: ['single'] },
  { opType: 'Not', input: ['single'], output: ['many'] },
  { opType: 'Not', input: ['first'], output: ['later'] },
  { opType: 'And', input: ['newest', more], output: ['wiped'] },
];

/** As other exporters write it: all positions are always answered. */
const keepingAll = (graph: GraphProto): void => {
  graph.input = graph.input.filter(({ name }) => name !== 'num_logits_to_keep');
  graph.initializer.push(integerTensor('num_logits_to_keep', [], [0]));
};

/** Weights by which a decoder is sure of its answers. */
const sure = (): WeightSource => {
  const random = randomWeights();
  const read: WeightSource['read'] = (name, dims) => {
    const values = random.read(name, dims);
    return /lm_head|embed_tokens/.test(name) ? values.map((each) => 100 * each) : values;
  };
  return { ...random, read };
};

/** Mean KL divergence of a changed decoder from the sound one, on four windows. */
const divergence = async (edit: (graph: GraphProto) => void, serve: ServeHints = {}): Promise<number> => {
  const built = builtTiny('qwen3', sure());
  const [reference, head] = [await opened(built, null), await opened(changed(built, edit), null, serve)];
  let total = 0;
  try {
    await scoreArms(reference, { head }, tinyWindows(built.config, 4, 24), {}, (_, scores) => {
      total += (scores['head']?.kl ?? 0) / 4;
    });
  } finally {
    await reference.release();
    await head.release();
  }
  return total;
};

/** Of the positions that are asked for, the first ones instead of the last. */
const keepingFirst = (graph: GraphProto): void => {
  const slice = graph.node.find(({ name }) => name === '/lm_head/Slice');
  if (slice === undefined) throw new Error('the head slices nothing');
  const [data = '', , , axis = ''] = slice.input;
  const nodes: readonly NodeInit[] = [
    { opType: 'Equal', input: ['num_logits_to_keep', 'zero'], output: ['every'] },
    { opType: 'Where', input: ['every', 'end', 'num_logits_to_keep'], output: ['count'] },
    { opType: 'Reshape', input: ['count', 'flat'], output: ['until'] },
  ];
  graph.node.unshift(...nodes.map((node) => create(NodeProtoSchema, node)));
  graph.initializer.push(integerTensor('zero', [], [0]), integerTensor('end', [], [2 ** 53 - 1]));
  graph.initializer.push(integerTensor('flat', [1], [1]), integerTensor('begin', [1], [0]));
  slice.input = [data, 'begin', 'until', axis];
};

const withoutMask = (graph: GraphProto): void => {
  const part = (of: string, axis: number, name: string): NodeInit => ({
    opType: 'Shape',
    input: [of],
    output: [name],
    attribute: [integerAttribute('start', axis), integerAttribute('end', axis + 1)],
  });
  const nodes: readonly NodeInit[] = [
    part('input_ids', 0, 'rows'),
    part('input_ids', 1, 'new'),
    part('past_key_values.0.key', 2, 'past'),
    { opType: 'Add', input: ['new', 'past'], output: ['seen'] },
    { opType: 'Concat', input: ['rows', 'seen'], output: ['whole'], attribute: [integerAttribute('axis', 0)] },
    { opType: 'Expand', input: ['one', 'whole'], output: ['attention_mask'] },
  ];
  graph.input = graph.input.filter(({ name }) => name !== 'attention_mask');
  graph.node.unshift(...nodes.map((node) => create(NodeProtoSchema, node)));
  graph.initializer.push(integerTensor('one', [1, 1], [1]));
};

const counted = (nodes: readonly NodeInit[], stored: readonly TensorProto[] = []) => {
  const made = proto({
    nodes: [...nodes],
    initializers: [floatTensor('w', [8, 16], new Float32Array(128)), ...stored],
    inputs: [value('inputs_embeds', [1, 64, 8])],
    outputs: [value('y', ['n', 16])],
  });
  const { multiplyAdds, unknown } = countMultiplyAdds({ proto: made, folder: '', graph: 'model.onnx' }, { past: 0, batch: 1, tokens: 64 });
  return { multiplyAdds, unknown };
};

export const situations: readonly Situation[] = [
  {
    kind: 'scored-as-served',
    example: 'a decoder that answers single requests with nothing, and batches as before',
    before: 'nll-delta passed: every window was scored in a batch of four',
    now: 'worse in kl-divergence: a quarter of the windows are scored alone',
    source: 'neighbour',
    speed: 'fast',
    check: async () => {
      expect(await divergence(wipedWhere(alone))).toBeGreaterThan(0.1);
    },
  },
  {
    kind: 'scored-as-served',
    example: 'a decoder that answers with nothing where several tokens go on behind the cache',
    before: 'nll-delta passed: only single tokens were scored behind a cache',
    now: 'worse in kl-divergence',
    source: 'neighbour',
    speed: 'fast',
    check: async () => {
      expect(await divergence(wipedWhere(goingOn))).toBeGreaterThan(0.1);
    },
  },
  {
    kind: 'scored-as-served',
    example: 'a decoder that keeps the logits of the first positions, where its caller asks for the last',
    before: 'nll-delta passed: all positions were asked for, or the only one',
    now: 'failed: error[onnx-unsupported]',
    source: 'neighbour',
    speed: 'fast',
    check: async () => {
      await expect(divergence(keepingFirst)).rejects.toMatchObject({
        code: 'onnx-unsupported',
        message: expect.stringContaining('num_logits_to_keep'),
      });
    },
  },
  {
    kind: 'scored-as-served',
    example: 'a decoder that answers with nothing, or no numbers, where only the newest position of a prompt is asked for',
    before: 'nll-delta passed: that was asked for behind a cache alone, where no numbers passed too',
    now: 'failed: error[onnx-unsupported] or error[non-finite-output]',
    source: 'neighbour',
    speed: 'fast',
    check: async () => {
      for (const call of ['first', 'many', 'later']) {
        await expect(divergence(wipedWhere(onlyWhere(call))), call).rejects.toMatchObject({ code: 'onnx-unsupported' });
        await expect(divergence(wipedWhere(onlyWhere(call), Number.NaN)), call).rejects.toMatchObject({ code: 'non-finite-output' });
      }
    },
  },
  {
    kind: 'scored-as-served',
    example: 'a decoder that reads prompts in chunks, or keeps a window, and answers batches with nothing',
    before: 'nll-delta passed: behind chunks every window was scored alone',
    now: 'worse in kl-divergence',
    source: 'neighbour',
    speed: 'fast',
    check: async () => {
      for (const serve of [{ chunk: 8 }, { keepLast: 64, frequencies: [1] }]) {
        expect(await divergence(() => {}, serve)).toBeLessThan(1e-4);
        expect(await divergence(wipedWhere(together), serve)).toBeGreaterThan(0.1);
      }
    },
  },
  {
    kind: 'scored-as-served',
    example: 'a decoder that reads prompts in chunks, and answers with something else where only the newest position is asked for',
    before: 'nll-delta passed: of chunks all positions were asked for',
    now: 'failed: error[onnx-unsupported] or error[non-finite-output]',
    source: 'neighbour',
    speed: 'fast',
    check: async () => {
      const serve = { chunk: 8 };
      for (const edit of [keepingFirst, wipedWhere(onlyWhere('first')), wipedWhere(onlyWhere('later'))])
        await expect(divergence(edit, serve)).rejects.toMatchObject({ code: 'onnx-unsupported' });
      await expect(divergence(wipedWhere(onlyWhere('later'), Number.NaN), serve)).rejects.toMatchObject({ code: 'non-finite-output' });
    },
  },
  {
    kind: 'scored-as-served',
    example: 'an export of another tool, which has no input `num_logits_to_keep` and always answers all positions',
    before: 'failed: error[onnx-unsupported]',
    now: 'the same answers',
    source: 'neighbour',
    speed: 'fast',
    check: async () => {
      expect(await divergence(keepingAll)).toBeLessThan(1e-6);
    },
  },
  {
    kind: 'scored-as-served',
    example: 'a decoder that makes its own attention mask, and no longer has the input that its callers feed',
    before: 'nll-delta passed: what a decoder does not want was not fed',
    now: 'failed: error[onnx-unsupported]',
    source: 'neighbour',
    speed: 'fast',
    check: async () => {
      await expect(divergence(withoutMask)).rejects.toMatchObject({
        code: 'onnx-unsupported',
        message: expect.stringContaining('attention_mask'),
        where: 'head',
      });
    },
  },
  {
    kind: 'scored-as-served',
    example: 'a sound decoder of every family, in a batch and alone',
    before: 'the same logits',
    now: 'the same logits',
    source: 'neighbour',
    speed: 'fast',
    check: async () => {
      for (const family of ['qwen3', 'qwen3_moe', 'glm4_moe_lite', 'qwen3_vl'] satisfies TinyFamily[]) {
        const built = builtTiny(family);
        const model = await opened(built, null);
        const windows = tinyWindows(built.config, 2, 24);
        const [both, one] = [await model.score(windows, 0, 2), await model.score(windows, 0, 1)];
        expect(largestDifference(both.values.subarray(0, one.values.length), one.values), family).toBeLessThan(1e-4);
        await model.release();
      }
    },
  },
  {
    kind: 'counted-work',
    example: 'sums over no axis, which leave their input alone, before every product',
    before: 'an eighth of the work, of rows of 8: improved',
    now: 'the same work',
    source: 'neighbour',
    speed: 'fast',
    check: () => {
      const summed = (axes: readonly string[], noop: number): readonly NodeInit[] => [
        {
          opType: 'ReduceSum',
          input: ['inputs_embeds', ...axes],
          output: ['x'],
          attribute: [integerAttribute('noop_with_empty_axes', noop)],
        },
        { opType: 'MatMul', input: ['x', 'w'], output: ['y'] },
      ];
      const none = integerTensor('axes', [0], []);
      const all = { multiplyAdds: 64 * 8 * 16, unknown: [] };
      expect(counted(summed([], 1))).toEqual(all);
      expect(counted(summed(['axes'], 1), [none])).toEqual(all);
      // One sum of everything cannot meet the weights: ONNX Runtime refuses that graph.
      for (const axes of [[], ['axes']]) expect(counted(summed(axes, 0), [none]).unknown).toEqual(['MatMul']);
    },
  },
  {
    kind: 'counted-work',
    example: 'a branch that is chosen by an int32 that overflows',
    before: 'the branch that is not taken',
    now: 'no count, and the branch as the reason',
    source: 'neighbour',
    speed: 'fast',
    check: () => {
      const branch = (name: string, node: NodeInit) => ({ name, type: 5, g: { name, node: [node], output: [value('o', ['n', 16])] } });
      const dear: NodeInit = { opType: 'MatMul', input: ['inputs_embeds', 'w'], output: ['o'] };
      const cheap: NodeInit = { opType: 'Identity', input: ['w'], output: ['o'] };
      const nodes: readonly NodeInit[] = [
        { opType: 'Cast', input: ['large'], output: ['top'], attribute: [integerAttribute('to', 6)] },
        { opType: 'Add', input: ['top', 'top'], output: ['over'] },
        { opType: 'Greater', input: ['over', 'top'], output: ['positive'] },
        { opType: 'If', input: ['positive'], output: ['y'], attribute: [branch('then_branch', cheap), branch('else_branch', dear)] },
      ];
      expect(counted(nodes, [integerTensor('large', [1], [2 ** 31 - 1])]).unknown).toEqual(['If']);
    },
  },
  {
    kind: 'counted-work',
    example: 'a one-hot whose other elements are ones, by which every expert reads every row',
    before: 'the rows that a router would send to one expert',
    now: 'no count, and the product as the reason',
    source: 'neighbour',
    speed: 'fast',
    check: () => {
      const nodes: readonly NodeInit[] = [
        {
          opType: 'ArgMax',
          input: ['inputs_embeds'],
          output: ['expert'],
          attribute: [integerAttribute('axis', 2), integerAttribute('keepdims', 0)],
        },
        { opType: 'OneHot', input: ['expert', 'depth', 'values'], output: ['hot'] },
        { opType: 'Gather', input: ['hot', 'zero'], output: ['mask'], attribute: [integerAttribute('axis', 2)] },
        { opType: 'NonZero', input: ['mask'], output: ['places'] },
        { opType: 'Transpose', input: ['places'], output: ['at'] },
        { opType: 'GatherND', input: ['inputs_embeds', 'at'], output: ['rows'] },
        { opType: 'MatMul', input: ['rows', 'w'], output: ['y'] },
      ];
      const masked = (off: number) =>
        counted(nodes, [integerTensor('depth', [], [8]), integerTensor('zero', [], [0]), integerTensor('values', [2], [off, 1])]);
      expect(masked(0)).toEqual({ multiplyAdds: (64 / 8) * 8 * 16, unknown: [] });
      expect(masked(1).unknown).toEqual(['MatMul']);
    },
  },
  {
    kind: 'counted-work',
    example: 'rows as many as a mask that is no choice of a router leaves out',
    before: 'no work: every element of the mask counted as other than zero',
    now: 'no count, and the product as the reason',
    source: 'neighbour',
    speed: 'fast',
    check: () => {
      const nodes: readonly NodeInit[] = [
        { opType: 'NonZero', input: ['mask'], output: ['places'] },
        { opType: 'Shape', input: ['places'], output: ['left'], attribute: [integerAttribute('start', 1)] },
        { opType: 'Sub', input: ['rows', 'left'], output: ['out'] },
        { opType: 'Concat', input: ['out', 'eight'], output: ['shape'], attribute: [integerAttribute('axis', 0)] },
        { opType: 'ConstantOfShape', input: ['shape'], output: ['x'] },
        { opType: 'MatMul', input: ['x', 'w'], output: ['y'] },
      ];
      const of = (mask: TensorProto) => counted(nodes, [mask, integerTensor('rows', [1], [64]), integerTensor('eight', [1], [8])]);
      expect(of(floatTensor('mask', [64], new Float32Array(64))).unknown).toEqual(['MatMul']);
      expect(of(integerTensor('mask', [64], Array<number>(64).fill(0)))).toEqual({ multiplyAdds: 64 * 8 * 16, unknown: [] });
    },
  },
  {
    kind: 'counted-work',
    example: 'an embedding that is stored in a type of four bits, not packed into bytes',
    before: 'rows of twice their width, and twice the work of what reads them: regressed',
    now: 'the same work',
    source: 'neighbour',
    speed: 'fast',
    check: () => {
      const attribute = [integerAttribute('block_size', 16), integerAttribute('quantize_axis', 1)];
      const nodes: readonly NodeInit[] = [
        { opType: 'GatherBlockQuantized', domain: 'com.microsoft', input: ['table', 'ids', 'scales'], output: ['x'], attribute },
        { opType: 'MatMul', input: ['x', 'w'], output: ['y'] },
      ];
      const stored = (type: number, width: number) =>
        counted(nodes, [
          rawTensor('table', type, [64, width], new Uint8Array(64 * 4)),
          integerTensor('ids', [2], [3, 5]),
          floatTensor('scales', [64, 1], new Float32Array(64)),
        ]);
      for (const each of [stored(dataType.uint4, 8), stored(dataType.uint8, 4)])
        expect(each).toEqual({ multiplyAdds: 2 * 8 * 16, unknown: [] });
    },
  },
];
