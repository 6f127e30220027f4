import { join } from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { dataTypeName } from '../../src/onnx/data-type.ts';
import { exposeTensors } from '../../src/onnx/edit.ts';
import { elementTypes } from '../../src/onnx/element-types.ts';
import { graphBuilder } from '../../src/onnx/graph-builder.ts';
import { readModel } from '../../src/onnx/read.ts';
import { writeModel } from '../../src/onnx/write.ts';
import { familyNames, freshFolder, miniature } from '../optimizations/miniature.ts';

/** What the runtime infers when every tensor is an output. */
const inferred = async (folder: string, graph: string): Promise<ReadonlyMap<string, string>> => {
  const model = readModel(join(folder, graph));
  const all = model.proto.graph!.node.flatMap((node) => node.output.filter((name) => name !== ''));
  const exposed = exposeTensors(model, all);
  const to = freshFolder();
  writeModel({ proto: exposed.proto, sourceFolder: folder }, to, graph, new Map());
  const session = await InferenceSession.create(join(to, graph), { logSeverityLevel: 4 });
  try {
    return new Map(session.outputMetadata.map((value) => [value.name, value.isTensor ? value.type : 'none']));
  } finally {
    await session.release();
  }
};
const named = (code: number): string =>
  dataTypeName(code)
    .replace(/^float$/, 'float32')
    .replace(/^double$/, 'float64');

it.each(familyNames)('types of every tensor of %s are what the runtime infers', async (family) => {
  const { folder, stages } = miniature(family);
  for (const { graph } of stages) {
    const types = elementTypes(readModel(join(folder, graph)));
    const truth = await inferred(folder, graph);
    expect(truth.size).toBeGreaterThan(20);
    for (const [name, type] of truth) expect([name, named(types.get(name) ?? 0)]).toEqual([name, type]);
  }
});

it('operators that change the type', async () => {
  const graph = graphBuilder('types');
  const x = graph.input('x', 'float32', [2, 4]);
  const whole = graph.node('ArgMax', 'argmax', [x]);
  const top = ['top/values', 'top/indices'];
  graph.node('TopK', 'top', [x, graph.integers([1])], { outputs: top });
  const seen = graph.node('Not', 'not', [graph.node('Less', 'less', [x, graph.floats([0])])]);
  const cast = graph.node('Cast', 'cast', [whole], { attributes: { to: { int: 11 } } });
  graph.node('Where', 'where', [seen, x, graph.floats([1])]);
  graph.node('OneHot', 'hot', [whole, graph.integers([4]), graph.floats([0, 1])]);
  graph.node('ConstantOfShape', 'zeros', [graph.node('Shape', 'shape', [x])]);
  graph.node('DynamicQuantizeLinear', 'quantize', [x], { outputs: ['q', 'scale', 'zero'] });
  graph.node('DequantizeLinear', 'dequantize', ['q', 'scale', 'zero']);
  graph.node('MatMulInteger', 'product', ['q', graph.node('Transpose', 'flip', ['q'])]);
  graph.output(cast, 'float64', [1, 4]);
  const { proto, data } = graph.finish();
  const folder = freshFolder();
  writeModel({ proto, sourceFolder: null }, folder, 'types.onnx', data);
  const types = elementTypes(readModel(join(folder, 'types.onnx')));
  for (const [name, type] of await inferred(folder, 'types.onnx')) expect([name, named(types.get(name) ?? 0)]).toEqual([name, type]);
});

it('says nothing of what cannot be told', () => {
  const graph = graphBuilder('types');
  graph.output(graph.node('Neg', 'n', ['elsewhere']), 'float32', [1]);
  const { proto } = graph.finish();
  proto.graph!.output = [];
  expect(elementTypes({ proto, folder: '', graph: 'types.onnx' }).get('n/output_0')).toBe(0);
});
