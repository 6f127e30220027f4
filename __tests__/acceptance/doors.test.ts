import { describe, expect, it } from 'vitest';
import { decoder, external } from '../commands/external-decoder.ts';
import { configuration, Project } from '../commands/project.ts';

describe('an external measurement', () => {
  it('regresses in time and in size, each by its own rule, and passes where it is equal', async () => {
    const project = Project.make();
    const files = { '.gitignore': '.optimization-gate\n', 'optimization-gate.yml': configuration([external]) };
    project.commit({ ...files, 'decode.mjs': decoder(10, 4096) });
    project.commit({ 'decode.mjs': decoder(11, 8192) });
    expect(await project.gate('--base', 'HEAD~1')).toMatchObject({ code: 1 });
    const verdicts = Object.fromEntries(project.cell('engine').metrics.map(({ id, verdict }) => [id, verdict]));
    expect(verdicts).toEqual({ 'decode-latency': 'regressed', 'cache-bytes': 'regressed', accuracy: 'passed' });
  }, 120_000);
});
