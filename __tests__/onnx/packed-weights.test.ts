import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { countMultiplyAdds } from '../../src/onnx/count.ts';
import { dataType } from '../../src/onnx/data-type.ts';
import { usedBytes } from '../../src/onnx/digest.ts';
import { graphBuilder } from '../../src/onnx/graph-builder.ts';
import type { OnnxModel } from '../../src/onnx/model.ts';
import { packedWeights, packWeight, unpackWeights } from '../../src/onnx/packed-weights.ts';
import { ModelProtoSchema } from '../../src/onnx/proto/onnx_pb.js';
import { readModel } from '../../src/onnx/read.ts';
import { recognise } from '../../src/onnx/recognise/recognise.ts';
import { initializer, rawTensor, tensorBytes } from '../../src/onnx/tensor.ts';
import { writeModel } from '../../src/onnx/write.ts';
import { seededRandom } from '../../src/statistics/random.ts';
import { testFolder } from '../testkit/folder.ts';

const name = 'layer.weight';
/** y = x · W */
const productOf = (rows: number, columns: number, values: Float32Array): OnnxModel => {
  const graph = graphBuilder('product');
  const input = graph.input('x', 'float32', ['tokens', rows]);
  graph.node('MatMul', 'MatMul', [input, graph.weight(name, [rows, columns], () => values)], { outputs: ['y'] });
  graph.output('y', 'float32', ['tokens', columns]);
  const { proto, data } = graph.finish();
  initializerOf(proto).rawData = data.get(name)!();
  return { proto, folder: '', graph: 'product.onnx' };
};
const initializerOf = (proto: OnnxModel['proto']) => proto.graph!.initializer.find((tensor) => tensor.name === name)!;

const sparse = (count: number, zeros: number, seed: number): Float32Array => {
  const random = seededRandom(seed);
  return Float32Array.from({ length: count }, () => (random() < zeros ? 0 : random() - 0.5));
};
const written = (model: OnnxModel): string => {
  const folder = testFolder();
  writeModel({ proto: model.proto, sourceFolder: null }, folder, model.graph, new Map());
  return folder;
};
const run = async (path: string, rows: number, options: InferenceSession.SessionOptions = {}): Promise<Float32Array> => {
  const session = await InferenceSession.create(path, { intraOpNumThreads: 1, logSeverityLevel: 4, ...options });
  const x = Float32Array.from({ length: 3 * rows }, (_, at) => Math.sin(at));
  const { y } = await session.run({ x: new Tensor('float32', x, [3, rows]) });
  await session.release();
  return Float32Array.from(y!.data as Float32Array);
};

describe('a packed weight', () => {
  test('is the same matrix to its readers, in fewer bytes, and the runtime folds it at load', async () => {
    const values = sparse(96 * 64, 0.5, 1);
    const [dense, packed] = [productOf(96, 64, values), productOf(96, 64, values)];
    expect(packWeight(packed, name)).toBe(true);
    const [from, to] = [written(dense), written(packed)];
    expect(usedBytes(to, packed.graph)).toBeLessThan(0.7 * usedBytes(from, dense.graph));
    expect(await run(join(to, packed.graph), 96)).toEqual(await run(join(from, dense.graph), 96));
    expect(await run(join(to, packed.graph), 96, { graphOptimizationLevel: 'disabled' })).toEqual(
      await run(join(from, dense.graph), 96, { graphOptimizationLevel: 'disabled' }),
    );
    const optimized = join(testFolder(), 'optimized.onnx');
    await run(join(to, packed.graph), 96, { graphOptimizationLevel: 'basic', optimizedModelFilePath: optimized });
    const left = fromBinary(ModelProtoSchema, readFileSync(optimized)).graph!.node.map(({ opType }) => opType);
    expect(left).toEqual(['MatMul']);
  });

  test('is recognised, counted and opened like the dense one', () => {
    const values = sparse(96 * 64, 0.5, 2);
    const [dense, packed] = [productOf(96, 64, values), productOf(96, 64, values)];
    packWeight(packed, name);
    expect(recognise(packed).linears).toEqual(recognise(dense).linears);
    expect(packedWeights(packed)).toMatchObject([{ name, dataType: dataType.float, dims: [96n, 64n] }]);
    const setting = { past: 0, batch: 1, tokens: 5 };
    expect(countMultiplyAdds(packed, setting)).toEqual({ multiplyAdds: 5 * 96 * 64, parameters: 96 * 64, unknown: [] });
    expect(countMultiplyAdds(packed, setting)).toEqual(countMultiplyAdds(dense, setting));
    const read = readModel(join(written(packed), packed.graph));
    unpackWeights(read);
    expect(read.proto.graph!.node.map(({ opType }) => opType)).toEqual(['MatMul']);
    expect(read.proto.graph!.initializer.map((tensor) => tensor.name)).toEqual([name]);
    expect(tensorBytes(read, initializer(read, name))).toEqual(tensorBytes(dense, initializer(dense, name)));
    expect(packedWeights(read)).toEqual([]);
  });

  test('comes back bit by bit, whatever the values, in both widths', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(0xffff_ffff), { minLength: 1, maxLength: 12 }),
        fc.constantFrom(2 as const, 4 as const),
        (pool, width) => {
          const count = 8 * 512;
          const bytes = new Uint8Array(count * width);
          const view = new DataView(bytes.buffer);
          for (let at = 0; at < count; at += 1) {
            const value = at % 3 === 0 ? (pool[at % pool.length] ?? 0) : 0;
            if (width === 4) view.setUint32(4 * at, value === 0x8000_0000 ? 0 : value, true);
            else view.setUint16(2 * at, (value & 0xffff) === 0x8000 ? 0 : value & 0xffff, true);
          }
          const model = productOf(64, 64, new Float32Array(64 * 64));
          const tensor = rawTensor(name, width === 4 ? dataType.float : dataType.float16, [8, 512], bytes);
          model.proto.graph!.initializer = [tensor];
          expect(packWeight(model, name)).toBe(true);
          unpackWeights(model);
          expect(tensorBytes(model, initializer(model, name))).toEqual(bytes);
          expect(initializer(model, name).dims).toEqual([8n, 512n]);
        },
      ),
      { numRuns: 10 },
    );
  });

  test('several share their constants', () => {
    const graph = graphBuilder('two');
    const input = graph.input('x', 'float32', ['tokens', 64]);
    const between = graph.node('MatMul', 'first', [input, graph.weight('a', [64, 64], () => sparse(4096, 0.6, 3))]);
    graph.node('MatMul', 'second', [between, graph.weight('b', [64, 64], () => sparse(4096, 0.6, 4))], { outputs: ['y'] });
    graph.output('y', 'float32', ['tokens', 64]);
    const { proto, data } = graph.finish();
    for (const tensor of proto.graph!.initializer) tensor.rawData = data.get(tensor.name)!();
    const model = { proto, folder: '', graph: 'two.onnx' };
    expect([packWeight(model, 'a'), packWeight(model, 'b')]).toEqual([true, true]);
    const names = proto.graph!.initializer.map((tensor) => tensor.name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((each) => each.startsWith('/packed/'))).toHaveLength(5);
    unpackWeights(model);
    expect(model.proto.graph!.initializer.map((tensor) => tensor.name).sort()).toEqual(['a', 'b']);
  });
});

describe('a weight stays as it is', () => {
  const unchanged = (model: OnnxModel): void => {
    const before = model.proto.graph!.node.length;
    expect(packWeight(model, name)).toBe(false);
    expect(model.proto.graph!.node).toHaveLength(before);
    expect(packedWeights(model)).toEqual([]);
  };
  test('where packing saves nothing', () => {
    unchanged(productOf(64, 64, sparse(4096, 0, 1)));
    unchanged(productOf(16, 16, sparse(256, 0.9, 1)));
  });
  test('where its elements are no multiple of 8', () => unchanged(productOf(75, 75, sparse(5625, 0.9, 1))));
  test('where it is an input that has a default', () => {
    const model = productOf(64, 64, sparse(4096, 0.9, 1));
    model.proto.graph!.input.push({ ...model.proto.graph!.input[0]!, name });
    unchanged(model);
  });
  test('where the operators are too old', () => {
    const model = productOf(64, 64, sparse(4096, 0.9, 1));
    model.proto.opsetImport[0]!.version = 10n;
    expect(() => packWeight(model, name)).toThrow(expect.objectContaining({ code: 'onnx-unsupported' }));
  });
});
