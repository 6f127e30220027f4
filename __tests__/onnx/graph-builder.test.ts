import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { expect, test } from 'vitest';
import { graphBuilder } from '../../src/onnx/graph-builder.ts';
import { readModel } from '../../src/onnx/read.ts';
import { writeModel } from '../../src/onnx/write.ts';
import { testFolder } from '../testkit/folder.ts';

test('an authored graph is readable and computes what was written', async () => {
  const graph = graphBuilder('affine');
  const x = graph.input('x', 'float32', ['rows', 3]);
  const product = graph.node('MatMul', '/mul', [x, graph.weight('w', [3, 2], () => Float32Array.of(1, 2, 3, 4, 5, 6))]);
  const sum = graph.node('Add', '/add', [product, graph.floats([10, 20])]);
  graph.node('Reshape', '/flat', [sum, graph.integers([-1])], { outputs: ['y'] });
  graph.output('y', 'float32', ['count']);
  const { proto, data } = graph.finish();
  const folder = testFolder();
  writeModel({ proto, sourceFolder: null }, folder, 'g.onnx', data);
  expect(readModel(join(folder, 'g.onnx')).proto.graph?.node.map(({ name }) => name)).toEqual(['/mul', '/add', '/flat']);
  const session = await InferenceSession.create(join(folder, 'g.onnx'));
  const { y } = await session.run({ x: new Tensor('float32', Float32Array.of(1, 0, 0, 0, 0, 1), [2, 3]) });
  expect([...((y?.data as Float32Array) ?? [])]).toEqual([11, 22, 15, 26]);
  await session.release();
});

test('equal constants are one initializer, of other dimensions another', () => {
  const graph = graphBuilder('constants');
  expect(graph.integers([1, 2])).toBe(graph.integers([1, 2]));
  expect(graph.integers([1])).not.toBe(graph.integers([1], []));
  expect(graph.integers([1])).not.toBe(graph.floats([1]));
  expect(graph.finish().proto.graph?.initializer).toHaveLength(4);
});

test('attributes of every kind arrive', () => {
  const graph = graphBuilder('attributes');
  graph.node('Made', '/made', ['', 'x'], {
    domain: 'com.microsoft',
    attributes: { a: { int: 3 }, b: { float: 0.5 }, c: { ints: [1, -1] }, d: { text: 'swiglu' } },
  });
  const node = graph.finish().proto.graph?.node[0];
  expect(node?.domain).toBe('com.microsoft');
  expect(node?.input).toEqual(['', 'x']);
  expect(node?.attribute.map(({ name, type, i, f, ints, s }) => [name, type, i, f, ints, new TextDecoder().decode(s)])).toEqual([
    ['a', 2, 3n, 0, [], ''],
    ['b', 1, 0n, 0.5, [], ''],
    ['c', 7, 0n, 0, [1n, -1n], ''],
    ['d', 3, 0n, 0, [], 'swiglu'],
  ]);
});
