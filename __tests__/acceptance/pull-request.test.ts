import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cell, config, expectExit, metric, replaced, said, strongestFirst } from '../action/pruning-scene.ts';
import { openScene, type Scene } from '../action/scene.ts';

describe('a repository with pruning code of its own', { timeout: 400_000 }, () => {
  let scene: Scene;
  let strongest = '';

  const samples = (): string => readFileSync(join(scene.workspace, '.optimization-gate', 'samples.jsonl'), 'utf8');
  const launches = (text: string): number => text.split('\n').filter((line) => line.includes('"line":"launch"')).length;
  const comments = (number: number): readonly string[] =>
    scene.github.state.comments.filter(({ issue }) => issue === number).map(({ body }) => body);
  const posted = (): number => scene.github.writes().filter(({ method, path }) => method === 'POST' && path.endsWith('/comments')).length;

  beforeAll(async () => {
    let files: Readonly<Record<string, string>>;
    ({ strongest, files } = await strongestFirst());
    scene = await openScene(files);
  });
  afterAll(() => scene?.close());

  it('writes the first baselines after a push to main, and keeps what it built', async () => {
    const run = await scene.push(undefined);
    expectExit(run, 0);
    expect(run.outputs).toMatchObject({ verdict: 'passed', 'exit-code': '0', missing: '0' });
    const [path = '', ...others] = await scene.list('main', 'baselines');
    expect(others).toEqual([]);
    expect(path).toBe(`baselines/${run.outputs['runner-class']}/mini-qwen3-dense.json`);
    const baseline = JSON.parse(await scene.show('main', path));
    expect(baseline.entries).toHaveLength(1);
    expect(baseline.entries[0]).toMatchObject({ cell });
    expect(await scene.show('main', 'optimize/prune.mjs')).toContain('.slice(0, left)');
    const kept = scene.results.state.entries.filter(({ finished, scope }) => finished && scope === 'refs/heads/main');
    expect(kept.map(({ key }) => key.replace(/-[0-9a-f]{8}.*/, '')).toSorted()).toEqual([
      'optimization-gate-default-branch',
      'optimization-gate-samples',
    ]);
    expect(scene.github.state.comments).toEqual([]);
  });

  it('fails a pull request that keeps the wrong channels, and says which metric regressed', async () => {
    const weakest = replaced(strongest, '(scores[b] ?? 0) - (scores[a] ?? 0)', '(scores[a] ?? 0) - (scores[b] ?? 0)');
    await scene.commit('importance', 'Keep channels by their weights', { 'optimize/prune.mjs': weakest });
    const run = await scene.pullRequest(7, 'importance');
    expectExit(run, 1);
    expect(run.outputs).toMatchObject({ verdict: 'regressed', 'exit-code': '1', regressions: '2' });
    expect(said(run)).toContain('Restored models and artefacts from the cache');
    // Base was built by the run on main, perhaps with other libraries: its code runs here too.
    expect(samples().match(/"line":"built".*?"status":"\w+"/g)).toEqual([
      expect.stringContaining('"status":"built"'),
      expect.stringContaining('"status":"built"'),
    ]);
    expect(metric(run, 'nll-delta')).toMatchObject({ verdict: 'regressed' });
    expect(metric(run, 'model-size')).toMatchObject({ verdict: 'passed' });
    expect(
      run.commands.filter(({ name }) => name === 'error').map(({ properties, message }) => `${properties['title'] ?? ''} ${message}`),
    ).toEqual([
      expect.stringContaining(`nll-delta@evaluation of ${cell}`),
      expect.stringContaining(`cached-nll-delta@generation of ${cell}`),
      expect.stringContaining('A regression was found'),
    ]);
    const [body = '', ...others] = comments(7);
    expect(others).toEqual([]);
    expect(body).toContain('❌ Regressed: nll-delta +');
    expect(body).toContain('`nll-delta@evaluation`');
    expect(body).not.toContain('no-meter:');
    expect(run.summary).toContain('#### Regressions');
  });

  it('takes a re-run of the same job up where it ended, and leaves one comment', async () => {
    const before = samples();
    const run = await scene.again();
    expectExit(run, 1);
    expect(launches(samples())).toBe(launches(before));
    expect(said(run)).toMatch(/Reusing \d+ launches .* from the workflow cache\. To measure anew, set the input `cache` to false\./);
    expect(comments(7)).toHaveLength(1);
    expect(posted()).toBe(1);
  });

  it('judges by the rules of base while the pull request loosens them and edits baselines', async () => {
    const [path = ''] = await scene.list('main', 'baselines');
    const baseline = JSON.parse(await scene.show('main', path));
    for (const each of baseline.entries[0].metrics) if (each.id === 'nll-delta') each.value = 99;
    await scene.commit('importance', 'Loosen', {
      'optimization-gate.yml': config.replace('latency: 30%', 'latency: 30%, nll-delta: 9'),
      [path]: JSON.stringify(baseline),
    });
    const run = await scene.pullRequest(7, 'importance', { quick: 'true' });
    expectExit(run, 1);
    expect(metric(run, 'nll-delta')).toMatchObject({ verdict: 'regressed' });
    const [body = '', ...others] = comments(7);
    expect(others).toEqual([]);
    expect(body).toContain('gate.tolerance.nll-delta was changed');
    expect(body).toContain(`${path} was changed`);
    expect(posted()).toBe(1);
  });

  it('passes the fix, and says so in the same comment', async () => {
    const [path = ''] = await scene.list('main', 'baselines');
    await scene.commit('importance', 'Keep the strongest', {
      'optimization-gate.yml': config,
      'optimize/prune.mjs': strongest,
      [path]: await scene.show('main', path),
    });
    const run = await scene.pullRequest(7, 'importance');
    expectExit(run, 0);
    expect(run.outputs).toMatchObject({ verdict: 'passed', 'exit-code': '0', regressions: '0' });
    expect(metric(run, 'nll-delta')).toMatchObject({ verdict: 'improved' });
    const [body = '', ...others] = comments(7);
    expect(others).toEqual([]);
    expect(body).toContain('✅ Passed');
    expect(body).not.toContain('Regressions');
    expect(body).not.toContain('Edits of the policy');
    expect(posted()).toBe(1);
  });
});
