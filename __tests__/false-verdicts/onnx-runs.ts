import { join } from 'node:path';
import { expect } from 'vitest';
import type { CellVerdict } from '../../src/records/verdict.ts';
import { configuration, Project, packageRoot, quickPoint } from '../commands/project.ts';
import type { Situation } from './situation.ts';

/** Rewrites the decoder as `mode.txt` says; weights that are `worn` lose their last mantissa bits, so that the model answers worse. */
const program = `import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { create } from ${JSON.stringify(join(packageRoot, 'node_modules/@bufbuild/protobuf/dist/esm/index.js'))};
import { GraphProtoSchema, NodeProtoSchema } from ${JSON.stringify(join(packageRoot, 'src/onnx/proto/onnx_pb.js'))};
import { readModel } from ${JSON.stringify(join(packageRoot, 'src/onnx/read.ts'))};
import { floatTensor, halfTensor, rawTensor, readFloats } from ${JSON.stringify(join(packageRoot, 'src/onnx/tensor.ts'))};
import { writeModel } from ${JSON.stringify(join(packageRoot, 'src/onnx/write.ts'))};
const [from, to] = process.argv.slice(2);
const modes = readFileSync('mode.txt', 'utf8').trim().split(' ');
const model = readModel(from);
const graph = model.proto.graph;
const float = (tensor) => tensor.dataType === 1;
if (modes.includes('worn'))
  graph.initializer = graph.initializer.map((tensor) =>
    float(tensor) && tensor.dims.length > 1
      ? floatTensor(tensor.name, tensor.dims.map(Number), readFloats(model, tensor).map((value) => Math.round(value * 8) / 8))
      : tensor,
  );
if (modes.includes('half')) {
  graph.initializer = graph.initializer.map((tensor) =>
    float(tensor) ? halfTensor(tensor.name, tensor.dims.map(Number), readFloats(model, tensor)) : tensor,
  );
  for (const { type } of [...graph.input, ...graph.output]) if (type.value.value.elemType === 1) type.value.value.elemType = 10;
}
const last = graph.node.find(({ output }) => output.includes('logits'));
const body = (name, node) =>
  create(GraphProtoSchema, { name, node, output: [{ name, type: { value: { case: 'tensorType', value: { elemType: 1 } } } }] });
if (modes.includes('branch')) {
  const branch = (name) => body(name, [{ ...last, output: [name] }]);
  graph.initializer.push(rawTensor('always', 9, [], Uint8Array.of(1)));
  graph.node.splice(
    graph.node.indexOf(last),
    1,
    create(NodeProtoSchema, {
      opType: 'If',
      name: 'choice',
      input: ['always'],
      output: ['logits'],
      attribute: [
        { name: 'then_branch', type: 5, g: branch('then') },
        { name: 'else_branch', type: 5, g: branch('else') },
      ],
    }),
  );
}
writeModel({ proto: model.proto, sourceFolder: dirname(from) }, dirname(to), basename(to), new Map());
if (modes.includes('config')) writeFileSync(join(dirname(to), 'config.json'), '{}');
if (modes.includes('log')) writeFileSync(join(dirname(to), 'build.log'), 'took '.padEnd(process.hrtime()[1] % 9_999, '.'));
if (modes.includes('weights')) cpSync(dirname(from), join(dirname(to), 'original'), { recursive: true });
if (modes.includes('heavy')) writeFileSync(join(dirname(to), 'left.bin'), new Uint8Array(5_000_000));
`;

const prepared = (mode: string): Project => {
  const project = Project.make();
  project.commit({
    '.gitignore': '.optimization-gate\n',
    'rewrite.mjs': program,
    'mode.txt': mode,
    'optimization-gate.yml': configuration([
      ['rewritten', 'like: model', 'command: node rewrite.mjs {model} {output}', 'inputs: [rewrite.mjs, mode.txt]', quickPoint],
    ]),
  });
  return project;
};

const gated = async (before: string, after: string): Promise<{ readonly code: number | null; readonly cell: CellVerdict }> => {
  const project = prepared(before);
  project.commit({ 'mode.txt': after });
  const { code } = await project.gate('--base', 'HEAD~1');
  return { code, cell: project.cell('rewritten') };
};

/** A pool whose only variant turns the stream of the model round and back, so many times, and a policy that serves it. */
const pool = (
  turns: number,
): string => `import { create } from ${JSON.stringify(join(packageRoot, 'node_modules/@bufbuild/protobuf/dist/esm/index.js'))};
import { join } from 'node:path';
import { NodeProtoSchema } from ${JSON.stringify(join(packageRoot, 'src/onnx/proto/onnx_pb.js'))};
import { readModel } from ${JSON.stringify(join(packageRoot, 'src/onnx/read.ts'))};
import { writeModel } from ${JSON.stringify(join(packageRoot, 'src/onnx/write.ts'))};
export const build = async ({ input, output }) => {
  for (const { graph } of input.stages) {
    const { proto } = readModel(join(input.folder, graph));
    const { node } = proto.graph;
    const at = node.findIndex(({ opType }) => opType === 'Gather');
    const [name] = node[at].output;
    const names = Array.from({ length: ${turns} + 1 }, (_, turn) => (turn === ${turns} ? name : name + '/' + turn));
    node[at].output = [names[0]];
    const turned = names.slice(1).map((to, turn) => create(NodeProtoSchema, { opType: 'Neg', input: [names[turn]], output: [to] }));
    node.splice(at + 1, 0, ...turned);
    await writeModel({ proto, sourceFolder: input.folder }, output, graph, new Map());
  }
  return { stages: input.stages };
};
export const start = async ({ setting: { members } }) => {
  const names = members.map(({ name }) => name);
  let tried = 1;
  return {
    next: async ({ left, event }) => {
      if (event !== undefined) return { serve: names.at(-1) };
      return left === 0 ? { offer: names } : { try: names[tried++] };
    },
  };
};
`;

const pooled = async (before: number, after: number): Promise<CellVerdict> => {
  const project = Project.make();
  const judged = ['like: architecture-search', 'like-with: { pool: [{ depth: 1, width: 0.5 }] }'];
  project.commit({
    '.gitignore': '.optimization-gate\n',
    'pool.mjs': pool(before),
    'optimization-gate.yml': configuration([['pool', ...judged, 'module: pool.mjs', 'inputs: [pool.mjs]']]),
  });
  project.commit({ 'pool.mjs': pool(after) });
  await project.gate('--base', 'HEAD~1');
  return project.cell('pool');
};

const metric = (cell: CellVerdict, id: string) => cell.metrics.find((each) => each.id === id);

export const situations: readonly Situation[] = [
  {
    kind: 'onnx-structure',
    example: 'the variants of a pool take half as long again, with the multiply-adds that they had',
    before: 'passed: a replay took their time from their multiply-adds',
    now: 'regressed in member-latency',
    source: 'neighbour',
    speed: 'slow',
    check: async () => {
      const cell = await pooled(2, 2000);
      for (const id of ['adaptive-goodput', 'served-nll-delta']) expect(metric(cell, id)?.verdict, id).toBe('passed');
      for (const id of ['member-latency', 'pool-size']) expect(metric(cell, id)?.verdict, id).toBe('regressed');
    },
  },
  {
    kind: 'onnx-structure',
    example: 'a decoder that ends in a branch, whose weights a change rounds to eighths',
    before: 'failed: error[onnx-unsupported]',
    now: 'regressed in nll-delta; times, size, parameters and multiply-adds have numbers',
    source: 'reported',
    speed: 'slow',
    check: async () => {
      const { code, cell } = await gated('branch', 'branch worn');
      expect(code).toBe(1);
      expect(metric(cell, 'nll-delta')?.verdict).toBe('regressed');
      for (const id of ['prefill-latency', 'model-size', 'parameters', 'macs-per-token', 'peak-memory'])
        expect(metric(cell, id)?.head, id).toBeGreaterThan(0);
    },
  },
  {
    kind: 'onnx-structure',
    example: 'a change that puts the last product into a branch and computes the same',
    before: 'failed: error[onnx-unsupported]',
    now: 'passed in quality, size and multiply-adds',
    source: 'neighbour',
    speed: 'slow',
    check: async () => {
      const { code, cell } = await gated('plain', 'branch');
      expect([0, 3]).toContain(code);
      expect(metric(cell, 'nll-delta')).toMatchObject({ verdict: 'passed', head: expect.closeTo(0, 4) });
      for (const id of ['model-size', 'macs-per-token']) expect(metric(cell, id)?.verdict, id).toBe('passed');
      expect(metric(cell, 'parameters')?.head).toBe((metric(cell, 'parameters')?.base ?? 0) + 1);
    },
  },
  {
    kind: 'onnx-structure',
    example: 'a build that leaves five megabytes in its output which no graph refers to, beside a file that base has too',
    before: 'unchanged: only what graphs use was counted',
    now: 'regressed in model-size by five megabytes',
    source: 'neighbour',
    speed: 'slow',
    check: async () => {
      const { code, cell } = await gated('config', 'config heavy');
      expect(code).toBe(1);
      const size = metric(cell, 'model-size');
      expect(size?.verdict).toBe('regressed');
      expect((size?.head ?? 0) - (size?.base ?? 0)).toBe(5_000_000 - (5_000_000 % 65_536));
    },
  },
  {
    kind: 'onnx-structure',
    example: 'a build that leaves the weights it was given beside its own, which no graph uses any more',
    before: 'unchanged: what was given counted by its use',
    now: 'regressed in model-size by these weights',
    source: 'neighbour',
    speed: 'slow',
    check: async () => {
      const { code, cell } = await gated('half', 'half weights');
      expect(code).toBe(1);
      expect(metric(cell, 'model-size')?.verdict).toBe('regressed');
    },
  },
  {
    kind: 'onnx-structure',
    example: 'a build that leaves a log of another length each time',
    before: 'failed: error[build-not-deterministic]',
    now: 'unchanged',
    source: 'neighbour',
    speed: 'slow',
    check: async () => {
      const project = prepared('log');
      project.commit({ 'README.md': 'words' });
      const { code } = await project.gate('--base', 'HEAD~1');
      expect(code).toBe(0);
      expect(project.cell('rewritten').verdict).toBe('unchanged');
    },
  },
  {
    kind: 'float16',
    example: 'a change that stores and computes a decoder in float16',
    before: 'failed: not enough space: expected … bytes, got 0',
    now: 'model-size improved by half, nll-delta passed',
    source: 'reported',
    speed: 'slow',
    check: async () => {
      const { cell } = await gated('plain', 'half');
      expect(cell.verdict).not.toBe('failed');
      expect(metric(cell, 'nll-delta')?.verdict).toBe('passed');
      expect(metric(cell, 'model-size')).toMatchObject({ verdict: 'improved', change: { estimate: expect.closeTo(-0.5, 1) } });
      expect(metric(cell, 'prefill-latency')?.head).toBeGreaterThan(0);
    },
  },
];
