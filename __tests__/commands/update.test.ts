import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configuration, model, Project, quickPoint } from './project.ts';

describe('update in a folder of the repository', () => {
  it('writes the baselines where the next plan reads them: below the root', { timeout: 120_000 }, async () => {
    const project = Project.make();
    const within = ['--working-directory', 'part', '--event', 'default-branch'];
    project.commit({
      '.gitignore': '.optimization-gate\n',
      'part/optimization-gate.yml': configuration([['structured-pruning', 'with: { importance: magnitude }', quickPoint]]),
    });
    const planned = (): readonly unknown[] =>
      JSON.parse(readFileSync(join(project.folder, 'part', '.optimization-gate', 'baselines.json'), 'utf8'));

    const updated = await project.gate('update', ...within);
    expect(updated, updated.stderr).toMatchObject({ code: 0 });
    expect(planned()).toEqual([]);
    expect(existsSync(join(project.folder, 'part', 'baselines'))).toBe(false);
    const [runnerClass = '', ...others] = readdirSync(join(project.folder, 'baselines'));
    expect(others).toEqual([]);
    const [own = '', ...more] = readdirSync(join(project.folder, 'baselines', runnerClass));
    expect([own, more]).toEqual([expect.stringMatching(/^part-[0-9a-f]{8}$/), []]);
    expect(readdirSync(join(project.folder, 'baselines', runnerClass, own))).toEqual([`${model}.json`]);

    project.commit({});
    const next = await project.gate('plan', ...within);
    expect(next, next.stderr).toMatchObject({ code: 0 });
    expect(planned()).toMatchObject([{ model, entries: [{ cell: `${model}/structured-pruning` }] }]);
  });
});

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
