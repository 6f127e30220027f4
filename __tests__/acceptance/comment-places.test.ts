import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openScene, type Scene } from '../action/scene.ts';
import type { ActionRun } from '../testkit/run-action.ts';
import { engineConfiguration } from './engine-configuration.ts';
import { engineProgram, said } from './engine-scene.ts';

const file = 'optimization-gate.yml';
const deep = `projects/${'of-a-long-name/'.repeat(9)}gate.yml`;

describe('a comment', { timeout: 300_000 }, () => {
  let scene: Scene;
  beforeAll(async () => {
    const project = { [file]: engineConfiguration(), 'bench.mjs': engineProgram(100) };
    const within = (folder: string): Readonly<Record<string, string>> =>
      Object.fromEntries(Object.entries(project).map(([path, text]) => [`${folder}/${path}`, text]));
    scene = await openScene({ ...project, ...within('a'), ...within('b'), [deep]: engineConfiguration() });
  });
  afterAll(() => scene?.close());

  const comments = (number: number): readonly string[] =>
    scene.github.state.comments.filter(({ issue }) => issue === number).map(({ body }) => body);
  const ended = (run: ActionRun, code: number, verdict: string): ActionRun => {
    expect([run.code, run.outputs['verdict'], run.outputs['exit-code']], said(run)).toEqual([code, verdict, String(code)]);
    return run;
  };

  it('of each project names it, whether it came to a verdict or to an error', async () => {
    await scene.commit('projects', 'Worse, and broken', { 'a/bench.mjs': engineProgram(900), [`b/${file}`]: 'gat: {}\n' });
    for (const [folder, code, verdict] of [
      ['a', 1, 'regressed'],
      ['b', 2, 'error'],
      ['.', 0, 'passed'],
    ] as const)
      ended(await scene.pullRequest(1, 'projects', { 'working-directory': folder }), code, verdict);
    const [ofA = '', ofB = '', ofRoot = '', ...others] = comments(1);
    expect(others).toEqual([]);
    expect(ofA).toMatch(/^### ❌ Regressed.* in `a`|^### .*`a`.*❌ Regressed/m);
    expect(ofB).toMatch(/^### ❌ Error in `b`/m);
    expect(ofRoot).toMatch(/^### ✅ Passed/m);
    // The next run of one project finds its own.
    await scene.commit('projects', 'Mend', { 'a/bench.mjs': engineProgram(100) });
    ended(await scene.pullRequest(1, 'projects', { 'working-directory': 'a' }), 0, 'passed');
    expect(comments(1)).toHaveLength(3);
    expect(comments(1)[0]).toContain('✅ Passed');
    expect(comments(1)[1]).toBe(ofB);
  });

  it('of an error has the reason first and whole, and the path after it', async () => {
    await scene.commit('deep', 'Break', { [deep]: `${engineConfiguration()}gat: { alpha: 0.1 }\n` });
    const run = ended(await scene.pullRequest(2, 'deep', { config: deep }), 2, 'error');
    const [body = ''] = comments(2);
    const said = 'Unknown key "gat". Did you mean "gate"?';
    const [reason, path] = [body.indexOf(said), body.indexOf(`At \`${deep}`)];
    expect(reason, body).toBeGreaterThan(0);
    expect(path, body).toBeGreaterThan(reason);
    expect(run.summary).toContain(said);
  });

  it('of code that failed has its last words, however long its paths are and whatever it printed before', async () => {
    const folder = `/srv/${'long-name/'.repeat(40)}`;
    const fails = `for (let at = 0; at < 400; at++) console.error('at ${folder}module-' + at + '.js:1:1');\nthrow new Error("ENOENT: no such file or directory, open '${folder}weights.bin'");`;
    await scene.commit('fails', 'Fail', { 'bench.mjs': engineProgram(100, fails) });
    const run = ended(await scene.pullRequest(3, 'fails'), 1, 'failed');
    for (const text of [comments(3)[0] ?? '', run.summary]) {
      expect(text).toContain('ENOENT: no such file or directory');
      expect(text).toContain('weights.bin');
    }
  });

  it('of a person called github-actions is left alone', async () => {
    const planted = '<!-- optimization-gate:default -->\n### ✅ Passed: all is well';
    scene.github.state.viewer = 'github-actions';
    scene.github.addComment(4, planted, { login: 'github-actions', type: 'User' });
    await scene.commit('person', 'Worse', { 'bench.mjs': engineProgram(900) });
    ended(await scene.pullRequest(4, 'person'), 1, 'regressed');
    expect(comments(4)).toEqual([planted, expect.stringContaining('❌ Regressed')]);
    scene.github.state.viewer = 'github-actions[bot]';
  });

  it('of a run that a comment started goes to its pull request, or is said to be missing', async () => {
    const commit = await scene.commit('commented', 'Worse', { 'bench.mjs': engineProgram(900) });
    const unknown = ended(await scene.comment(5, 'commented'), 1, 'regressed');
    expect(said(unknown)).toContain('No comment is posted: GitHub did not tell about pull request #5. The report is in the job summary.');
    expect([comments(5), unknown.summary]).toEqual([[], expect.stringContaining('Regressed')]);
    const base = { ref: 'main', sha: await scene.head('main') };
    scene.github.state.pullRequests.push({ number: 5, state: 'open', label: 'octo:commented', sha: commit, base });
    const known = ended(await scene.comment(5, 'commented'), 1, 'regressed');
    expect(said(known)).not.toContain('No comment is posted');
    expect(comments(5)).toEqual([expect.stringContaining('❌ Regressed')]);
    // An error before the plan finds it too.
    await scene.commit('commented', 'Break', { [file]: 'gat: {}\n' });
    const broken = await scene.head('commented');
    scene.github.state.pullRequests.splice(0, 1, { number: 5, state: 'open', label: 'octo:commented', sha: broken, base });
    ended(await scene.comment(5, 'commented'), 2, 'error');
    expect(comments(5)).toEqual([expect.stringContaining('❌ Error: the gate did not come to a verdict')]);
  });
});
