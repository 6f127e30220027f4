import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { configuration, copied, copyProgram, type Ended, Project, packageRoot } from '../commands/project.ts';
import { events } from '../testkit/events.ts';
import { runAction } from '../testkit/run-action.ts';

describe('a change of which nothing can be said about time', () => {
  let project: Project;
  let ended: Ended;
  beforeAll(async () => {
    project = Project.make();
    const files = { '.gitignore': '.optimization-gate\n', 'optimization-gate.yml': configuration([copied('own')]) };
    project.commit({ ...files, 'copy.mjs': copyProgram(false) });
    project.commit({ 'copy.mjs': copyProgram(true) });
    ended = await project.gate('--base', 'HEAD~1', '--quick');
  }, 120_000);

  const action = (inputs: Readonly<Record<string, string>>) =>
    runAction({
      program: join(packageRoot, 'src', 'action.ts'),
      cwd: project.folder,
      eventName: 'push',
      event: events.push('refs/heads/other'),
      environment: { GITHUB_REF: 'refs/heads/other' },
      inputs: { mode: 'gate', comment: 'false', ...inputs },
    });

  it('is a first impression: exit status 3 on the command line', () => {
    expect(ended.stderr).not.toMatch(/error\[/);
    expect(ended.code).toBe(3);
    expect(ended.stdout).toContain('first impression');
    expect(project.samples().launches.map(({ purpose }) => purpose)).not.toContain('confirm');
  });

  it('ends with 0 where --fail-on does not list it, and says so', async () => {
    const passed = await project.gate('gate', '--quick', '--fail-on', 'regressed,failed');
    expect(passed).toMatchObject({ code: 0, stderr: expect.stringContaining('exit status 0 and not 3') });
    expect(await project.gate('gate', '--quick', '--fail-on', 'regressed,inconclusive')).toMatchObject({ code: 3 });
    const wrong = await project.gate('gate', '--quick', '--fail-on', 'slower');
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringMatching(/error\[usage-bad-value\].*regressed/) });
  });

  it('lets the job of the action pass with a warning, unless fail-on says otherwise', async () => {
    const passed = await action({});
    expect(passed.code, passed.stdout + passed.stderr).toBe(0);
    expect(passed.outputs).toMatchObject({ verdict: 'inconclusive', 'exit-code': '3' });
    expect(passed.commands).toContainEqual(
      expect.objectContaining({ name: 'warning', message: expect.stringContaining('This job passes all the same, because of `fail-on`.') }),
    );
    const strict = await action({ 'fail-on': 'regressed,inconclusive' });
    expect(strict.code).toBe(3);
    expect(strict.commands).toContainEqual(
      expect.objectContaining({ name: 'error', message: expect.stringContaining('could not be decided') }),
    );
  });

  it.each(['head -n 1', 'true'])('keeps its exit status when `%s` has read enough, and says nothing of it', async (reader) => {
    const { code, stdout, stderr } = await project.gateInto(reader, 'gate', '--json', '--quick');
    expect({ code, stdout, stderr }).toEqual({ code: 3, stdout: reader === 'true' ? '' : '{\n', stderr: '' });
  });

  it('writes no baselines', async () => {
    const refused = await project.gate('update', '--quick');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('A first impression without a confirmation cannot become a baseline');
  });
});
