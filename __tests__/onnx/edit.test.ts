import { describe, expect, it } from 'vitest';
import {
  cloneModel,
  dropValueInfo,
  exposeTensors,
  freshName,
  graphIndex,
  removeUnusedInitializers,
  renameTensor,
  replaceInitializer,
} from '../../src/onnx/edit.ts';
import { checkModel, type OnnxModel } from '../../src/onnx/read.ts';
import { floatTensor, initializer, readFloats } from '../../src/onnx/tensor.ts';
import { bytesOf, inMemory, thrown, value } from './small-models.ts';

const weight = (name: string, fill: number) => floatTensor(name, [2, 2], new Float32Array(4).fill(fill));

/** x → two products with the same weight; the branch reads the weight too; a weight that nobody reads. */
const shared = (): OnnxModel =>
  inMemory({
    nodes: [
      { opType: 'MatMul', name: 'first', input: ['x', 'w'], output: ['h'] },
      { opType: 'MatMul', name: 'second', input: ['h', 'w'], output: ['y'] },
    ],
    initializers: [weight('w', 1), weight('idle', 2)],
    inputs: [value('x', ['n', 2])],
    outputs: [value('y', ['n', 2])],
  });

/** An If whose first branch reads outer `h`, and whose second has an `h` of its own. */
const branching = (): OnnxModel =>
  inMemory({
    nodes: [
      { opType: 'Relu', input: ['x'], output: ['h'] },
      {
        opType: 'If',
        input: ['flag'],
        output: ['y'],
        attribute: [
          {
            name: 'then_branch',
            type: 5,
            g: { name: 't', node: [{ opType: 'Neg', input: ['h'], output: ['a'] }], output: [value('a', [2])] },
          },
          {
            name: 'else_branch',
            type: 5,
            g: {
              name: 'e',
              initializer: [weight('h', 3)],
              node: [{ opType: 'Neg', input: ['h'], output: ['b'] }],
              output: [value('b', [2])],
            },
          },
        ],
      },
    ],
    inputs: [value('x', [2]), value('flag', [], 9)],
    outputs: [value('y', [2])],
  });

describe('graphIndex', () => {
  it('knows who makes and who reads a tensor', () => {
    const index = graphIndex(shared());
    expect(index.producers.get('h')?.name).toBe('first');
    expect(index.consumers.get('w')?.map(({ node, input }) => [node.name, input])).toEqual([
      ['first', 1],
      ['second', 1],
    ]);
    expect(index.consumers.has('idle')).toBe(false);
    expect([...index.inputs]).toEqual(['x']);
    expect([...index.outputs]).toEqual(['y']);
    expect(index.producers.has('x')).toBe(false);
  });

  it('sees readers in nested graphs, but not those of a shadowing name', () => {
    expect(graphIndex(branching()).consumers.get('h')).toHaveLength(1);
    expect(graphIndex(branching()).consumers.get('h')?.[0]?.node.output).toEqual(['a']);
  });
});

describe('replaceInitializer', () => {
  it('clones under a fresh name while somebody else reads the old one', () => {
    const model = shared();
    const readers = graphIndex(model).consumers.get('w')?.slice(1) ?? [];
    const name = replaceInitializer(model, 'w', weight('any', 7), readers);
    expect(name).toBe('w_1');
    expect(readFloats(model, 'w')[0]).toBe(1);
    expect(readFloats(model, 'w_1')[0]).toBe(7);
    expect(model.proto.graph?.node.map((node) => node.input[1])).toEqual(['w', 'w_1']);
    checkModel(model);
  });

  it('takes the place of one that nobody else reads', () => {
    const [all, only] = [shared(), shared()];
    expect(replaceInitializer(all, 'w', weight('any', 7))).toBe('w');
    expect(readFloats(all, 'w')[0]).toBe(7);
    expect(replaceInitializer(only, 'w', weight('any', 7), graphIndex(only).consumers.get('w'))).toBe('w');
    expect(only.proto.graph?.initializer).toHaveLength(2);
  });

  it('refuses names and readers that do not exist', () => {
    expect(thrown(() => replaceInitializer(shared(), 'absent', weight('a', 1))).code).toBe('onnx-dangling-input');
    const model = shared();
    const wrong = (graphIndex(model).consumers.get('w') ?? []).slice(0, 1).map(({ node }) => ({ node, input: 0 }));
    expect(thrown(() => replaceInitializer(model, 'w', weight('a', 1), wrong)).code).toBe('onnx-malformed');
  });
});

describe('edits', () => {
  it('removes initializers that nothing reads, and keeps the rest', () => {
    const model = shared();
    expect(removeUnusedInitializers(model)).toEqual(['idle']);
    expect(removeUnusedInitializers(model)).toEqual([]);
    checkModel(model);
    const nested = branching();
    nested.proto.graph?.initializer.push(weight('flagged', 1));
    expect(removeUnusedInitializers(nested)).toEqual(['flagged']);
  });

  it('clones deeply without copying weights', () => {
    const model = shared();
    const before = Buffer.from(bytesOf(model.proto));
    const clone = cloneModel(model);
    expect(before.equals(bytesOf(clone.proto))).toBe(true);
    expect(initializer(clone, 'w').rawData).toBe(initializer(model, 'w').rawData);
    renameTensor(clone, 'h', 'renamed');
    replaceInitializer(clone, 'w', weight('w', 9));
    clone.proto.graph?.node.pop();
    expect(before.equals(bytesOf(model.proto))).toBe(true);
  });

  it('drops recorded shapes everywhere', () => {
    const model = branching();
    model.proto.graph?.valueInfo.push(...(model.proto.graph?.input ?? []));
    const inner = model.proto.graph?.node[1]?.attribute[0]?.g;
    inner?.valueInfo.push(...inner.output);
    dropValueInfo(model);
    expect([model.proto.graph?.valueInfo, inner?.valueInfo]).toEqual([[], []]);
  });

  it('renames a tensor wherever it is meant, and not where the name means another', () => {
    const model = branching();
    renameTensor(model, 'h', 'k');
    expect(model.proto.graph?.node[0]?.output).toEqual(['k']);
    const [then, other] = model.proto.graph?.node[1]?.attribute.map((each) => each.g) ?? [];
    expect([then?.node[0]?.input, other?.node[0]?.input]).toEqual([['k'], ['h']]);
    checkModel(model);
    renameTensor(model, 'x', 'input');
    renameTensor(model, 'y', 'output');
    expect([model.proto.graph?.input[0]?.name, model.proto.graph?.output[0]?.name]).toEqual(['input', 'output']);
    checkModel(model);
    expect(thrown(() => renameTensor(model, 'absent', 'z')).code).toBe('onnx-dangling-input');
    expect(thrown(() => renameTensor(model, 'k', 'input')).code).toBe('onnx-malformed');
    expect(thrown(() => renameTensor(model, 'k', 'a')).code).toBe('onnx-malformed');
  });

  it('finds fresh names, nested graphs included', () => {
    expect(freshName(branching(), 'new')).toBe('new');
    expect(freshName(branching(), 'a')).toBe('a_1');
  });

  it('exposes produced tensors once, on a copy', () => {
    const model = shared();
    const exposed = exposeTensors(model, ['h', 'h', 'y']);
    expect(exposed.proto.graph?.output.map((each) => each.name)).toEqual(['y', 'h']);
    expect(model.proto.graph?.output).toHaveLength(1);
    for (const name of ['x', 'w', 'absent', '']) expect(thrown(() => exposeTensors(model, [name])).code).toBe('onnx-dangling-input');
  });
});
