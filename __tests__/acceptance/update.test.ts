import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configuration, model, Project, quickPoint } from '../commands/project.ts';

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
