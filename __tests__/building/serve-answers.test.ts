import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { askSubject } from '../../src/building/build.ts';
import { GateError } from '../../src/errors.ts';
import type { PlannedBuild } from '../../src/records/plan.ts';

const digest = '0'.repeat(64);

const buildBy = (command: string): PlannedBuild => ({
  key: digest,
  cell: 'mini/ours',
  arm: 'head',
  variant: 'main',
  model: 'mini',
  optimization: 'model',
  on: null,
  mayFail: 'never',
  options: {},
  told: { name: 'main', options: {} },
  subject: { door: { kind: 'serve', command }, digest, folder: '.' } as unknown as PlannedBuild['subject'],
  seed: 1,
});

/** What a program comes to that answers `build` with a text. */
const outcomeOf = async (answer: string): Promise<unknown> => {
  const script = `require('node:readline').createInterface({ input: process.stdin }).on('line', (line) =>
    console.log(JSON.parse(line).do === 'build' ? process.argv[1] : '{"ok":null}'))`.replaceAll('\n', ' ');
  const command = [process.execPath, '-e', `"${script.replaceAll('"', '\\"')}"`, `'${answer.replaceAll(/[{}]/g, '$&$&')}'`].join(' ');
  const subject = {
    tree: tmpdir(),
    worker: '',
    environment: {},
    confinement: { kind: 'marks', asRoot: [], argv: [] } as const,
    seconds: 30,
    memoryBytes: 2 ** 30,
    clock: () => 0,
    shared: null,
  };
  const artefact = { digest, content: digest, folder: '/in', stages: [{ id: 'decoder', graph: 'model.onnx' }], serve: {}, spare: 0 };
  try {
    return await askSubject(buildBy(command), { source: '/source', artefact }, subject, '/out', 'mini/ours head');
  } catch (thrown) {
    return thrown instanceof GateError ? thrown.code : thrown;
  }
};

describe('the answer of a server that builds', () => {
  it('is the result of the build', async () => {
    const stages = [{ id: 'decoder', graph: 'model.onnx' }];
    expect(await outcomeOf(JSON.stringify({ ok: { stages } }))).toEqual({ stages });
  });

  it.each([
    ['without a code', '{"error":"words"}', 'build-failed'],
    ['with a code of errors', '{"error":"words","code":"onnx-unsupported"}', 'onnx-unsupported'],
    ['with a code that is none', '{"error":"words","code":"toString"}', 'build-failed'],
    ['with a code that blames the machine', '{"error":"words","code":"disk-full"}', 'build-failed'],
    ['that has no files', '{"ok":{"stages":[]}}', 'subject-protocol'],
  ])('may be an error %s', async (_what, answer, code) => {
    expect(await outcomeOf(answer)).toBe(code);
  });
});
