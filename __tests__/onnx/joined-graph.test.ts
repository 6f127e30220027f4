import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { countMultiplyAdds } from '../../src/onnx/count.ts';
import { type GraphBuilder, graphBuilder } from '../../src/onnx/graph-builder.ts';
import { joinStages } from '../../src/onnx/joined-graph.ts';
import { checkModel, type OnnxModel, readModel } from '../../src/onnx/read.ts';
import { writeModel } from '../../src/onnx/write.ts';
import { modularOptions } from '../../src/optimizations/modular-components/options.ts';
import { modularComponents } from '../../src/optimizations/modular-components/subject.ts';
import { build, familyNames, freshFolder, largestDifference, miniature, prefillFeeds, runGraph } from '../optimizations/miniature.ts';

const stage = (folder: string, name: string, write: (graph: GraphBuilder) => void): OnnxModel => {
  const graph = graphBuilder(name);
  write(graph);
  const { proto, data } = graph.finish();
  writeModel({ proto, sourceFolder: null }, folder, `${name}.onnx`, data);
  return readModel(join(folder, `${name}.onnx`));
};
/** Both stages call their weight and their product the same. */
const scaled = (from: string, to: string, factor: number) => (graph: GraphBuilder) => {
  const product = graph.node('Mul', 'product', [
    graph.input(from, 'float32', [1, 2]),
    graph.weight('weight', [1, 2], () => Float32Array.of(factor, factor)),
  ]);
  graph.node('Add', 'sum', [product, graph.weight('bias', [1, 2], () => Float32Array.of(1, 1))], { outputs: [to] });
  graph.output(to, 'float32', [1, 2]);
};

describe('joinStages', () => {
  it.each(familyNames)('%s: modules joined compute what the whole decoder does, with as many multiply-adds', async (family) => {
    const view = miniature(family);
    const built = await build(modularComponents, view, modularOptions.parse({}, 'options'));
    const joined = joinStages(built.stages.filter(({ id }) => id !== 'vision').map(({ graph }) => readModel(join(built.folder, graph))));
    checkModel(joined);
    const folder = freshFolder();
    writeModel({ proto: joined.proto, sourceFolder: built.folder }, folder, 'joined.onnx', new Map());
    const whole = join(view.folder, 'model.onnx');
    const [a, b] = [
      await runGraph(whole, prefillFeeds(whole, 9, 5)),
      await runGraph(join(folder, 'joined.onnx'), prefillFeeds(whole, 9, 5)),
    ];
    expect(largestDifference(a['logits']!.data, b['logits']!.data)).toBeLessThan(1e-5);
    const setting = { past: 16, batch: 1, tokens: 1 };
    const [one, other] = [countMultiplyAdds(readModel(whole), setting), countMultiplyAdds(joined, setting)];
    expect(other.multiplyAdds).toBe(one.multiplyAdds);
    expect(other.parameters).toBe(one.parameters);
  });

  it('keeps the names that stages do not share apart, and equal weights once', async () => {
    const folder = freshFolder();
    const joined = joinStages([
      stage(folder, 'one', scaled('x', 'y', 2)),
      stage(folder, 'two', scaled('y', 'z', 3)),
      stage(folder, 'three', scaled('z', 'w', 2)),
    ]);
    checkModel(joined);
    expect(joined.proto.graph!.initializer.map(({ name }) => name)).toEqual(['weight', 'bias', 'weight:1']);
    writeModel({ proto: joined.proto, sourceFolder: folder }, folder, 'joined.onnx', new Map());
    const { Tensor } = await import('onnxruntime-node');
    const found = await runGraph(join(folder, 'joined.onnx'), { x: new Tensor('float32', Float32Array.of(1, 2), [1, 2]) });
    // ((2x + 1) · 3 + 1) · 2 + 1
    expect([...found['w']!.data]).toEqual([21, 33]);
  });

  it('refuses two stages that make one output', () => {
    const folder = freshFolder();
    expect(() => joinStages([stage(folder, 'one', scaled('x', 'y', 2)), stage(folder, 'two', scaled('x', 'y', 3))])).toThrow(
      'Two of them make the tensor "y"',
    );
  });
});
