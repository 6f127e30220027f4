import { create } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { FunctionProtoSchema, NodeProtoSchema } from '../../src/onnx/proto/onnx_pb.js';
import { readModel } from '../../src/onnx/read.ts';
import { writeModel } from '../../src/onnx/write.ts';
import type { LaunchRequest } from '../../src/records/protocol.ts';
import { inspectArms } from '../../src/worker/inspection.ts';
import { sparsitySeries } from '../../src/worker/sparsity.ts';
import { builtTiny } from '../runtime/tiny-model.ts';
import { testFolder } from '../testkit/folder.ts';

const pattern = { kept: 2, of: 4 };
const asked = { target: 'all', pattern, tokens: 16 } as const;
const artefact = (folder: string, stages: ReturnType<typeof builtTiny>['stages']) => ({
  digest: 'a'.repeat(64),
  content: 'c'.repeat(64),
  folder,
  stages,
  serve: {},
  spare: 0,
});

it('counts zeros where the point asks for it', async () => {
  const { folder, stages } = builtTiny('qwen3');
  const request = { artefacts: { head: { main: artefact(folder, stages) } } } as unknown as LaunchRequest;
  const point = { id: 'inspection', kind: 'inspection', arms: ['head'] } as const;
  const plain = await inspectArms(point, request);
  expect(Object.keys(plain.values['head'] ?? {})).not.toContain('sparsity');
  const { values, warnings } = await inspectArms({ ...point, sparse: asked }, request);
  expect(values['head']).toMatchObject({ sparsity: [0], 'pattern-conformity': [0] });
  expect(values['head']?.['nonzero-multiply-adds']?.[0]).toBeGreaterThan(0);
  expect(warnings).toEqual([]);
  expect(sparsitySeries({ ...asked, pattern: null }, artefact(folder, stages), 'head').values).not.toHaveProperty('pattern-conformity');
});

it('says why it has no numbers: nothing of the target, or layers that cannot be read', () => {
  const { folder, stages } = builtTiny('qwen3');
  expect(sparsitySeries({ ...asked, target: 'vision' }, artefact(folder, stages), 'head')).toEqual({
    values: {},
    warnings: ['sparsity', 'pattern-conformity', 'nonzero-multiply-adds'].map(
      (series) => `unsupported-export: ${series}: no weights of target vision are recognised in head`,
    ),
  });
  const other = testFolder();
  const { graph } = stages[0]!;
  const { proto } = readModel(`${folder}/${graph}`);
  proto.functions.push(create(FunctionProtoSchema, { name: 'Local', domain: 'acme' }));
  proto.graph!.node.push(create(NodeProtoSchema, { opType: 'Local', domain: 'acme', output: ['beside'] }));
  writeModel({ proto, sourceFolder: folder }, other, graph, new Map());
  const { values, warnings } = sparsitySeries(asked, artefact(other, stages), 'base');
  expect(values).toEqual({});
  expect(warnings).toHaveLength(3);
  expect(warnings[0]).toMatch(/^unsupported-export: sparsity: weights of base\. .*Local \(beside\) is a local function/);
});
