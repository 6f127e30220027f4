import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openScene, type Scene } from './scene.ts';

type Files = Readonly<Record<string, string>>;

const config = 'models: [mini-qwen3-dense]\noptimizations: [{ id: structured-pruning }]\n';

describe('a run that cannot come to a verdict', { timeout: 200_000 }, () => {
  const marker = '<!-- optimization-gate:default -->';
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ 'optimization-gate.yml': config });
  });
  afterAll(() => scene?.close());

  it('ends with 2 and replaces the verdict of an earlier commit by what is wrong', async () => {
    const stale = scene.github.addComment(7, `${marker}\n### ✅ Passed: an earlier commit`);
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

  it.each<readonly [string, Files, string, string]>([
    ['an unknown input', { 'fail-onn': 'regressed' }, 'usage-unknown-option', 'fail-onn'],
    ['an unknown mode', { mode: 'rum' }, 'usage-bad-value', 'rum'],
    ['a number that is none', { seed: 'many' }, 'usage-bad-value', 'many'],
  ])('tells it in outputs, summary and comment when it ends before the plan: %s', async (_, inputs, code, word) => {
    const stale = scene.github.addComment(11, `${marker}\n### ✅ Passed: an earlier commit`);
    await scene.commit('inputs', 'Inputs', { 'README.md': 'inputs' });
    const run = await scene.pullRequest(11, 'inputs', inputs);
    expect(run.code, run.stdout).toBe(2);
    expect(run.outputs).toEqual({ verdict: 'error', 'exit-code': '2' });
    for (const text of [run.summary, stale.body]) {
      expect(text).toContain(`error[${code}]`);
      expect(text).toContain(word);
    }
    expect(run.stdout).toMatch(new RegExp(`^::error::error\\[${code}\\]`, 'm'));
    scene.github.state.comments.splice(0, Infinity, ...scene.github.state.comments.filter(({ issue }) => issue !== 11));
  });

  it.each<readonly [string, Files, Files, string]>([
    ['a bad comment-key', { 'comment-key': 'two words' }, {}, 'usage-bad-value'],
    ['an event without a payload', {}, { GITHUB_EVENT_PATH: '/nonexistent/event.json' }, 'document-invalid'],
    ['an event of no repository', {}, { GITHUB_REPOSITORY: 'models' }, 'document-invalid'],
  ])('tells it in outputs and summary where no comment is known: %s', async (_, inputs, variables, code) => {
    await scene.commit('inputs', 'Inputs', { 'README.md': 'inputs' });
    const run = await scene.pullRequest(12, 'inputs', inputs, variables);
    expect(run.code, run.stdout).toBe(2);
    expect(run.outputs).toEqual({ verdict: 'error', 'exit-code': '2' });
    expect(run.summary).toContain(`error[${code}]`);
    expect(run.stdout).toMatch(new RegExp(`^::error::error\\[${code}\\]`, 'm'));
  });

  it('tells of a working directory that is not there, by its name', async () => {
    await scene.commit('inputs', 'Inputs', { 'README.md': 'inputs' });
    const run = await scene.pullRequest(13, 'inputs', { 'working-directory': 'no/such' });
    expect(run.code, run.stdout).toBe(2);
    expect(run.outputs).toEqual({ verdict: 'error', 'exit-code': '2' });
    const bodies = scene.github.state.comments.filter(({ issue }) => issue === 13).map(({ body }) => body);
    expect(bodies).toEqual([
      expect.stringMatching(/❌ Error in `no\/such`: [\s\S]*The working directory was opened. Expected a folder, found none\./),
    ]);
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
});
