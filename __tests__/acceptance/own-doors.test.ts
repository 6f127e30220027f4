import { beforeAll, describe, expect, it } from 'vitest';
import { decoder, external } from '../commands/external-decoder.ts';
import { configuration, Project } from '../commands/project.ts';

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

  it('fails its own cell when it answers nonsense', async () => {
    project.commit({ 'decode.mjs': 'process.stdin.on("data", () => console.log("fast"));\n' });
    expect(await project.gate('--base', 'HEAD~1')).toMatchObject({ code: 1 });
    expect(project.cell('engine')).toMatchObject({ verdict: 'failed', reason: expect.stringContaining('subject-protocol') });
  }, 60_000);
});
