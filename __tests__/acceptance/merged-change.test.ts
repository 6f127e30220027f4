import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { expectExit, metric, report, strongestFirst } from '../action/pruning-scene.ts';
import { openScene } from '../action/scene.ts';

it('a change that was merged: its numbers become the baselines, and the next pull request shows them', async () => {
  const { strongest, files } = await strongestFirst();
  const scene = await openScene(files);
  try {
    expectExit(await scene.push(undefined), 0);
    await scene.commit('importance', 'Keep the strongest', { 'optimize/prune.mjs': strongest });
    const merged = await scene.push(await scene.merge('importance'));
    expectExit(merged, 0);
    const [path = ''] = await scene.list('main', 'baselines');
    const baseline = JSON.parse(await scene.show('main', path));
    expect(baseline.history).toHaveLength(2);
    const stored = baseline.entries[0].metrics.find(({ id }: { id: string }) => id === 'nll-delta');
    expect(stored.value).toBe(metric(merged, 'nll-delta')?.head);

    await scene.commit('docs', 'Say more', { 'README.md': '# models\n\nPruned.\n' });
    const next = await scene.pullRequest(8, 'docs');
    expectExit(next, 0);
    expect(report(next).cells).toMatchObject([{ verdict: 'unchanged' }]);
    expect(metric(next, 'nll-delta')).toMatchObject({ verdict: 'unchanged', head: stored.value, base: stored.value });
    const comments = scene.github.state.comments.filter(({ issue }) => issue === 8).map(({ body }) => body);
    expect(comments).toEqual([expect.stringContaining('stored baselines are from today')]);
    expect(existsSync(join(scene.workspace, 'node_modules'))).toBe(false);
  } finally {
    await scene.close();
  }
}, 400_000);
