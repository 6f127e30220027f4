import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openScene, type Scene } from '../action/scene.ts';

const config = 'models: [mini-qwen3-dense]\noptimizations: [{ id: structured-pruning }]\n';

const noAcceptances = '{ "schema": "optimization-gate/accepted/1", "accepted": [] }';

const emptyBaseline = JSON.stringify({
  schema: 'optimization-gate/baseline/1',
  runnerClass: 'another-class',
  project: null,
  model: 'mini-qwen3-dense',
  runtime: 'a'.repeat(64),
  entries: [],
  history: [],
  anchor: null,
});

describe('files below baselines/', { timeout: 200_000 }, () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ 'optimization-gate.yml': config });
  });
  afterAll(() => scene?.close());

  it('stop the pull request that breaks one of them, and no other', async () => {
    const baseline = 'baselines/another-class/mini-qwen3-dense.json';
    const [broken, accepted] = [{ [baseline]: '{}' }, { 'baselines/accepted.json': '{ "accepted": ' }];
    await scene.commit('breaks', 'Break', { ...broken, 'baselines/README.md': 'notes' });
    await scene.commit('accepts', 'Accept', accepted);
    const breaking = [await scene.pullRequest(9, 'breaks', { mode: 'plan' }), await scene.pullRequest(9, 'accepts', { mode: 'plan' })];
    expect(breaking.map(({ code }) => code)).toEqual([2, 2]);
    expect(breaking[0]?.stdout).toMatch(/error\[baseline-invalid\] baselines\/another-class\/mini-qwen3-dense\.json/);
    expect(breaking[1]?.stdout).toMatch(/error\[acceptance-invalid\] baselines\/accepted\.json/);

    await scene.merge('breaks');
    await scene.merge('accepts');
    await scene.commit('other', 'Other', { 'README.md': 'other' });
    await scene.commit('repairs', 'Repair', { [baseline]: '{"mended": false}', 'baselines/accepted.json': noAcceptances });
    const other = await scene.pullRequest(10, 'other', { mode: 'plan' });
    expect(other.code, other.stdout).toBe(0);
    const { warnings } = JSON.parse(readFileSync(join(scene.workspace, '.optimization-gate', 'plan.json'), 'utf8'));
    expect(warnings).toEqual([
      expect.stringMatching(/^baselines\/accepted\.json of base counts as absent, because it cannot be read\. /),
      expect.stringMatching(/^baselines\/another-class\/mini-qwen3-dense\.json of base counts as absent, because it cannot be read\. /),
    ]);
    // It mends one file, and leaves the other broken.
    expect((await scene.pullRequest(11, 'repairs', { mode: 'plan' })).stdout).toMatch(/error\[baseline-invalid\]/);
    await scene.commit('repairs', 'Repair all', { [baseline]: emptyBaseline });
    const repairing = await scene.pullRequest(11, 'repairs', { mode: 'plan' });
    expect(repairing.code, repairing.stdout).toBe(0);
  });
});
