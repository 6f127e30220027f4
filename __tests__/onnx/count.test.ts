import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openModelSource } from '../../src/models/model-source.ts';
import { buildReference } from '../../src/models/reference.ts';
import { countMultiplyAdds, type ModelCount } from '../../src/onnx/count.ts';
import { dataType } from '../../src/onnx/data-type.ts';
import { FunctionProtoSchema, type TensorProto } from '../../src/onnx/proto/onnx_pb.js';
import { readModel } from '../../src/onnx/read.ts';
import { floatTensor, integerTensor, rawTensor } from '../../src/onnx/tensor.ts';
import { inMemory, integerAttribute, integersAttribute, type NodeInit, oracles, type Parts, scratch, value } from './small-models.ts';

const decode = { past: 256, batch: 1, tokens: 1 };
const weight = (name: string, ...dims: number[]): TensorProto =>
  floatTensor(name, dims, new Float32Array(dims.reduce((all, dim) => all * dim, 1)));
const bytes = (name: string, ...dims: number[]): TensorProto =>
  rawTensor(name, dataType.uint8, dims, new Uint8Array(dims.reduce((all, dim) => all * dim, 1)));
const count = (parts: Parts, setting = decode): ModelCount => countMultiplyAdds(inMemory(parts), setting);
/** One node between an embedded input [batch, sequence, 16] and whatever it makes. */
const single = (node: NodeInit, initializers: readonly TensorProto[], setting = decode): ModelCount =>
  count({ nodes: [{ output: ['y'], ...node }], initializers, inputs: [value('inputs_embeds', ['b', 's', 16])] }, setting);

describe('linear layers', () => {
  const setting = { past: 0, batch: 2, tokens: 3 };
  it.each<[string, NodeInit, readonly TensorProto[], number]>([
    ['MatMul', { opType: 'MatMul', input: ['inputs_embeds', 'w'] }, [weight('w', 16, 24)], 6 * 16 * 24],
    ['MatMulInteger', { opType: 'MatMulInteger', input: ['inputs_embeds', 'w'] }, [bytes('w', 16, 24)], 6 * 16 * 24],
    [
      'FusedMatMul',
      { opType: 'FusedMatMul', domain: 'com.microsoft', input: ['inputs_embeds', 'w'], attribute: [integerAttribute('transB', 1)] },
      [weight('w', 24, 16)],
      6 * 16 * 24,
    ],
    [
      'MatMulNBits',
      {
        opType: 'MatMulNBits',
        domain: 'com.microsoft',
        input: ['inputs_embeds', 'w', 's'],
        attribute: [integerAttribute('K', 16), integerAttribute('N', 24), integerAttribute('bits', 4)],
      },
      [bytes('w', 24, 1, 8), weight('s', 24)],
      6 * 16 * 24,
    ],
    ['a vector', { opType: 'MatMul', input: ['inputs_embeds', 'w'] }, [weight('w', 16)], 6 * 16],
  ])('%s', (_, node, weights, expected) => {
    expect(single(node, weights, setting)).toMatchObject({ multiplyAdds: expected, unknown: [] });
  });

  it('Gemm, transposed as torch writes it', () => {
    const nodes = [{ opType: 'Gemm', input: ['x', 'w', 'b'], output: ['y'], attribute: [integerAttribute('transB', 1)] }];
    const result = count({
      nodes,
      initializers: [weight('w', 24, 16), weight('b', 24)],
      inputs: [value('x_embeds', [5, 16]), value('x', [5, 16])],
    });
    expect(result).toEqual({ multiplyAdds: 5 * 16 * 24, parameters: 24 * 16 + 24, unknown: [] });
  });

  it('guesses nothing where shapes are lost: the operator and what reads its result are not counted', () => {
    const nodes = [
      { opType: 'Mystery', domain: 'x', input: ['inputs_embeds'], output: ['h'] },
      { opType: 'MatMul', input: ['h', 'w'], output: ['y'] },
    ];
    expect(count({ nodes, initializers: [weight('w', 16, 24)], inputs: [value('inputs_embeds', ['b', 's', 16])] }, setting)).toMatchObject({
      multiplyAdds: 0,
      unknown: ['MatMul', 'x.Mystery'],
    });
  });

  it('follows shapes through slices to the end, splits, concatenations and shape arithmetic', () => {
    const toTheEnd = rawTensor('end', dataType.int64, [1], new Uint8Array(BigInt64Array.of(2n ** 63n - 1n).buffer));
    const nodes: NodeInit[] = [
      { opType: 'Slice', input: ['inputs_embeds', 'start', 'end', 'axis'], output: ['tail'] },
      { opType: 'Concat', input: ['tail', 'inputs_embeds'], output: ['wide'], attribute: [integerAttribute('axis', -1)] },
      {
        opType: 'Split',
        input: ['wide'],
        output: ['left', 'right'],
        attribute: [integerAttribute('axis', -1), integerAttribute('num_outputs', 2)],
      },
      { opType: 'Shape', input: ['left'], output: ['shape'] },
      { opType: 'Gather', input: ['shape', 'first'], output: ['batch'] },
      { opType: 'Concat', input: ['batch', 'minus', 'four'], output: ['target'], attribute: [integerAttribute('axis', 0)] },
      { opType: 'Reshape', input: ['left', 'target'], output: ['parts'] },
      { opType: 'Transpose', input: ['parts'], output: ['turned'], attribute: [integersAttribute('perm', [0, 2, 1])] },
      { opType: 'MatMul', input: ['parts', 'turned'], output: ['y'] },
    ];
    const initializers = [
      integerTensor('start', [1], [8]),
      toTheEnd,
      integerTensor('axis', [1], [2]),
      integerTensor('first', [1], [0]),
      integerTensor('minus', [1], [-1]),
      integerTensor('four', [1], [4]),
    ];
    // [2, 3, 16] → tail [2, 3, 8] → wide [2, 3, 24] → left [2, 3, 12] → parts [2, 9, 4].
    expect(count({ nodes, initializers, inputs: [value('inputs_embeds', ['b', 's', 16])] }, setting)).toMatchObject({
      multiplyAdds: 2 * 9 * 4 * 9,
      unknown: [],
    });
  });

  it('Conv, with stride, padding and groups', () => {
    const attribute = [integersAttribute('strides', [2, 2]), integersAttribute('pads', [1, 1, 1, 1]), integerAttribute('group', 2)];
    const nodes = [{ opType: 'Conv', input: ['x', 'w'], output: ['y'], attribute }];
    const result = count({ nodes, initializers: [weight('w', 8, 2, 3, 3)], inputs: [value('x', [1, 4, 9, 9])] });
    expect(result.multiplyAdds).toBe(8 * 5 * 5 * 2 * 3 * 3);
  });
});

describe('attention', () => {
  const cache = (name: string) => value(name, ['b', 2, 'p', 8]);
  const attribute = [integerAttribute('num_heads', 4), integerAttribute('kv_num_heads', 2)];

  it('GroupQueryAttention, apart and packed', () => {
    const inputs = [cache('past_key_values.0.key'), cache('past_key_values.0.value')];
    const past = inputs.map((input) => input.name);
    const apart = {
      opType: 'GroupQueryAttention',
      domain: 'com.microsoft',
      input: ['q_embeds', 'k_embeds', 'v_embeds', ...past],
      output: ['y', 'k', 'v'],
      attribute,
    };
    const packed = { ...apart, input: ['q_embeds', '', '', ...past] };
    const queries = (width: number) => [
      value('q_embeds', ['b', 's', width]),
      value('k_embeds', ['b', 's', 16]),
      value('v_embeds', ['b', 's', 16]),
      ...inputs,
    ];
    expect(count({ nodes: [apart], inputs: queries(32) }).multiplyAdds).toBe(4 * 257 * 16);
    expect(count({ nodes: [packed], inputs: queries(64) }).multiplyAdds).toBe(4 * 257 * 16);
    expect(count({ nodes: [apart], inputs: queries(32) }, { past: 10, batch: 3, tokens: 5 }).multiplyAdds).toBe(3 * 4 * 5 * 15 * 16);
  });

  it('MultiHeadAttention and the standard operator, with widths of their own for values', () => {
    const inputs = [value('q_embeds', ['b', 's', 32]), value('k_embeds', ['b', 's', 32]), value('v_embeds', ['b', 's', 48])];
    const input = inputs.map((each) => each.name);
    const multi = { opType: 'MultiHeadAttention', domain: 'com.microsoft', input, output: ['y'], attribute };
    const heads = [integerAttribute('q_num_heads', 4), integerAttribute('kv_num_heads', 4)];
    const standard = { opType: 'Attention', input, output: ['y'], attribute: heads };
    const setting = { past: 0, batch: 1, tokens: 6 };
    for (const node of [multi, standard])
      expect(count({ nodes: [node], inputs }, setting).multiplyAdds, node.opType).toBe(4 * 6 * 6 * (8 + 12));
  });

  it('written out in plain products, as torch exports it', () => {
    const model = readModel(join(oracles, 'block.onnx'));
    // Weights, and the constants that scale; what shapes is none.
    const parameters = 13568 + 4;
    expect(countMultiplyAdds(model, decode).parameters).toBe(parameters);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 300 }), (batch, tokens) => {
        const linear = 4 * 32 * 32 + 2 * 32 * 96 + 32 * 50;
        const expected = batch * tokens * linear + batch * 4 * tokens * tokens * 16;
        expect(countMultiplyAdds(model, { past: 0, batch, tokens })).toEqual({ multiplyAdds: expected, parameters, unknown: [] });
      }),
    );
  });
});

describe('experts', () => {
  const router = weight('r', 16, 8);
  const input = ['inputs_embeds', 'scores', 'a', '', 'b'];
  const routed = { opType: 'MatMul', input: ['inputs_embeds', 'r'], output: ['scores'] };
  const inputs = [value('inputs_embeds', ['b', 's', 16])];

  it('MoE counts the chosen ones only', () => {
    const node = { opType: 'MoE', domain: 'com.microsoft', input, output: ['y'], attribute: [integerAttribute('k', 2)] };
    const result = count({ nodes: [routed, node], initializers: [router, weight('a', 8, 24, 16), weight('b', 8, 16, 12)], inputs });
    expect(result).toEqual({ multiplyAdds: 16 * 8 + 2 * (24 * 16 + 16 * 12), parameters: 128 + 8 * (384 + 192), unknown: [] });
  });

  it('QMoE counts the values in packed bytes', () => {
    const packed = ['inputs_embeds', 'scores', 'a', 'as', '', 'b', 'bs'];
    const attribute = [integerAttribute('k', 2), integerAttribute('expert_weight_bits', 4)];
    const node = { opType: 'QMoE', domain: 'com.microsoft', input: packed, output: ['y'], attribute };
    const initializers = [router, bytes('a', 8, 24, 8), weight('as', 8, 24), bytes('b', 8, 16, 6), weight('bs', 8, 16)];
    const result = count({ nodes: [routed, node], initializers, inputs });
    expect(result).toEqual({ multiplyAdds: 16 * 8 + 2 * (24 * 16 + 16 * 12), parameters: 128 + 8 * (384 + 192) + 8 * 40, unknown: [] });
  });

  it('batched products of gathered weights', () => {
    const nodes: NodeInit[] = [
      routed,
      { opType: 'TopK', input: ['scores', 'k'], output: ['best', 'chosen'] },
      { opType: 'Gather', input: ['w', 'chosen'], output: ['picked'] },
      { opType: 'Unsqueeze', input: ['inputs_embeds', 'axes'], output: ['column'] },
      { opType: 'MatMul', input: ['picked', 'column'], output: ['y'] },
    ];
    const initializers = [router, weight('w', 8, 24, 16), integerTensor('k', [1], [2]), integerTensor('axes', [2], [2, 4])];
    expect(count({ nodes, initializers, inputs }, { past: 0, batch: 2, tokens: 3 })).toMatchObject({
      multiplyAdds: 6 * 128 + 6 * 2 * 24 * 16,
      unknown: [],
    });
  });

  it('loops over experts get the rows of a uniform router', () => {
    const loop = (expert: number): NodeInit[] => [
      { opType: 'Gather', input: ['mask', `e${expert}`], output: [`mask${expert}`] },
      { opType: 'NonZero', input: [`mask${expert}`], output: [`where${expert}`] },
      { opType: 'Gather', input: [`where${expert}`, 'e1'], output: [`rows${expert}`] },
      { opType: 'Gather', input: ['flat', `rows${expert}`], output: [`x${expert}`] },
      { opType: 'MatMul', input: [`x${expert}`, `w${expert}`], output: [`y${expert}`] },
    ];
    const nodes: NodeInit[] = [
      { opType: 'Reshape', input: ['inputs_embeds', 'rows'], output: ['flat'] },
      { opType: 'MatMul', input: ['flat', 'r'], output: ['scores'] },
      { opType: 'TopK', input: ['scores', 'k'], output: ['best', 'chosen'] },
      { opType: 'OneHot', input: ['chosen', 'depth', 'ends'], output: ['hot'] },
      { opType: 'Transpose', input: ['hot'], output: ['mask'], attribute: [integersAttribute('perm', [2, 1, 0])] },
      ...[0, 1, 2, 3].flatMap(loop),
    ];
    const initializers = [
      weight('r', 16, 4),
      integerTensor('rows', [2], [-1, 16]),
      integerTensor('k', [1], [2]),
      integerTensor('depth', [], [4]),
      integerTensor('ends', [2], [0, 1]),
      ...[0, 1, 2, 3].flatMap((expert) => [integerTensor(`e${expert}`, [], [expert]), weight(`w${expert}`, 16, 24)]),
    ];
    const result = count({ nodes, initializers, inputs }, { past: 0, batch: 2, tokens: 3 });
    expect(result).toMatchObject({ multiplyAdds: 6 * 16 * 4 + 6 * 2 * 16 * 24, unknown: [] });
  });
});

describe('what is not known', () => {
  const inputs = [value('inputs_embeds', ['b', 's', 16])];

  it('names operators that may multiply, and nested products', () => {
    const body = { name: 'b', node: [{ opType: 'MatMul', input: ['inputs_embeds', 'w'], output: ['r'] }], output: [value('r', [1])] };
    const nodes: NodeInit[] = [
      { opType: 'Einsum', input: ['inputs_embeds', 'w'], output: ['a'] },
      { opType: 'Secret', domain: 'my.domain', input: ['inputs_embeds', 'w'], output: ['b'] },
      { opType: 'Add', domain: 'my.domain', input: ['inputs_embeds', 'w'], output: ['c'] },
      { opType: 'If', input: ['flag'], output: ['d'], attribute: [{ name: 'then_branch', type: 5, g: body }] },
      { opType: 'Mystery', domain: 'my.domain', input: ['inputs_embeds'], output: ['e'] },
      { opType: 'MatMul', input: ['e', 'e'], output: ['f'] },
    ];
    expect(count({ nodes, initializers: [weight('w', 16, 16)], inputs }).unknown).toEqual([
      'Einsum',
      'If',
      'MatMul',
      'my.domain.Add',
      'my.domain.Mystery',
      'my.domain.Secret',
    ]);
  });

  const constant = (output: string, tensor: TensorProto): NodeInit => ({
    opType: 'Constant',
    output: [output],
    attribute: [{ name: 'value', type: 4, t: tensor }],
  });
  const holding = (opType: string, ...node: NodeInit[]): NodeInit => ({
    opType,
    input: ['inputs_embeds'],
    output: [`${opType}-out`],
    attribute: [{ name: 'body', type: 5, g: { name: 'b', node, output: [value('r', [1])] } }],
  });
  const relu: NodeInit = { opType: 'Relu', input: ['inputs_embeds'], output: ['r'] };
  const product: NodeInit = { opType: 'MatMul', input: ['inputs_embeds', 'w'], output: ['r'] };
  const called: NodeInit = { opType: 'f', domain: 'own', input: ['inputs_embeds'], output: ['f-out'] };

  it.each<[string, NodeInit[], NodeInit[], readonly string[]]>([
    ['a branch without products', [holding('If', relu)], [], []],
    ['a product in a loop in a branch', [holding('If', holding('Loop', product))], [], ['If']],
    ['an unknown operator in a loop', [holding('Loop', { opType: 'Secret', domain: 'x', input: [], output: ['r'] })], [], ['Loop']],
    ['a function without products', [called], [relu], []],
    ['a product in a function is counted', [called], [constant('w', weight('', 16, 16)), product], []],
    ['a function that calls itself', [called], [{ ...called, output: ['r'] }], ['own.f']],
    ['an unknown operator in a function', [called], [{ opType: 'Secret', domain: 'x', input: [], output: ['r'] }], ['own.f']],
    ['scores by Einsum without an equation', [{ opType: 'Einsum', input: ['inputs_embeds'], output: ['y'] }], [], ['Einsum']],
    ['a recurrent operator', [{ opType: 'GRU', input: ['inputs_embeds', 'inputs_embeds'], output: ['y'] }], [], ['GRU']],
  ])('%s', (_, nodes, body, unknown) => {
    const model = inMemory({ nodes, initializers: [weight('w', 16, 16)], inputs });
    const name = nodes[0]?.domain === 'own' ? (nodes[0].opType ?? '') : 'f';
    model.proto.functions.push(create(FunctionProtoSchema, { name, domain: 'own', node: body, input: ['inputs_embeds'], output: ['r'] }));
    expect(countMultiplyAdds(model, decode).unknown).toEqual(unknown);
  });

  const branches = (yes: NodeInit[], no: NodeInit[], condition: string): NodeInit => ({
    opType: 'If',
    input: [condition],
    output: ['h'],
    attribute: [
      { name: 'then_branch', type: 5, g: { name: 'b', node: yes, output: [value('r', [1])] } },
      { name: 'else_branch', type: 5, g: { name: 'b', node: no, output: [value('r', [1])] } },
    ],
  });
  const next: NodeInit = { opType: 'MatMul', input: ['h', 'w'], output: ['y'] };
  const flags = ['no', 'yes'].map((name, at) => rawTensor(name, dataType.bool, [], Uint8Array.of(at)));
  it.each<[string, NodeInit, number, readonly string[]]>([
    ['the branch that a constant chooses', branches([product], [relu], 'yes'), 2 * 256, []],
    ['the other one', branches([product], [relu], 'no'), 256, []],
    ['branches of equal cost', branches([product], [product], 'either'), 2 * 256, []],
    ['branches of different cost', branches([product], [relu], 'either'), 256, ['If']],
    ['branches of equal cost and different shapes', branches([relu], [{ ...relu, opType: 'Size' }], 'either'), 0, ['MatMul']],
    [
      'a branch in a branch',
      branches([branches([product], [relu], 'yes'), { opType: 'Relu', input: ['h'], output: ['r'] }], [relu], 'yes'),
      2 * 256,
      [],
    ],
  ])('%s', (_, node, multiplyAdds, unknown) => {
    const inputs = [value('inputs_embeds', [1, 16]), value('either', [], dataType.bool)];
    expect(count({ nodes: [node, next], initializers: [weight('w', 16, 16), ...flags], inputs })).toMatchObject({ multiplyAdds, unknown });
  });

  it('a function is counted with the shapes and attributes of each call', () => {
    const call = (input: string, output: string, perm: readonly number[]): NodeInit => ({
      ...called,
      input: [input],
      output: [output],
      attribute: [integersAttribute('order', perm)],
    });
    const model = inMemory({
      nodes: [call('a', 'p', [1, 0]), call('b', 'q', [0, 1]), { ...called, input: ['b'], output: ['r'] }],
      inputs: [value('a', [3, 5]), value('b', [4, 4])],
    });
    const turned: NodeInit = {
      opType: 'Transpose',
      input: ['x'],
      output: ['t'],
      attribute: [{ name: 'perm', type: 7, refAttrName: 'order' }],
    };
    const squared: NodeInit = { opType: 'MatMul', input: ['x', 't'], output: ['y'] };
    model.proto.functions.push(
      create(FunctionProtoSchema, { name: 'f', domain: 'own', node: [turned, squared], input: ['x'], output: ['y'] }),
    );
    // Without the attribute the last call is not told: its Transpose refers to nothing.
    expect(countMultiplyAdds(model, decode)).toMatchObject({ multiplyAdds: 3 * 5 * 3 + 4 * 4 * 4, unknown: ['own.f'] });
  });

  it('functions that call each other twice, forty deep, take no time', () => {
    const model = inMemory({ nodes: [{ ...called, opType: 'f0' }], inputs });
    for (let at = 0; at < 40; at++) {
      const node = at === 39 ? [relu] : ['a', 'b'].map((name) => ({ ...called, opType: `f${at + 1}`, output: [name] }));
      model.proto.functions.push(create(FunctionProtoSchema, { name: `f${at}`, domain: 'own', node }));
    }
    expect(countMultiplyAdds(model, decode).unknown).toEqual([]);
  });

  it.each<[string, readonly number[], readonly number[], number]>([
    ['bhqd,bhkd->bhqk', [2, 4, 3, 8], [2, 4, 5, 8], 2 * 4 * 3 * 5 * 8],
    ['bsh,oh', [2, 3, 16], [24, 16], 2 * 3 * 24 * 16],
    ['ij,jk->', [2, 3], [3, 4], 3],
    ['bij,bjk->ik', [5, 2, 3], [5, 3, 4], 5 * 2 * 3 * 4],
  ])('Einsum %s', (equation, left, right, expected) => {
    const attribute = [{ name: 'equation', type: 3, s: new TextEncoder().encode(equation) }];
    const result = count({
      nodes: [{ opType: 'Einsum', input: ['a', 'b'], output: ['y'], attribute }],
      inputs: [value('a', left), value('b', right)],
    });
    expect(result).toMatchObject({ multiplyAdds: expected, unknown: [] });
  });

  it('a weight that moved into a constant, a branch or a function is a parameter all the same', () => {
    const dense = count({ nodes: [product], initializers: [weight('w', 16, 16)], inputs });
    expect(dense.parameters).toBe(256);
    expect(count({ nodes: [constant('w', weight('', 16, 16)), product], inputs })).toEqual(dense);
    expect(count({ nodes: [constant('w', weight('', 16, 16)), relu], inputs }).parameters).toBe(0);
    const nested = holding('If', constant('w', weight('', 16, 16)), product);
    expect(count({ nodes: [nested], inputs }).parameters).toBe(256);
    const model = inMemory({ nodes: [called], inputs });
    model.proto.functions.push(
      create(FunctionProtoSchema, { name: 'f', domain: 'own', node: [constant('w', weight('', 16, 16)), product] }),
    );
    expect(countMultiplyAdds(model, decode).parameters).toBe(256);
    const listed = { opType: 'Constant', output: ['w'], attribute: [{ name: 'value_floats', type: 6, floats: Array<number>(16).fill(1) }] };
    expect(count({ nodes: [listed, product], inputs })).toMatchObject({ parameters: 16, multiplyAdds: 16 });
  });

  it('has nothing to say about look-ups, norms and masks', () => {
    const nodes: NodeInit[] = [
      { opType: 'Gather', input: ['table', 'ids'], output: ['a'] },
      { opType: 'Add', input: ['a', 'table'], output: ['b'] },
      { opType: 'SimplifiedLayerNormalization', input: ['b', 'table'], output: ['c'] },
    ];
    expect(count({ nodes, initializers: [weight('table', 10, 16)], inputs: [value('ids', ['b', 's'], 7)] })).toEqual({
      multiplyAdds: 0,
      parameters: 160,
      unknown: [],
    });
  });
});

describe('parameters', () => {
  it('counts each initializer in use once, and none that nothing reads', () => {
    const nodes = ['a', 'b'].map((name) => ({ opType: 'MatMul', input: ['inputs_embeds', 'w'], output: [name] }));
    expect(
      count({ nodes, initializers: [weight('w', 16, 16), weight('idle', 100)], inputs: [value('inputs_embeds', ['b', 's', 16])] })
        .parameters,
    ).toBe(256);
  });

  it('counts no tables of rotary operators, which grow with the context, and no integers that shape', () => {
    const inputs = [value('inputs_embeds', ['b', 's', 16]), value('position_ids', ['b', 's'], 7)];
    const rotary = (rows: number) =>
      count({
        nodes: [
          {
            opType: 'RotaryEmbedding',
            domain: 'com.microsoft',
            input: ['inputs_embeds', 'position_ids', 'cos', 'sin'],
            output: ['turned'],
          },
          { opType: 'MatMul', input: ['turned', 'w'], output: ['y'] },
        ],
        initializers: [weight('w', 16, 16), weight('cos', rows, 8), weight('sin', rows, 8)],
        inputs,
      }).parameters;
    expect([rotary(32), rotary(4096)]).toEqual([256, 256]);
    // A table that something else reads, too, is a weight.
    const shared = { opType: 'Add', input: ['inputs_embeds', 'w'], output: ['z'] };
    const both = { opType: 'RotaryEmbedding', domain: 'com.microsoft', input: ['inputs_embeds', 'position_ids', 'w', 'w'], output: ['y'] };
    expect(count({ nodes: [both, shared], initializers: [weight('w', 16)], inputs }).parameters).toBe(16);
  });

  it('counts the values in packed weights', () => {
    const attribute = [integerAttribute('K', 32), integerAttribute('N', 4), integerAttribute('bits', 4)];
    const node = { opType: 'MatMulNBits', domain: 'com.microsoft', input: ['inputs_embeds', 'w', 's'], attribute };
    expect(single(node, [bytes('w', 4, 2, 8), weight('s', 8)]).parameters).toBe(4 * 32 + 8);
  });
});

/** Sums by hand from the architectures; the trained models are fetched with the repository. */
const dense = join(import.meta.dirname, '..', '..', 'models', 'mini-qwen3-dense');
const latent = join(import.meta.dirname, '..', '..', 'models', 'mini-glm4-moe-lite');

describe.runIf(existsSync(join(dense, 'card.json')) && existsSync(join(latent, 'card.json')))('the miniatures', () => {
  const place = scratch();
  const built = (folder: string, setting: typeof decode): ModelCount => {
    const output = place(`${folder.split('/').at(-1)}-${setting.batch}`);
    const [stage] = buildReference(openModelSource(folder), output);
    return countMultiplyAdds(readModel(join(output, stage?.graph ?? '')), setting);
  };

  it('dense: attention, feed-forward, tied head', () => {
    const layer = 2 * 128 * 128 + 2 * 128 * 64 + 3 * 128 * 512;
    const head = 128 * 1024;
    expect(built(dense, decode)).toMatchObject({ multiplyAdds: 4 * (layer + 4 * 257 * 64) + head, unknown: [] });
    const prefill = built(dense, { past: 0, batch: 2, tokens: 16 });
    expect(prefill.multiplyAdds).toBe(4 * (32 * layer + 2 * 4 * 16 * 16 * 64) + 2 * head);
  });

  it('latent attention, one dense layer, routed and shared experts', () => {
    const attention = 128 * 64 + 64 * 160 + 128 * 64 + 48 * 224 + 128 * 128 + 4 * 257 * (40 + 32);
    const expert = 3 * 128 * 96;
    const expected = 4 * attention + 3 * 128 * 384 + 3 * (3 * expert + 128 * 8) + 128 * 1024;
    expect(built(latent, decode)).toMatchObject({ multiplyAdds: expected, unknown: [] });
  });
});
