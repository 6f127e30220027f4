import { dirname } from 'node:path';
import { expect, it } from 'vitest';
import { readModel } from '../../src/onnx/read.ts';
import { writeModel } from '../../src/onnx/write.ts';
import type { LaunchRequest } from '../../src/records/protocol.ts';
import { inspectArms } from '../../src/worker/inspection.ts';
import { builtTiny } from '../runtime/tiny-model.ts';
import { testFolder } from '../testkit/folder.ts';

it('gives no multiply-adds for an arm with an operator that cannot be counted, and says which', async () => {
  const { folder, stages } = builtTiny('qwen3');
  const other = testFolder();
  const graph = stages.find(({ id }) => id === 'decoder')!.graph;
  const { proto } = readModel(`${folder}/${graph}`);
  const last = proto.graph!.node.at(-1)!;
  proto.graph!.node.push({ ...last, name: 'mystery', opType: 'FusedMystery', domain: 'acme', attribute: [], output: ['mystery_output'] });
  writeModel({ proto, sourceFolder: dirname(`${folder}/${graph}`) }, other, graph, new Map());
  const artefact = (at: string) => ({ main: { digest: 'a'.repeat(64), folder: at, stages: [...stages], serve: {} } });
  const request = { artefacts: { base: artefact(folder), head: artefact(other) } } as unknown as LaunchRequest;
  const { values, warnings } = await inspectArms({ id: 'inspection', kind: 'inspection', arms: ['base', 'head'] }, request);
  const structure = ['modularity-score', 'newman-q', 'interface-tensors', 'attention-density', 'kv-bytes-per-token'];
  expect(Object.keys(values['base'] ?? {})).toEqual(['bytes', 'parameters', ...structure, 'multiply-adds']);
  expect(Object.keys(values['head'] ?? {})).toEqual(['bytes', 'parameters', ...structure]);
  expect(values['head']?.['parameters']).toEqual(values['base']?.['parameters']);
  expect(warnings).toEqual(['unsupported-export: multiply-adds: multiply-adds of acme.FusedMystery (arm head) cannot be counted']);
});
