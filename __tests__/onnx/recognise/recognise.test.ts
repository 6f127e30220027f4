import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { renameTensor } from '../../../src/onnx/edit.ts';
import { type GraphBuilder, graphBuilder } from '../../../src/onnx/graph-builder.ts';
import { AttributeProtoSchema, GraphProtoSchema, NodeProtoSchema } from '../../../src/onnx/proto/onnx_pb.js';
import { type OnnxModel, readModel } from '../../../src/onnx/read.ts';
import type { Architecture } from '../../../src/onnx/recognise/architecture.ts';
import { describeArchitecture } from '../../../src/onnx/recognise/describe.ts';
import { recognise } from '../../../src/onnx/recognise/recognise.ts';
import { type Family, miniature } from '../../optimizations/miniature.ts';

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

test('equal layers are one line for people', () => {
  const text = describeArchitecture(recognise(miniatureModel('glm')));
  expect(text).toContain(
    'layers 1–2: Softmax, 4 heads × 10/8, latent q 32→24, kv 32→24; MoE: 2 of 4 experts × 24; shared gated feed-forward 32→24→32',
  );
  expect(text).toContain('cache: 3 × key float32 [batch_size, 4, past_sequence_length, 10]');
  expect(text).not.toContain('warning');
});
