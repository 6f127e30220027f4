import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { configuration, Project, quickPoint } from './project.ts';

describe('update that cannot end', () => {
  it('is refused where nothing that is configured can be measured, with what is wrong there', async () => {
    const project = Project.make();
    project.commit({ '.gitignore': '.optimization-gate\n', 'optimization-gate.yml': 'models: [no-such-model]\n' });
    const { code, stderr } = await project.gate('update', '--event', 'default-branch');
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('error[config-invalid]: Baselines were to be written.'),
    });
    expect(stderr).toMatch(/optimization-gate\.yml.*There is no model "no-such-model"/);
    expect(existsSync(project.samplesFile)).toBe(false);
  });

  it.each([
    ['of a tree with edits', ['--event', 'default-branch'], /the files of commit [0-9a-f]{40}, got edited ones: commit or undo the edits/],
    ['of a change', ['--base', 'HEAD'], /this run is about a change/],
  ])('is refused before anything is measured: %s', async (_, options, message) => {
    const project = Project.make();
    project.commit({ '.gitignore': '.optimization-gate\n', 'optimization-gate.yml': configuration([['structured-pruning', quickPoint]]) });
    project.write('README.md', 'edited');
    const { code, stderr } = await project.gate('update', ...options);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringMatching(/error\[baseline-untrusted\]/) });
    expect(stderr).toMatch(message);
    expect(existsSync(project.samplesFile)).toBe(false);
  });
});
