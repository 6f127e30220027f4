import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { weightSparsity } from '../../src/models/weight-sparsity.ts';
import { transposed } from '../../src/models/weights.ts';
import { dataType } from '../../src/onnx/data-type.ts';
import { replaceInitializer } from '../../src/onnx/edit.ts';
import { packWeight } from '../../src/onnx/packed-weights.ts';
import { NodeProtoSchema } from '../../src/onnx/proto/onnx_pb.js';
import { readModel } from '../../src/onnx/read.ts';
import { layerLinears, weightTargets } from '../../src/onnx/recognise/layer-weights.ts';
import { recognise } from '../../src/onnx/recognise/recognise.ts';
import { floatTensor, initializer, rawTensor, readFloats } from '../../src/onnx/tensor.ts';
import { writeModel } from '../../src/onnx/write.ts';
import { seededRandom } from '../../src/statistics/random.ts';
import { builtTiny } from '../runtime/tiny-model.ts';
import { testFolder } from '../testkit/folder.ts';
import type { TinyFamily } from './random-weights.ts';

/** Names of the tiny models' weights that are eligible, and how many inputs an output has on the way they lie. */
const eligible = /layers\.\d+\.(attn|mlp)\..*weight$|^vision\.blocks\.\d+\.(attn|mlp)\..*MatMul\.weight$/;
const never = /norm|\.gate\.MatMul\.weight$|correction_bias/;

interface Sparse {
  readonly folder: string;
  readonly stages: ReturnType<typeof builtTiny>['stages'];
  readonly counts: { eligible: number; zeros: number; groups: number; conforming: number };
}

/** Zeroes some weights of every eligible matrix of a tiny model, counting in plain loops over [outputs][inputs]. */
const sparsified = (family: TinyFamily, packed: boolean, kept: number, of: number): Sparse => {
  const built = builtTiny(family);
  const folder = testFolder();
  const random = seededRandom(5);
  const counts = { eligible: 0, zeros: 0, groups: 0, conforming: 0 };
  for (const { graph } of built.stages) {
    const model = readModel(`${built.folder}/${graph}`);
    for (const { name } of [...model.proto.graph!.initializer]) {
      if (!eligible.test(name) || never.test(name)) continue;
      const dims = initializer(model, name).dims.map(Number);
      const values = readFloats(model, name).map((value) => (random() < 0.6 ? 0 : value));
      const stacked = dims.length === 3;
      const [inputs, outputs] = stacked ? [dims[2]!, dims[0]! * dims[1]!] : [dims[0]!, dims[1]!];
      for (let output = 0; output < outputs; output += 1) {
        const row = Array.from({ length: inputs }, (_, input) => values[stacked ? output * inputs + input : input * outputs + output]!);
        counts.eligible += inputs;
        counts.zeros += row.filter((value) => value === 0).length;
        for (let from = 0; from < inputs; from += of) {
          counts.groups += 1;
          if (row.slice(from, from + of).filter((value) => value !== 0).length <= kept) counts.conforming += 1;
        }
      }
      replaceInitializer(model, name, floatTensor(name, dims, values));
      if (packed) packWeight(model, name);
    }
    writeModel({ proto: model.proto, sourceFolder: built.folder }, folder, graph, new Map());
  }
  return { folder, stages: built.stages, counts };
};

describe('zeros counted in the files', () => {
  test.each([
    ['qwen3', false],
    ['qwen3', true],
    ['qwen3_moe', true],
    ['glm4_moe_lite', false],
    ['glm4_moe_lite', true],
    ['qwen3_vl', false],
  ] as const)('%s, packed %s: as many as plain loops find', (family, packed) => {
    const { folder, stages, counts } = sparsified(family, packed, 2, 4);
    expect(weightSparsity(folder, stages, 'all', { kept: 2, of: 4 }, 16)).toMatchObject(counts);
    expect(weightSparsity(folder, stages, 'all', { kept: 1, of: 3 }, 16)).toMatchObject({ eligible: counts.eligible, zeros: counts.zeros });
    expect(weightSparsity(folder, stages, 'all', null, 16)).toMatchObject({ groups: 0, conforming: 0 });
  });

  test('targets are parts of all', () => {
    const { folder, stages, counts } = sparsified('qwen3_vl', false, 2, 4);
    const of = Object.fromEntries(weightTargets.map((target) => [target, weightSparsity(folder, stages, target, null, 16).eligible]));
    expect(of['all']).toBe(counts.eligible);
    expect(of['ffn']! + of['attention']! + of['vision']!).toBe(of['all']);
    expect(Math.min(of['ffn']!, of['attention']!, of['vision']!)).toBeGreaterThan(0);
  });

  test('zeros spare the multiply-adds of the tokens that meet them, and of experts the share that is chosen', () => {
    const dense = builtTiny('qwen3');
    const untouched = weightSparsity(dense.folder, dense.stages, 'all', null, 16).multiplyAdds!;
    expect(untouched.nonZero).toBe(untouched.all);
    const { folder, stages, counts } = sparsified('qwen3', true, 2, 4);
    expect(weightSparsity(folder, stages, 'all', null, 16).multiplyAdds).toEqual({
      all: untouched.all,
      nonZero: untouched.all - 16 * counts.zeros,
    });
    const vision = sparsified('qwen3_vl', false, 2, 4);
    const seen = weightSparsity(vision.folder, vision.stages, 'vision', null, 16);
    expect(seen.zeros).toBeGreaterThan(0);
    expect(seen.multiplyAdds!.nonZero).toBe(seen.multiplyAdds!.all);
    const experts = sparsified('qwen3_moe', false, 2, 4);
    const { multiplyAdds, zeros } = weightSparsity(experts.folder, experts.stages, 'ffn', null, 16);
    const share = (multiplyAdds!.all - multiplyAdds!.nonZero) / (16 * zeros);
    expect(share).toBeCloseTo(builtExperts(experts), 3);
  });

  test('a matrix that lies the other way round counts the same', () => {
    const { folder, stages } = sparsified('qwen3', false, 2, 4);
    const { graph } = stages[0]!;
    const model = readModel(`${folder}/${graph}`);
    const { node: nodes, initializer: all } = model.proto.graph!;
    for (const { weight, rows, columns } of layerLinears(recognise(model).layers, 'ffn')) {
      const flipped = floatTensor(`${weight}.flipped`, [columns, rows], transposed(readFloats(model, weight), rows, columns));
      all.splice(
        all.findIndex(({ name }) => name === weight),
        1,
        flipped,
      );
      nodes.unshift(create(NodeProtoSchema, { name: `${weight}.turn`, opType: 'Transpose', input: [flipped.name], output: [weight] }));
    }
    const turned = testFolder();
    writeModel({ proto: model.proto, sourceFolder: folder }, turned, graph, new Map());
    expect(layerLinears(recognise(readModel(`${turned}/${graph}`)).layers, 'ffn').map(({ orientation }) => orientation)).toContain(
      'out-in',
    );
    const pattern = { kept: 2, of: 4 };
    expect(weightSparsity(turned, stages, 'all', pattern, 16)).toEqual(weightSparsity(folder, stages, 'all', pattern, 16));
  });

  test('zeros of quantized weights are not counted', () => {
    const { folder, stages } = builtTiny('qwen3');
    const model = readModel(`${folder}/${stages[0]!.graph}`);
    const graph = model.proto.graph!;
    const weight = graph.initializer.find(({ name }) => name.includes('down_proj'))!;
    const { name } = weight;
    const dims = weight.dims.map(Number);
    graph.initializer = graph.initializer.filter((tensor) => tensor !== weight);
    graph.initializer.push(rawTensor(`${name}.q`, dataType.int8, dims, new Uint8Array(dims[0]! * dims[1]!)));
    graph.initializer.push(floatTensor(`${name}.scale`, [], Float32Array.of(0.1)));
    graph.node.unshift(
      create(NodeProtoSchema, { name: `${name}.open`, opType: 'DequantizeLinear', input: [`${name}.q`, `${name}.scale`], output: [name] }),
    );
    const quantized = testFolder();
    writeModel({ proto: model.proto, sourceFolder: folder }, quantized, stages[0]!.graph, new Map());
    expect(() => weightSparsity(quantized, stages, 'all', null, 16)).toThrow(expect.objectContaining({ code: 'onnx-unsupported' }));
    expect(weightSparsity(quantized, stages, 'attention', null, 16).eligible).toBeGreaterThan(0);
  });
});

/** Share of the experts that a token meets. */
const builtExperts = ({ folder, stages }: Sparse): number => {
  const { proto } = readModel(`${folder}/${stages[0]!.graph}`);
  const node = proto.graph!.node.find(({ opType }) => opType === 'MoE')!;
  const stacked = proto.graph!.initializer.find(({ name }) => name === node.input[2])!;
  return Number(node.attribute.find(({ name }) => name === 'k')!.i) / Number(stacked.dims[0]);
};
