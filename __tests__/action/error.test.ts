import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openScene, type Scene } from './scene.ts';

const config = 'models: [mini-qwen3-dense]\noptimizations: [{ id: structured-pruning }]\n';

const noAcceptances = '{ "schema": "optimization-gate/accepted/1", "accepted": [] }';

const emptyBaseline = JSON.stringify({
  schema: 'optimization-gate/baseline/1',
  runnerClass: 'another-class',
  model: 'mini-qwen3-dense',
  runtime: 'a'.repeat(64),
  entries: [],
  history: [],
  anchor: null,
});

describe('a run that cannot come to a verdict', { timeout: 200_000 }, () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ 'optimization-gate.yml': config });
  });
  afterAll(() => scene?.close());

  it('ends with 2 and replaces the verdict of an earlier commit by what is wrong', async () => {
    const stale = scene.github.addComment(7, '<!-- optimization-gate:default -->\n### ✅ Passed: an earlier commit');
    await scene.commit('typo', 'Typo', { 'optimization-gate.yml': `${config}gat: { alpha: 0.1 }\n` });
    const run = await scene.pullRequest(7, 'typo');
    expect(run.code, run.stdout).toBe(2);
    expect(run.outputs).toEqual({ verdict: 'error', 'exit-code': '2' });
    expect(run.commands.filter(({ name }) => name === 'error').map(({ message }) => message)).toEqual([
      expect.stringContaining('Unknown key "gat". Did you mean "gate"?'),
    ]);
    expect(scene.github.state.comments).toHaveLength(1);
    expect(stale.body).toContain('### ❌ Error: the gate did not come to a verdict');
    expect(stale.body).toContain('Unknown key "gat"');
    expect(stale.body).not.toContain('Passed');
    expect(run.summary).toContain('error[config-');
  });

  it.each([
    [{ 'fail-onn': 'regressed' }, 'usage-unknown-option'],
    [{ 'comment-key': 'two words' }, 'usage-bad-value'],
  ])('sets the outputs and writes the summary when an input is wrong: %o', async (inputs, code) => {
    await scene.commit('inputs', 'Inputs', { 'README.md': 'inputs' });
    const run = await scene.pullRequest(11, 'inputs', inputs);
    expect(run.code, run.stdout).toBe(2);
    expect(run.outputs).toEqual({ verdict: 'error', 'exit-code': '2' });
    expect(run.summary).toContain(`error[${code}]`);
  });

  it('says which folder lacks the native library', async () => {
    await scene.commit('plain', 'Plain', { 'README.md': 'plain' });
    const run = await scene.pullRequest(8, 'plain', { 'ort-path': scene.workspace });
    expect(run.code, run.stdout).toBeGreaterThan(1);
    expect(run.outputs['verdict']).toBe('error');
    const [body] = scene.github.state.comments.filter(({ issue }) => issue === 8).map((comment) => comment.body);
    expect(body).toContain('error[runtime-not-found]');
    expect(body).toContain('no onnxruntime-node');
  });

  it('stops the pull request that breaks a file below baselines/, and no other', async () => {
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
