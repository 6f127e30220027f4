import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ActionRun } from '../testkit/run-action.ts';
import { type EngineScene, engineProgram, openEngineScene, said } from './engine-scene.ts';

describe('an update that cannot end', { timeout: 120_000 }, () => {
  let scene: EngineScene;
  beforeAll(async () => {
    scene = await openEngineScene({ 'README.md': '# models\n' });
    await scene.commit('topic', 'Change', { 'README.md': '# more models\n' });
  });
  afterAll(() => scene?.close());

  const edited = (): Promise<ActionRun> => {
    scene.step((workspace) => writeFileSync(join(workspace, 'README.md'), 'edited by an earlier step'));
    return scene.push(undefined);
  };
  it.each<readonly [string, () => Promise<ActionRun>, number, RegExp]>([
    ['of a tree that an earlier step edited', edited, 2, /error\[baseline-untrusted\].*commit or undo the edits/],
    ['of an unknown base', () => scene.push(undefined, { base: 'no-such-branch' }), 2, /error\[base-not-found\].*no-such-branch/],
    ['of a pull request', () => scene.pullRequest(1, 'topic', { mode: 'update' }), 2, /error\[baseline-untrusted\]/],
    ['of a first impression', () => scene.push(undefined, { quick: 'true' }), 2, /error\[usage-bad-value\]/],
    ['without a token', () => scene.push(undefined, { token: '' }, { GITHUB_TOKEN: '' }), 3, /error\[github-permission\].*contents: write/],
  ])('is refused before it measures: %s', async (_, run, code, message) => {
    scene.step(() => {});
    const refused = await run();
    expect(refused.code, said(refused)).toBe(code);
    expect(refused.stdout).toMatch(message);
    expect(refused.outputs).toEqual({ verdict: 'error', 'exit-code': String(code) });
    expect(refused.summary).toMatch(/^### ❌ Error: the gate did not come to a verdict/);
    expect(existsSync(join(scene.workspace, '.optimization-gate', 'samples.jsonl'))).toBe(false);
    expect(await scene.list('main', 'baselines')).toEqual([]);
  });
});

describe('a token that GitHub refuses', { timeout: 200_000 }, () => {
  let scene: EngineScene;
  beforeAll(async () => {
    scene = await openEngineScene();
    await scene.commit('worse', 'Worse', { 'bench.mjs': engineProgram(900) });
  });
  afterAll(() => scene?.close());

  it('is said to be wrong or expired where the answer is 401, and to lack a permission where it is 403', async () => {
    const unknown = await scene.pullRequest(7, 'worse', { token: 'ghs_expired' });
    scene.github.state.readOnly = true;
    const reading = await scene.pullRequest(7, 'worse');
    scene.github.state.readOnly = false;
    for (const run of [unknown, reading]) {
      expect(run.code, said(run)).toBe(1);
      expect(run.outputs, said(run)).toMatchObject({ verdict: 'regressed', 'exit-code': '1', regressions: '1' });
    }
    expect(scene.github.state.comments).toEqual([]);
    expect(unknown.summary).toMatch(/not posted: .*401.*The token is wrong, expired or revoked/);
    expect(unknown.summary).not.toContain('permissions:');
    expect(reading.summary).toMatch(/not posted: .*403.*The job needs `permissions: pull-requests: write`/);
    expect(reading.summary).not.toContain('expired');
    // With a good one the same change has its comment.
    await scene.pullRequest(7, 'worse');
    expect(scene.github.state.comments.map(({ body }) => body)).toEqual([expect.stringContaining('❌ Regressed')]);
  });

  it('ends an update with one verdict, in words of its own, and what was measured is kept for the next', async () => {
    const refused = await scene.push(undefined, { token: 'ghs_expired' });
    expect(refused.code, said(refused)).toBe(3);
    expect(refused.stdout).toMatch(/error\[github-permission\].*401 Bad credentials.*wrong, expired or revoked/);
    expect(refused.stdout).not.toContain('contents: write');
    expect(refused.outputs).toMatchObject({ verdict: 'error', 'exit-code': '3' });
    expect(refused.outputNames.toSorted()).toEqual([...new Set(refused.outputNames)].toSorted());
    expect(refused.summary).toContain('expired');
    const next = await scene.push(undefined);
    expect(next.code, said(next)).toBe(0);
    expect(next.outputs).toMatchObject({ verdict: 'passed', 'exit-code': '0' });
    expect(next.outputNames.toSorted()).toEqual([...new Set(next.outputNames)].toSorted());
    expect(said(next)).toContain('from the workflow cache. To measure anew');
    expect(await scene.list('main', 'baselines')).toHaveLength(1);
  });

  it.each<readonly [string, Partial<EngineScene['github']['state']>, RegExp]>([
    ['a token without the permission', { readOnly: true }, /not accessible.*contents: write/],
    ['a branch that takes no commits', { protected: true }, /through a pull request.*bypass/],
  ])('ends an update in words of its own: %s', async (_, state, message) => {
    Object.assign(scene.github.state, state);
    const refused = await scene.push(await scene.commit('main', 'Other', { 'README.md': message.source }));
    Object.assign(scene.github.state, { readOnly: false, protected: false });
    expect([refused.code, refused.outputs['verdict'], refused.outputs['exit-code']], said(refused)).toEqual([3, 'error', '3']);
    expect(refused.stdout).toMatch(new RegExp(`error\\[github-permission\\].*${message.source}`));
    expect(refused.summary).toMatch(message);
  });

  it('costs no word of a full summary where the runner has no summary', async () => {
    const run = await scene.pullRequest(8, 'worse', { token: 'ghs_expired' }, { GITHUB_STEP_SUMMARY: '' });
    expect(run.code, said(run)).toBe(1);
    expect(run.outputs).toMatchObject({ verdict: 'regressed' });
    expect([run.summary, said(run)]).toEqual(['', expect.not.stringMatching(/no room|job summary was not/)]);
    expect(said(run)).toContain('expired');
  });
});
