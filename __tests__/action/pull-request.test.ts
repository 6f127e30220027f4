import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EngineScene, engineProgram, expectRegressed, type Judged, openEngineScene, said } from '../acceptance/engine-scene.ts';

/** `acceptance/pull-request.test.ts` is the same with models, and more. */
describe('a repository with a program that measures', { timeout: 200_000 }, () => {
  let scene: EngineScene;
  let worse: Judged;
  const comments = (): readonly string[] =>
    scene.github.state.comments.filter(({ issue }) => issue === worse.number).map(({ body }) => body);
  beforeAll(async () => {
    scene = await openEngineScene();
  });
  afterAll(() => scene?.close());

  it('writes the first baselines after a push to main', async () => {
    const run = await scene.push(undefined);
    expect(run.code, said(run)).toBe(0);
    const [path = '', ...others] = await scene.list('main', 'baselines');
    expect([path, others]).toEqual([`baselines/${run.outputs['runner-class']}/_measurements.json`, []]);
    expect(JSON.parse(await scene.show('main', path)).entries).toMatchObject([{ cell: 'engine' }]);
    expect(scene.github.state.comments).toEqual([]);
  });

  it('fails a change that is worse, and says by how much', async () => {
    worse = await scene.change({});
    expectRegressed(scene, worse);
  });

  it('passes its fix, and says so in the same comment', async () => {
    const branch = `change-${worse.number}`;
    await scene.commit(branch, 'Fix', { 'bench.mjs': engineProgram(100, '// mended') });
    const run = await scene.pullRequest(worse.number, branch);
    expect(run.code, said(run)).toBe(0);
    expect(run.outputs).toMatchObject({ verdict: 'passed', 'exit-code': '0', regressions: '0' });
    expect(comments()).toEqual([expect.stringContaining('✅ Passed')]);
  });
});
