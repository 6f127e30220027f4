import { describe, expect, it } from 'vitest';
import { configuration, copied, copyProgram, model, Project } from '../commands/project.ts';

const ignored = { '.gitignore': '.optimization-gate\n' };

describe('a run', () => {
  it('of a change that changes nothing is unchanged without a screen; what head removed is missing, and fails', async () => {
    const project = Project.make();
    project.commit({
      ...ignored,
      'copy.mjs': copyProgram(false),
      'optimization-gate.yml': configuration([copied('kept'), copied('dropped')]),
    });
    project.commit({ 'copy.mjs': copyProgram(false, 'only a comment'), 'optimization-gate.yml': configuration([copied('kept')]) });
    const ended = await project.gate('--base', 'HEAD~1', '--json');
    expect(ended.code).toBe(1);
    expect(JSON.parse(ended.stdout)).toMatchObject({ verdict: 'regressed', exitCode: 1 });
    expect(ended.stdout).toBe(project.text('report/report.json'));
    expect(project.cell('dropped')).toMatchObject({
      verdict: 'missing',
      reason: expect.stringContaining('base has this model and optimization, and head does not\nTo retire it'),
    });
    expect(project.cell('kept')).toMatchObject({ verdict: 'unchanged', reason: null });
    const { launches, settled } = project.samples();
    expect(settled.get(`${model}/kept`)?.status).toBe('unchanged');
    expect(new Set(launches.map(({ cell }) => cell))).toEqual(new Set([`${model}/kept`]));
    expect(launches.filter(({ purpose, selfCheck }) => purpose === 'screen' || purpose === 'confirm' || selfCheck)).toEqual([]);
    const latency = project.cell('kept').metrics.find(({ id }) => id === 'prefill-latency');
    expect(latency).toMatchObject({ verdict: 'unchanged', change: { estimate: 0, lower: 0, upper: 0 } });

    // The same tree again: everything is known already, so nothing is measured, and the verdict is the same.
    const before = project.samples().launches;
    expect((await project.gate('--base', 'HEAD~1')).code).toBe(1);
    expect(project.samples().launches).toEqual(before);
  });
});
