import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ActionRun } from '../testkit/run-action.ts';
import { engineConfiguration } from './engine-configuration.ts';
import { commentOn, type EngineScene, engineProgram, openEngineScene, said } from './engine-scene.ts';

interface Stored {
  readonly project: string | null;
  readonly entries: readonly { readonly commit: string; readonly metrics: readonly { readonly value: number }[] }[];
  readonly history: readonly { readonly commit: string }[];
  readonly anchor: { readonly commit: string } | null;
}

const expectWritten = (run: ActionRun, code = 0): void => {
  expect(run.code, said(run)).toBe(code);
  expect(run.outputs['exit-code']).toBe(String(code));
  expect(said(run)).toContain('Baselines written (1 file)');
};

describe('jobs of one commit', { timeout: 400_000 }, () => {
  const project = (name: string, size: number) => ({
    [`${name}/optimization-gate.yml`]: engineConfiguration(),
    [`${name}/bench.mjs`]: engineProgram(size),
  });
  let scene: EngineScene;
  beforeAll(async () => {
    scene = await openEngineScene({ ...project('packages/a', 200), ...project('packages/b', 300) });
  });
  afterAll(() => scene?.close());

  it('each write their own baselines: projects of a repository, and classes of runners', async () => {
    const measured = await scene.head('main');
    const jobs = [{}, { 'working-directory': 'packages/a' }, { 'working-directory': 'packages/b' }];
    for (const inputs of jobs) expectWritten(await scene.push(undefined, inputs, {}, measured));
    const other = await scene.push(undefined, { set: 'runtime.threads=2' }, {}, measured);
    expectWritten(other);
    const classes = new Set((await scene.list('main', 'baselines')).map((path) => path.split('/')[1]));
    expect(classes).toContain(other.outputs['runner-class']);
    expect(classes.size).toBe(2);
    const files: readonly Stored[] = await Promise.all(
      (await scene.list('main', 'baselines')).map(async (path) => JSON.parse(await scene.show('main', path))),
    );
    const stored = files.map(({ project: of, entries }) => [of, ...entries.map(({ commit, metrics }) => [commit, metrics[0]?.value])]);
    expect(stored.toSorted()).toEqual(
      [
        ['packages/a', [measured, 200]],
        ['packages/b', [measured, 300]],
        [null, [measured, 100]],
        [null, [measured, 100]],
      ].toSorted(),
    );

    // A change of nothing that is measured shows what is stored, in each of them.
    await scene.commit('docs', 'Say more', { 'README.md': 'more' });
    for (const [at, size] of [100, 200, 300].entries()) {
      const run = await scene.pullRequest(10 + at, 'docs', jobs[at]);
      expect(run.code, said(run)).toBe(0);
      const { cells } = JSON.parse(readFileSync(run.outputs['report-json'] ?? '', 'utf8'));
      expect(cells).toMatchObject([{ verdict: 'unchanged', metrics: [{ base: size, head: size }] }]);
      expect(commentOn(scene, 10 + at)).toContain('stored baselines are from today');
    }
  });
});

describe('updates that end in another order than that of their commits', { timeout: 400_000 }, () => {
  let scene: EngineScene;
  beforeAll(async () => {
    scene = await openEngineScene();
  });
  afterAll(() => scene?.close());

  it('leave the youngest commit current, its history in order, and write nothing twice', async () => {
    const commits = [await scene.head('main')];
    for (const size of [90, 80]) commits.push(await scene.commit('main', `Size ${size}`, { 'bench.mjs': engineProgram(size) }));
    const [first = '', second = '', third = ''] = commits;
    expectWritten(await scene.push(undefined, {}, {}, first));
    expectWritten(await scene.push(second, {}, {}, third));
    // Another writer is faster, once.
    const stale = { type: 'STALE_DATA', path: ['createCommitOnBranch'], message: 'Expected branch to point to "x" but it did not.' };
    const body = { data: { createCommitOnBranch: null }, errors: [stale] };
    scene.github.state.faults.push({ times: 1, status: 200, path: /^\/graphql$/, body });
    expectWritten(await scene.push(first, {}, {}, second));
    const [path = '', ...others] = await scene.list('main', 'baselines');
    expect(others).toEqual([]);
    const stored: Stored = JSON.parse(await scene.show('main', path));
    expect(stored.entries.map(({ commit, metrics }) => [commit, metrics.map(({ value }) => value)])).toEqual([[third, [80]]]);
    expect(stored.history.map(({ commit }) => commit)).toEqual(commits);
    expect(stored.anchor?.commit).toBe(first);

    const before = await scene.head('main');
    const again = await scene.again();
    expect(again.code, said(again)).toBe(0);
    expect(said(again)).toContain('The baselines of this commit are written already.');
    expect(await scene.head('main')).toBe(before);
  });
});
