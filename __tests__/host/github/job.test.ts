import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { cachePaths } from '../../../src/host/github/cache.ts';
import { events } from '../../testkit/events.ts';
import { testFolder } from '../../testkit/folder.ts';
import { type ResultsService, startResultsService, truncateBlob } from '../../testkit/results-service.ts';
import { runAction } from '../../testkit/run-action.ts';

const program = join(import.meta.dirname, 'job.ts');

const job = async (
  steps: readonly unknown[],
  options: { cwd?: string; environment?: Record<string, string>; inputs?: Record<string, string> } = {},
) => {
  const { cwd = testFolder(), ...rest } = options;
  const run = await runAction({
    program,
    arguments: [JSON.stringify(steps)],
    cwd,
    eventName: 'push',
    event: events.push('refs/heads/topic'),
    ...rest,
  });
  expect(run).toMatchObject({ code: 0, stderr: '' });
  return { ...run, results: JSON.parse(run.outputs['results'] ?? '') as unknown[] };
};

const save = (key: string, ...paths: readonly string[]) => ({ do: 'save', key, paths });
const restore = (key: string, prefixes: readonly string[], ...paths: readonly string[]) => ({ do: 'restore', key, prefixes, paths });

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
    expect(run.stdout).toContain('output huge was left out');
    expect(run.outputs['text']).toContain('::add-mask::two');
    expect(run.summary.startsWith('a\n::error::one')).toBe(true);
  });

  test('user code sees no token, no input and no command file; without a cache service the cache is off', async () => {
    const run = await job([{ do: 'environment' }, save('models-1', '.'), restore('models-1', [], '.')], {
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

describe('cache', () => {
  const serve = async (): Promise<ResultsService> => {
    const started = await startResultsService(join(testFolder(), 'blobs'));
    onTestFinished(() => started.close());
    return started;
  };
  const files = { 'store/blobs/ab/model.bin': Buffer.alloc(300_000, 'weights'), 'store/index.json': Buffer.from('{}') };
  const filledFolder = async (): Promise<string> => {
    const workspace = testFolder();
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(workspace, path)), { recursive: true });
      await writeFile(join(workspace, path), content);
    }
    return workspace;
  };

  test('saved in one workspace, restored in another: bytes equal, by key and by prefix; an entry is never replaced, a damaged one is none', async () => {
    const service = await serve();
    const environment = service.environment();
    const here = await filledFolder();
    const saved = await job([save('models-1', join(here, 'store')), save('models-1', 'store')], { cwd: here, environment });
    expect(saved.results).toEqual(['saved', 'exists']);
    expect(service.state.calls.filter((call) => call.startsWith('PUT'))).toHaveLength(1);

    const there = testFolder();
    const found = await job([restore('other', [], 'store'), restore('models-2', ['models-'], join(there, 'store'))], {
      cwd: there,
      environment,
    });
    expect(found.results).toEqual(['nothing', 'models-1']);
    for (const [path, content] of Object.entries(files)) expect((await readFile(join(there, path))).equals(content)).toBe(true);

    for (const entry of service.state.entries) await truncateBlob(entry, 40);
    const damaged = await job([restore('models-1', [], 'store')], {
      cwd: testFolder(),
      environment: service.environment('refs/pull/7/merge'),
    });
    expect(damaged.results).toEqual(['nothing']);
    expect(service.state.calls.filter((call) => call.startsWith('GET blob')).length).toBeGreaterThan(1);
  });

  test('a run that may only read says so once and goes on; bad keys, patterns and missing paths are no errors', async () => {
    const service = await serve();
    service.state.readOnly = true;
    const cwd = await filledFolder();
    const steps = [
      save('a,b', 'store'),
      restore('a,b', [], 'store'),
      save('models-1', 'st*re'),
      save('models-1'),
      save('models-1', 'store'),
      save('models-2', 'store'),
    ];
    const run = await job([...steps, save('models-1', 'nowhere')], { cwd, environment: service.environment() });
    expect(run.results).toEqual(['off', 'nothing', 'off', 'off', 'denied', 'denied', 'off']);
    expect(run.stdout.match(/this run may only read it/g)).toHaveLength(1);
    expect(run.stdout).toContain('could not be written');
    expect(service.state.entries).toEqual([]);
  });

  test('paths are named alike on every runner', () => {
    const paths = (directory: string, home: string) =>
      cachePaths([`${home}/.cache/gate`, `${directory}/b`, 'a', `${directory}/b`, '/opt/x'], directory, home);
    expect(paths('/home/one/work/repo', '/home/one')).toEqual(['/opt/x', 'a', 'b', '~/.cache/gate']);
    expect(paths('/srv/work', '/root')).toEqual(paths('/home/one/work/repo', '/home/one'));
    expect(cachePaths([], '/srv', '/root')).toBeNull();
  });
});
