import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GateError } from '../../../src/errors.ts';
import { attentionWork } from '../../../src/models/attention-work.ts';
import { moduleStructure } from '../../../src/models/module-structure.ts';
import { liftConstants } from '../../../src/onnx/constants.ts';
import { countMultiplyAdds } from '../../../src/onnx/count.ts';
import { graphIndex, renameTensor } from '../../../src/onnx/edit.ts';
import { type GraphBuilder, graphBuilder } from '../../../src/onnx/graph-builder.ts';
import { AttributeProtoSchema, FunctionProtoSchema, GraphProtoSchema, NodeProtoSchema } from '../../../src/onnx/proto/onnx_pb.js';
import { type OnnxModel, readModel } from '../../../src/onnx/read.ts';
import type { Architecture } from '../../../src/onnx/recognise/architecture.ts';
import { describeArchitecture } from '../../../src/onnx/recognise/describe.ts';
import { recognise, recogniseParts } from '../../../src/onnx/recognise/recognise.ts';
import { floatTensor } from '../../../src/onnx/tensor.ts';
import { type Family, miniature } from '../../optimizations/miniature.ts';
import { proto, value } from '../small-models.ts';

const fixture = (name: string): OnnxModel => readModel(fileURLToPath(new URL(`../../oracles/onnx/${name}`, import.meta.url)));
const miniatureModel = (family: Family, graph = 'model.onnx'): OnnxModel => readModel(join(miniature(family).folder, graph));

/** What was found, without a single name. */
const shape = ({ layers, projections, head, embedding, linears, norms, unclaimed, warnings }: Architecture): unknown => ({
  layers: layers.map(({ attention, feedForwards, experts }) => ({
    op: attention.op,
    heads: [attention.heads, attention.kvHeads, attention.headSize, attention.valueSize],
    latent: attention.latent !== null,
    cache: attention.cache !== null,
    feedForwards: feedForwards.map((each) => [each.gate !== null, each.up.linear.rows, each.width, each.down.columns]),
    experts: experts === null ? null : [experts.chosen, experts.count, experts.width, experts.layout],
  })),
  projections: projections.map((each) => each.width),
  head: head === null ? null : [head.rows, head.columns, head.orientation],
  embedding: embedding === null ? null : [embedding.rows, embedding.columns],
  linears: linears.length,
  norms: norms.length,
  unclaimed: unclaimed.length,
  warnings,
});
const layer = (more: object): object => ({
  op: 'GroupQueryAttention',
  heads: [4, 2, 16, 16],
  latent: false,
  cache: true,
  feedForwards: [[true, 32, 64, 32]],
  experts: null,
  ...more,
});
const decoder = { projections: [], head: [32, 48, 'in-out'], embedding: [48, 32], unclaimed: 0, warnings: [] };

describe('our own dialect', () => {
  test('grouped-query attention and a dense block', () => {
    expect(shape(recognise(miniatureModel('dense')))).toEqual({
      ...decoder,
      layers: [layer({}), layer({}), layer({})],
      linears: 22,
      norms: 13,
    });
  });
  test('routed experts', () => {
    const routed = layer({ feedForwards: [], experts: [2, 4, 24, 'interleaved'] });
    expect(shape(recognise(miniatureModel('moe')))).toEqual({ ...decoder, layers: [routed, routed, routed], linears: 16, norms: 13 });
  });
  test('latent attention; dense first, then routed and shared experts', () => {
    const latent = { op: 'Softmax', heads: [4, 4, 10, 8], latent: true };
    const routed = layer({ ...latent, feedForwards: [[true, 32, 24, 32]], experts: [2, 4, 24, 'interleaved'] });
    const found = recognise(miniatureModel('glm'));
    expect(shape(found)).toEqual({ ...decoder, layers: [layer(latent), routed, routed], linears: 27, norms: 13 });
    expect(found.layers[1]!.experts!.router.perExpert).toHaveLength(1);
  });
  test('a vision tower with its mergers, and the decoder behind it', () => {
    const block = layer({ op: 'MultiHeadAttention', heads: [4, 4, 8, 8], cache: false, feedForwards: [[false, 32, 64, 32]] });
    expect(shape(recognise(miniatureModel('vl', 'vision.onnx')))).toEqual({
      layers: [block, block],
      projections: [128, 128],
      head: null,
      embedding: null,
      linears: 13,
      norms: 6,
      unclaimed: 0,
      warnings: [],
    });
    expect(shape(recognise(miniatureModel('vl')))).toEqual({
      ...decoder,
      layers: [layer({}), layer({}), layer({})],
      linears: 22,
      norms: 13,
    });
  });
});

describe('a tracing exporter that spells everything out', () => {
  test('repeated keys, composed norms, rotary by slices, a past length from shapes', () => {
    const found = recognise(fixture('traced-decoder.onnx'));
    const spelled = layer({ op: 'Softmax', heads: [4, 2, 8, 8], feedForwards: [[true, 16, 24, 16]] });
    expect(shape(found)).toEqual({
      layers: [spelled, spelled],
      projections: [],
      head: [16, 40, 'in-out'],
      embedding: [40, 16],
      linears: 15,
      norms: 9,
      unclaimed: 0,
      warnings: [],
    });
    expect(found.layers.map((each) => each.attention.cache?.presentValue)).toEqual(['present.0.value', 'present.1.value']);
  });
  test('packed projections, biases before the product, transposed Gemm weights', () => {
    const { layers, projections, norms, linears } = recognise(fixture('traced-packed.onnx'));
    const [only, ...others] = layers;
    expect(others).toEqual([]);
    const { attention, feedForwards } = only!;
    expect([attention.query, attention.key, attention.value].map(({ offset, size }) => [offset, size])).toEqual([
      [0, 16],
      [16, 16],
      [32, 16],
    ]);
    expect(attention.query.linear).toBe(attention.value.linear);
    expect(attention.query.linear.bias).toBe('qkv.bias');
    expect(feedForwards.map(({ gate, up, splits }) => [gate?.offset, up.offset, up.size, splits.length])).toEqual([[0, 24, 24, 1]]);
    expect(projections.map((each) => [each.gate, each.up.linear.orientation, each.up.linear.bias, each.down.op])).toEqual([
      [null, 'out-in', 'one.bias', 'Gemm'],
    ]);
    expect([norms.length, linears.length]).toEqual([3, 6]);
  });
});

test('names mean nothing: every tensor renamed, the same architecture', () => {
  for (const model of [miniatureModel('glm'), fixture('traced-decoder.onnx')]) {
    const before = shape(recognise(model));
    const graph = model.proto.graph!;
    const names = new Set(
      [...graph.initializer, ...graph.input, ...graph.output].map((each) => each.name).concat(graph.node.flatMap((node) => node.output)),
    );
    for (const [at, name] of [...names].filter((each) => each !== '').entries()) renameTensor(model, name, `t${at}`);
    for (const node of graph.node) node.name = '';
    expect(shape(recognise(model))).toEqual(before);
  }
});

/** A graph of one input [n, 64]. */
const small = (author: (graph: GraphBuilder, x: string) => string): OnnxModel => {
  const graph = graphBuilder('small');
  const result = author(graph, graph.input('x', 'float32', ['n', 64]));
  graph.node('Identity', 'end', [result], { outputs: ['y'] });
  graph.output('y', 'float32', ['n', '?']);
  const { proto, data } = graph.finish();
  for (const tensor of proto.graph!.initializer) {
    const bytes = data.get(tensor.name)!;
    tensor.rawData = typeof bytes === 'function' ? bytes() : bytes;
  }
  return { proto, folder: '/nowhere', graph: 'small.onnx' };
};
const weight = (graph: GraphBuilder, name: string, rows: number, columns: number): string =>
  graph.weight(name, [rows, columns], () => new Float32Array(rows * columns));

describe('what is not there', () => {
  test('a product with a constant on the left is no linear, and unclaimed weights are named', () => {
    const found = recognise(
      small((graph, x) => graph.node('MatMul', 'left', [weight(graph, 'rotary', 64, 64), graph.node('Transpose', 't', [x])])),
    );
    expect(found.linears).toEqual([]);
    expect(found.unclaimed).toEqual(['rotary']);
  });
  test('two linears of different inputs are no gate and up', () => {
    const found = recognise(
      small((graph, x) => {
        const gate = graph.node('MatMul', 'gate', [x, weight(graph, 'g', 64, 128)]);
        const up = graph.node('MatMul', 'up', [graph.node('Tanh', 'other', [x]), weight(graph, 'u', 64, 128)]);
        const product = graph.node('Mul', 'product', [graph.node('Mul', 'silu', [gate, graph.node('Sigmoid', 's', [gate])]), up]);
        return graph.node('MatMul', 'down', [product, weight(graph, 'd', 128, 64)]);
      }),
    );
    expect(found.projections).toEqual([]);
    expect(found.linears).toHaveLength(3);
  });
  test('two linears with nothing between them are no feed-forward', () => {
    const found = recognise(
      small((graph, x) =>
        graph.node('MatMul', 'two', [graph.node('MatMul', 'one', [x, weight(graph, 'a', 64, 128)]), weight(graph, 'b', 128, 64)]),
      ),
    );
    expect(found.projections).toEqual([]);
  });
  test('control flow is refused by the name of its operator', () => {
    const model = small((_graph, x) => x);
    model.proto.graph!.node.unshift(
      create(NodeProtoSchema, {
        opType: 'If',
        output: ['z'],
        attribute: [create(AttributeProtoSchema, { name: 'then_branch', g: create(GraphProtoSchema) })],
      }),
    );
    expect(() => recognise(model)).toThrow(expect.objectContaining({ code: 'onnx-unsupported', message: expect.stringContaining('If') }));
  });
});

describe('what the runtime runs and the flow does not show', () => {
  /** The same graph with a branch, a loop or a called function that nothing else needs. */
  const beside = (model: OnnxModel, node: MessageInitShape<typeof NodeProtoSchema>): OnnxModel => {
    model.proto.graph!.node.push(create(NodeProtoSchema, { output: ['beside'], ...node }));
    return model;
  };
  const held = (opType: string) => ({
    opType,
    input: [''],
    attribute: [{ name: 'body', type: 5, g: { name: 'b', node: [{ opType: 'Relu', input: ['input_ids'], output: ['inner'] }] } }],
  });
  test.each(['If', 'Loop', 'Scan'])('%s: the rest is told, and the reason why it is not all', (opType) => {
    const whole = recognise(miniatureModel('dense'));
    const found = recogniseParts(beside(miniatureModel('dense'), held(opType)));
    expect(shape(found)).toEqual(shape(whole));
    expect(found.notRecognised).toEqual([`operator ${opType} (beside) holds a graph of its own`]);
    expect(describeArchitecture(found)).toContain(`not recognised: operator ${opType} (beside)`);
  });
  test('a local function, where it is called', () => {
    const model = miniatureModel('dense');
    model.proto.functions.push(create(FunctionProtoSchema, { name: 'f', domain: 'own' }));
    expect(recogniseParts(model).notRecognised).toEqual([]);
    expect(recogniseParts(beside(model, { opType: 'f', domain: 'own' })).notRecognised[0]).toContain('f (beside) is a local function');
  });
  test('weights and shapes in Constant nodes are those of initializers', () => {
    for (const model of [miniatureModel('dense'), miniatureModel('moe'), fixture('traced-decoder.onnx')]) {
      const before = shape(recognise(model));
      const graph = model.proto.graph!;
      const inline = graph.initializer.map((tensor) =>
        create(NodeProtoSchema, { opType: 'Constant', output: [tensor.name], attribute: [{ name: 'value', type: 4, t: tensor }] }),
      );
      graph.node.unshift(...inline);
      graph.initializer = [];
      expect(shape(recognise(model))).toEqual(before);
      liftConstants(model);
      expect(shape(recognise(model))).toEqual(before);
      expect(graph.node.some(({ opType }) => opType === 'Constant')).toBe(false);
    }
  });
});

describe('size', () => {
  /** x → op → op … → y, `length` nodes. */
  const chain = (length: number, node: (from: string, to: string, at: number) => MessageInitShape<typeof NodeProtoSchema>): OnnxModel => {
    const model = small((graph, x) => graph.node('MatMul', 'first', [x, weight(graph, 'w', 64, 64)]));
    const [first, end] = model.proto.graph!.node;
    const names = Array.from({ length: length + 1 }, (_, at) => (at === 0 ? first!.output[0]! : `chain${at}`));
    const nodes = Array.from({ length }, (_, at) => create(NodeProtoSchema, node(names[at]!, names[at + 1]!, at)));
    end!.input = [names.at(-1)!];
    model.proto.graph!.node = [first!, ...nodes, end!];
    return model;
  };
  const setting = { past: 0, batch: 1, tokens: 1 };
  test.each<[string, number, (from: string, to: string, at: number) => MessageInitShape<typeof NodeProtoSchema>]>([
    ['nodes that do nothing', 6_000, (from, to) => ({ opType: 'Identity', input: [from], output: [to] })],
    ['scalings', 6_000, (from, to) => ({ opType: 'Mul', input: [from, 'w'], output: [to] })],
    ['casts of a constant', 6_000, (from, to, at) => ({ opType: 'Cast', input: [at === 0 ? 'w' : from], output: [to] })],
    ['quantizations', 5_000, (from, to) => ({ opType: 'DynamicQuantizeLinear', input: [from], output: [to, `${to}s`, `${to}z`] })],
    ['products with one weight', 5_000, (from, to) => ({ opType: 'MatMul', input: [from, 'w'], output: [to] })],
    [
      'products behind non-linear functions',
      5_000,
      (from, to, at) => ({ opType: at % 2 ? 'Relu' : 'MatMul', input: at % 2 ? [from] : [from, 'w'], output: [to] }),
    ],
    [
      'attention of itself',
      500,
      (from, to, at) => ({ opType: at % 2 ? 'Softmax' : 'MatMul', input: at % 2 ? [from] : [from, from], output: [to] }),
    ],
  ])('a chain of %s (%d) is looked at without recursion', (_, length, node) => {
    const model = chain(length, node);
    expect(recogniseParts(model).notRecognised).toEqual([]);
    expect(countMultiplyAdds(model, setting).parameters).toBe(64 * 64);
    expect(() => graphIndex(model)).not.toThrow();
    expect(moduleStructure([chain(1_000, node)]).newmanQ).toBeCloseTo(0, 9);
  });
});

describe('numbers that contradict each other', () => {
  const attributed = (name: string, value: bigint): OnnxModel => {
    const model = miniatureModel('dense');
    for (const node of model.proto.graph!.node)
      for (const attribute of node.attribute) if (node.opType === 'GroupQueryAttention' && attribute.name === name) attribute.i = value;
    return model;
  };
  test.each<[string, bigint, string]>([
    ['num_heads', 3n, 'do not fill'],
    ['num_heads', 2n ** 40n, 'do not fill'],
    ['num_heads', -4n, 'do not fill'],
    ['num_heads', 2n ** 63n - 1n, 'do not fill'],
    ['kv_num_heads', 3n, 'cannot share 3 groups'],
    ['kv_num_heads', 2n ** 40n, 'cannot share'],
    ['kv_num_heads', -1n, 'cannot share'],
  ])('%s %d is refused with a code', (name, value, message) => {
    const model = attributed(name, value);
    expect(recogniseParts(model).notRecognised[0]).toContain(message);
    expect(() => recognise(model)).toThrow(expect.objectContaining({ code: 'onnx-unsupported' }));
    expect(attentionWork(model, {}, 64)).toContain(message);
  });
  test.each([-16n, 999n, 2n ** 62n])('a cache whose heads are %d wide', (width) => {
    const model = miniatureModel('dense');
    for (const { name, type } of model.proto.graph!.input)
      if (name.endsWith('.key') && type?.value.case === 'tensorType')
        type.value.value.shape!.dim[3]!.value = { case: 'dimValue', value: width };
    expect(recogniseParts(model).notRecognised[0]).toContain('do not fit the columns');
  });
  test('whatever the attributes, dimensions and shapes are, the answer is coded and finite', () => {
    const integers = fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt({ min: -3n, max: 9n }));
    const names = ['dense', 'moe', 'glm'] as const;
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.array(fc.tuple(fc.nat(), integers), { minLength: 1, maxLength: 4 }), (name, edits) => {
        const model = miniatureModel(name);
        const graph = model.proto.graph!;
        const places: ((v: bigint) => void)[] = [];
        for (const { attribute } of graph.node)
          for (const each of attribute)
            places.push((v) => {
              each.i = v;
              each.ints = [v, 1n];
            });
        for (const { type } of [...graph.input, ...graph.output])
          for (const dim of (type?.value.case === 'tensorType' ? type.value.value.shape?.dim : null) ?? [])
            places.push((v) => {
              dim.value = { case: 'dimValue', value: v };
            });
        for (const each of graph.initializer)
          if (each.dataType === 7)
            places.push((v) => {
              const length = Math.max(1, Number(each.dims[0] ?? 1n));
              each.rawData = new Uint8Array(BigInt64Array.from({ length }, () => v).buffer);
            });
        for (const [at, value] of edits) places[at % places.length]!(value);
        try {
          const found = recogniseParts(model);
          const { multiplyAdds, parameters } = countMultiplyAdds(model, { past: 3, batch: 2, tokens: 5 });
          expect(Number.isFinite(multiplyAdds + parameters)).toBe(true);
          for (const { attention } of found.layers)
            expect(Number.isSafeInteger(attention.heads / Math.max(1, attention.kvHeads)) || attention.heads === 0).toBe(true);
          attentionWork(model, {}, 64);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(GateError);
        }
      }),
      { numRuns: 150, seed: 3 },
    );
  });
});

test('equal layers are one line for people', () => {
  const text = describeArchitecture(recognise(miniatureModel('glm')));
  expect(text).toContain(
    'layers 1–2: Softmax, 4 heads × 10/8, latent q 32→24, kv 32→24; MoE: 2 of 4 experts × 24; shared gated feed-forward 32→24→32',
  );
  expect(text).toContain('cache: 3 × key float32 [batch_size, 4, past_sequence_length, 10]');
  expect(text).not.toContain('warning');
});

test('a stream of thousands of products is walked once, not once for each of them', { timeout: 30_000 }, () => {
  const products = 8000;
  const nodes = Array.from({ length: products }, (_, at) => [
    { opType: 'MatMul', input: [`stream${at}`, 'weight'], output: [`product${at}`] },
    { opType: 'Add', input: [`stream${at}`, `product${at}`], output: [`stream${at + 1}`] },
  ]);
  const graph = {
    nodes: nodes.flat(),
    initializers: [floatTensor('weight', [4, 4], new Float32Array(16))],
    inputs: [value('stream0', [1, 4])],
    outputs: [value(`stream${products}`, [1, 4])],
  };
  const found = recogniseParts({ proto: proto(graph), folder: '', graph: 'model.onnx' });
  expect([found.linears.length, found.layers.length, found.notRecognised]).toEqual([products, 0, []]);
});
