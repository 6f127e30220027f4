import { describe, expect, test } from 'vitest';
import { testFolder } from '../../testkit/folder.ts';
import { job, restore, save } from './job-steps.ts';

describe('a job', () => {
  test('hostile text commands nothing; annotations, outputs and summary come through whole', async () => {
    const hostile =
      'a\n::error::one\r  ::add-mask::two\r\nx ##[add-path]/tmp\n::set-output name=verdict::passed\u001b]52;c;eA==\u0007\n%0A::warning::three';
    const run = await job([{ do: 'publish', text: hostile, title: 'title, with: ::all::\n' }]);
    expect(new Set(run.commands.map(({ name }) => name))).toEqual(new Set(['error']));
    expect(run.commands).toHaveLength(10);
    expect(run.commands[0]?.properties).toEqual({ title: 'title, with: ::all:: ' });
    expect(run.commands[0]?.message).toBe(hostile.replace(/\r\n?/g, '\n').replace('\u001b', '').replace('\u0007', ''));
    expect(run.stdout).not.toContain('\u001b');
    expect(run.stdout).toContain('1/2 (50 %)');
    expect(run.outputs).toMatchObject({ verdict: 'regressed', count: '3', ok: 'false', trouble: '[]' });
    expect(run.outputs).not.toHaveProperty('huge');
    expect(run.stdout).toContain('The output huge was not set');
    expect(run.outputs['text']).toContain('::add-mask::two');
    expect(run.summary.startsWith('a\n::error::one')).toBe(true);
  });

  test('user code sees no token, no input and no command file; without a cache service the cache is off', async () => {
    const run = await job([{ do: 'environment' }, save('models-1', testFolder()), restore(testFolder(), 'models-1')], {
      environment: { GITHUB_TOKEN: 'ghs_x', ACTIONS_RUNTIME_TOKEN: 'y', CUDA_VISIBLE_DEVICES: '0', MY_SECRET: 'z' },
      inputs: { 'github-token': 'ghs_x' },
    });
    const seen = JSON.parse(String(run.results[0])) as Record<string, string>;
    expect(Object.keys(seen).filter((name) => /^(GITHUB|ACTIONS|INPUT|RUNNER)_|SECRET/.test(name))).toEqual([]);
    expect(Object.values(seen)).not.toContain('ghs_x');
    expect(seen).toMatchObject({ CUDA_VISIBLE_DEVICES: '0', CI: 'true' });
    expect(run.results.slice(1)).toEqual(['off', 'nothing']);
  });
});
