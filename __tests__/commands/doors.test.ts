import { beforeAll, describe, expect, it } from 'vitest';
import { configuration, Project } from './project.ts';

/** A program that measures by itself: its numbers rest on its own arithmetic, so that a test needs no quiet machine. */
const decoder = (milliseconds: number, bytes: number): string => `import { createInterface } from 'node:readline';
import { existsSync } from 'node:fs';
if (!existsSync(process.argv[2])) throw new Error('no model');
let state = process.pid;
const noise = () => ((state = (state * 48271) % 2147483647) / 2147483647 - 0.5) / 200;
for await (const line of createInterface({ input: process.stdin }))
  console.log(JSON.stringify({ 'decode-latency': ${milliseconds} * (1 + noise()), 'cache-bytes': ${bytes}, accuracy: 0.75 }));
`;

const external = [
  'engine',
  'measure: node decode.mjs {model}',
  'inputs: [decode.mjs]',
  'metrics:',
  '  - { id: decode-latency, unit: ms, better: lower, kind: timing }',
  '  - { id: cache-bytes, unit: bytes, better: lower, kind: exact }',
  '  - { id: accuracy, unit: share, better: higher, kind: exact, scale: linear }',
];

describe('an external measurement', () => {
  let project: Project;
  beforeAll(() => {
    project = Project.make();
    project.commit({
      '.gitignore': '.optimization-gate\n',
      'decode.mjs': decoder(10, 4096),
      'optimization-gate.yml': configuration([external]),
    });
  });

  it('is unchanged with the same code, and has its numbers all the same', async () => {
    expect(await project.gate('--base', 'HEAD')).toMatchObject({ code: 0 });
    const cell = project.cell('engine');
    expect(cell.verdict).toBe('unchanged');
    const latency = cell.metrics.find(({ id }) => id === 'decode-latency');
    expect(latency?.head).toBeCloseTo(10, 0);
    expect(cell.metrics.find(({ id }) => id === 'cache-bytes')?.head).toBe(4096);
  }, 60_000);

  it('regresses in time and in size, each by its own rule, and passes where it is equal', async () => {
    project.commit({ 'decode.mjs': decoder(11, 8192) });
    expect(await project.gate('--base', 'HEAD~1')).toMatchObject({ code: 1 });
    const verdicts = Object.fromEntries(project.cell('engine').metrics.map(({ id, verdict }) => [id, verdict]));
    expect(verdicts).toEqual({ 'decode-latency': 'regressed', 'cache-bytes': 'regressed', accuracy: 'passed' });
  }, 120_000);

  it('fails its own cell when it answers nonsense', async () => {
    project.commit({ 'decode.mjs': 'process.stdin.on("data", () => console.log("fast"));\n' });
    expect(await project.gate('--base', 'HEAD~2')).toMatchObject({ code: 1 });
    expect(project.cell('engine')).toMatchObject({ verdict: 'failed', reason: expect.stringContaining('subject-protocol') });
  }, 60_000);
});
