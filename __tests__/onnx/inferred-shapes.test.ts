import fc from 'fast-check';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { encodeModel } from '../../src/onnx/binary.ts';
import { inferredShapes } from '../../src/onnx/count.ts';
import { dataType } from '../../src/onnx/data-type.ts';
import { exposeTensors } from '../../src/onnx/edit.ts';
import { integerTensor } from '../../src/onnx/tensor.ts';
import { inMemory, integerAttribute, integersAttribute, type NodeInit, value } from './small-models.ts';

/** What a run of the real runtime makes of [2, 3, 8] and [2, 3], beside what is inferred for two sequences of three tokens. */
const bothShapes = async (nodes: readonly NodeInit[], constants: Readonly<Record<string, readonly number[]>>) => {
  const initializers = Object.entries(constants).map(([name, values]) => integerTensor(name, [values.length], values));
  const scalars = ['zero', 'two', 'minus'].map((name, at) => integerTensor(name, [], [[0, 2, -1][at] ?? 0]));
  const inputs = [value('inputs_embeds', ['b', 's', 8]), value('input_ids', ['b', 's'], dataType.int64)];
  const model = inMemory({ nodes, initializers: [...initializers, ...scalars], inputs });
  const names = nodes.flatMap(({ output }) => output ?? []);
  const session = await InferenceSession.create(encodeModel(exposeTensors(model, names).proto), { logSeverityLevel: 4 });
  const embeds = new Tensor('float32', new Float32Array(48), [2, 3, 8]);
  const ids = new Tensor('int64', new BigInt64Array(6), [2, 3]);
  const outputs = await session.run({ inputs_embeds: embeds, input_ids: ids });
  await session.release();
  const inferred = inferredShapes(model, { past: 0, batch: 2, tokens: 3 });
  return names.map((name) => ({ name, real: [...(outputs[name]?.dims ?? [])], inferred: inferred.get(name) ?? null }));
};

const shape = (output: string, ...attribute: ReturnType<typeof integerAttribute>[]): NodeInit => ({
  opType: 'Shape',
  input: ['inputs_embeds'],
  output: [output],
  attribute,
});
const op = (opType: string, input: readonly string[], attribute: readonly ReturnType<typeof integerAttribute>[] = []): NodeInit => ({
  opType,
  input: [...input],
  output: ['y'],
  attribute: [...attribute],
});
/** A tensor as large as a vector of integers says: shows the values that were inferred. */
const sized = (from: string): NodeInit => ({ opType: 'ConstantOfShape', input: [from], output: ['sized'] });
const start = (at: number) => integerAttribute('start', at);
const end = (at: number) => integerAttribute('end', at);

describe('inferred shapes are those of the runtime', () => {
  it.each<[string, readonly NodeInit[], Readonly<Record<string, readonly number[]>>?]>([
    ['Shape from 1', [shape('s', start(1)), sized('s')]],
    ['Shape to 1', [shape('s', end(1)), sized('s')]],
    ['Shape from the end', [shape('s', start(-2), end(-1)), sized('s')]],
    ['Shape beyond its ends', [shape('s', start(-9), end(9)), sized('s')]],
    ['Shape of nothing', [shape('s', start(2), end(1)), sized('s')]],
    [
      'Shape in a Concat',
      [shape('s', start(1)), { ...op('Concat', ['s', 'four'], [integerAttribute('axis', 0)]) }, sized('y')],
      { four: [4] },
    ],
    ['Reshape with 0 and -1', [op('Reshape', ['inputs_embeds', 't'])], { t: [0, -1, 4] }],
    [
      'Reshape of nothing, zeros allowed',
      [op('Slice', ['inputs_embeds', 'a', 'a']), { ...op('Reshape', ['y', 't'], [integerAttribute('allowzero', 1)]), output: ['z'] }],
      { a: [0], t: [0, 5] },
    ],
    ['Slice backwards', [op('Slice', ['inputs_embeds', 'a', 'b', 'x', 'step'])], { a: [-1], b: [-100], x: [2], step: [-3] }],
    [
      'Slice with steps on two axes',
      [op('Slice', ['inputs_embeds', 'a', 'b', 'x', 'step'])],
      { a: [0, 1], b: [100, -1], x: [-1, 0], step: [3, 1] },
    ],
    [
      'Slice of a shape, backwards',
      [shape('s'), op('Slice', ['s', 'a', 'b', 'x', 'step']), sized('y')],
      { a: [-1], b: [-100], x: [0], step: [-2] },
    ],
    ['Gather from the end', [shape('s'), op('Gather', ['s', 'i']), sized('y')], { i: [-1, -3] }],
    ['Size in a Range', [{ ...op('Size', ['inputs_embeds']), output: ['n'] }, op('Range', ['zero', 'n', 'two'])]],
    ['Range backwards', [{ ...op('Size', ['input_ids']), output: ['n'] }, op('Range', ['n', 'zero', 'minus'])]],
    [
      'ConstantOfShape of a value, compared and replaced',
      [
        shape('s'),
        {
          opType: 'ConstantOfShape',
          input: ['three'],
          output: ['ones'],
          attribute: [{ name: 'value', type: 4, t: integerTensor('', [1], [1]) }],
        },
        { opType: 'Mul', input: ['ones', 'minus'], output: ['negative'] },
        { opType: 'Equal', input: ['t', 'negative'], output: ['open'] },
        { opType: 'Where', input: ['open', 's', 't'], output: ['target'] },
        op('Expand', ['inputs_embeds', 'target']),
      ],
      { three: [3], t: [-1, 3, -1] },
    ],
    ['Expand by a shape with ones', [op('Expand', ['inputs_embeds', 't'])], { t: [5, 1, 1, 1] }],
    ['Expand of a vector of lengths', [op('Expand', ['one', 'n']), sized('y')], { one: [2], n: [3] }],
    [
      'lengths through floats, which divide otherwise',
      [
        shape('s', start(1), end(2)),
        { opType: 'Cast', input: ['s'], output: ['f'], attribute: [integerAttribute('to', dataType.float)] },
        { opType: 'Cast', input: ['t'], output: ['g'], attribute: [integerAttribute('to', dataType.float)] },
        { opType: 'Div', input: ['f', 'g'], output: ['half'] },
        { opType: 'Mul', input: ['half', 'g'], output: ['whole'] },
        { opType: 'Cast', input: ['whole'], output: ['back'], attribute: [integerAttribute('to', dataType.int64)] },
        sized('back'),
      ],
      { t: [2] },
    ],
    [
      'lengths that become truths and lengths again',
      [
        { opType: 'Cast', input: ['n'], output: ['truth'], attribute: [integerAttribute('to', dataType.bool)] },
        { opType: 'Cast', input: ['truth'], output: ['one'], attribute: [integerAttribute('to', dataType.int64)] },
        sized('one'),
      ],
      { n: [5, 0, -2] },
    ],
    ['Mod of either sign', [{ ...op('Mod', ['a', 'b']), output: ['m'] }, sized('m')], { a: [-7, 7], b: [3, 3] }],
    [
      'Mod as C has it',
      [
        { ...op('Mod', ['a', 'b'], [integerAttribute('fmod', 1)]), output: ['m'] },
        { opType: 'Abs', input: ['m'], output: ['n'] },
        sized('n'),
      ],
      { a: [-7], b: [3] },
    ],
    ['ReduceProd of a shape', [shape('s'), op('ReduceProd', ['s']), sized('y')]],
    [
      'Einsum',
      [
        {
          opType: 'Einsum',
          input: ['inputs_embeds', 'inputs_embeds'],
          output: ['y'],
          attribute: [{ name: 'equation', type: 3, s: new TextEncoder().encode('bsh,bth->bst') }],
        },
      ],
    ],
    [
      'MatMul that broadcasts',
      [
        { opType: 'Transpose', input: ['inputs_embeds'], output: ['t'], attribute: [integersAttribute('perm', [0, 2, 1])] },
        { opType: 'Unsqueeze', input: ['inputs_embeds', 'axis'], output: ['u'] },
        op('MatMul', ['u', 't']),
      ],
      { axis: [0] },
    ],
    [
      'Tile, Pad and Split',
      [
        op('Tile', ['inputs_embeds', 'r']),
        { opType: 'Pad', input: ['y', 'p'], output: ['z'] },
        { opType: 'Split', input: ['z'], output: ['a', 'b'], attribute: [integerAttribute('axis', 2), integerAttribute('num_outputs', 2)] },
      ],
      { r: [1, 2, 1], p: [0, 0, 1, 0, -1, 2] },
    ],
    [
      'means beside a LayerNormalization',
      [
        { opType: 'Cast', input: ['ones'], output: ['w'], attribute: [integerAttribute('to', dataType.float)] },
        { ...op('LayerNormalization', ['inputs_embeds', 'w']), output: ['y', 'mean'] },
      ],
      { ones: [1, 1, 1, 1, 1, 1, 1, 1] },
    ],
  ])('%s', async (_, nodes, constants = {}) => {
    for (const { name, real, inferred } of await bothShapes(nodes, constants)) {
      const known = inferred?.map((dim, at) => (Number.isNaN(dim) ? real[at] : dim));
      expect(known ?? real, name).toEqual(real);
    }
  });

  it('however shape arithmetic is put together', async () => {
    const small = fc.integer({ min: -4, max: 5 });
    const step = fc.record({
      opType: fc.constantFrom(
        'Shape',
        'Slice',
        'Gather',
        'Concat',
        'Add',
        'Mul',
        'Div',
        'Mod',
        'Max',
        'Min',
        'Neg',
        'Abs',
        'Sub',
        'Squeeze',
        'Reshape',
      ),
      from: fc.nat(20),
      other: fc.nat(20),
      numbers: fc.tuple(small, small),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
        const [vectors, constants, nodes] = [
          ['s0'],
          { c: [2], minusOne: [-1], last: [-1, 0, -3] } as Record<string, readonly number[]>,
          [shape('s0')],
        ];
        for (const [at, { opType, from, other, numbers }] of steps.entries()) {
          const [a, b] = [vectors[from % vectors.length] ?? 's0', vectors[other % vectors.length] ?? 's0'];
          const output = [`v${at}`];
          for (const [part, number] of numbers.entries()) constants[`n${at}-${part}`] = [number];
          if (opType === 'Shape') nodes.push({ ...shape(output[0] ?? '', start(numbers[0]), end(numbers[1])) });
          else if (opType === 'Slice') nodes.push({ opType, input: [a, `n${at}-0`, `n${at}-1`], output });
          else if (opType === 'Gather') nodes.push({ opType, input: ['s0', 'last'], output });
          else if (opType === 'Concat') nodes.push({ opType, input: [a, b], output, attribute: [integerAttribute('axis', 0)] });
          else if (opType === 'Neg' || opType === 'Abs') nodes.push({ opType, input: [a], output });
          else if (opType === 'Reshape' || opType === 'Squeeze') nodes.push({ opType: 'Reshape', input: [a, 'minusOne'], output });
          else nodes.push({ opType, input: [a, 'c'], output });
          vectors.push(output[0] ?? '');
        }
        const last = vectors.at(-1) ?? 's0';
        nodes.push(
          { opType: 'Abs', input: [last], output: ['positive'] },
          { opType: 'Min', input: ['positive', 'c'], output: ['few'] },
          sized('few'),
        );
        for (const { name, real, inferred } of await bothShapes(nodes, constants)) expect(inferred, name).toEqual(real);
      }),
      { numRuns: 60, seed: 7 },
    );
  });
});
