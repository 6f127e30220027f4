import { dirname } from 'node:path';
import { expect, it } from 'vitest';
import { readModel } from '../../src/onnx/read.ts';
import { writeModel } from '../../src/onnx/write.ts';
import type { LaunchRequest } from '../../src/records/protocol.ts';
import { inspectArms } from '../../src/worker/inspection.ts';
import { builtTiny } from '../runtime/tiny-model.ts';
import { testFolder } from '../testkit/folder.ts';

const artefact = (at: string, stages: readonly { readonly id: string; readonly graph: string }[]) => ({
  main: { digest: 'a'.repeat(64), folder: at, stages: [...stages], serve: {}, spare: 0 },
});

it('gives no multiply-adds for an arm with an operator that cannot be counted, and says which', async () => {
  const { folder, stages } = builtTiny('qwen3');
  const other = testFolder();
  const graph = stages.find(({ id }) => id === 'decoder')!.graph;
  const { proto } = readModel(`${folder}/${graph}`);
  const last = proto.graph!.node.at(-1)!;
  proto.graph!.node.push({ ...last, name: 'mystery', opType: 'FusedMystery', domain: 'acme', attribute: [], output: ['mystery_output'] });
  writeModel({ proto, sourceFolder: dirname(`${folder}/${graph}`) }, other, graph, new Map());
  const request = { artefacts: { base: artefact(folder, stages), head: artefact(other, stages) } } as unknown as LaunchRequest;
  const { values, warnings } = await inspectArms({ id: 'inspection', kind: 'inspection', arms: ['base', 'head'] }, request);
  const structure = ['modularity-score', 'newman-q', 'interface-tensors', 'largest-module', 'attention-density', 'kv-bytes-per-token'];
  expect(Object.keys(values['base'] ?? {})).toEqual(['bytes', 'parameters', ...structure, 'multiply-adds']);
  expect(Object.keys(values['head'] ?? {})).toEqual(['bytes', 'parameters', ...structure]);
  expect(values['head']?.['parameters']).toEqual(values['base']?.['parameters']);
  expect(warnings).toEqual(['unsupported-export: multiply-adds: multiply-adds of acme.FusedMystery cannot be counted (head)']);
});

it('fails a head that claims a compression and has none, but not for its base', async () => {
  const { folder, stages } = builtTiny('qwen3');
  const graph = stages.find(({ id }) => id === 'decoder')!.graph;
  const other = testFolder();
  const { proto } = readModel(`${folder}/${graph}`);
  const last = proto.graph!.node.at(-1)!;
  proto.graph!.node.push({ ...last, name: 'spare', opType: 'Identity', domain: '', attribute: [], output: ['spare'] });
  writeModel({ proto, sourceFolder: dirname(`${folder}/${graph}`) }, other, graph, new Map());
  const [plain, large] = [artefact(folder, stages), artefact(other, stages)];
  const point = { id: 'inspection', kind: 'inspection', arms: ['reference', 'base', 'head'], compressed: true } as const;
  const inspect = (reference: typeof plain, base: typeof plain, head: typeof plain, asked = point as Parameters<typeof inspectArms>[0]) =>
    inspectArms(asked, { artefacts: { reference, base, head } } as unknown as LaunchRequest);
  const failing = (size: RegExp) => ({ arm: 'head', cause: { code: 'build-ineffective', message: expect.stringMatching(size) } });
  await expect(inspect(plain, plain, plain)).rejects.toMatchObject(
    failing(/claims a compression.* fewer than (\d+) bytes, .* got \1 bytes\.$/),
  );
  await expect(inspect(plain, plain, large)).rejects.toMatchObject(failing(/claims a compression/));
  const { values } = await inspect(large, large, plain);
  expect(values['head']!['bytes']![0]).toBeLessThan(values['base']!['bytes']![0]!);
  await expect(inspect(plain, plain, large, { ...point, compressed: false })).resolves.toBeDefined();
});
