import { describe, expect, test } from 'vitest';
import type { BaselineChange } from '../../../src/host/contract.ts';
import type { GitHubHostOptions } from '../../../src/host/github/host.ts';
import { events } from '../../testkit/events.ts';
import { commitFiles, git } from '../../testkit/git.ts';
import { openSetting, type Setting } from './setting.ts';

const sha = (digit: string): string => digit.repeat(40);
const push = events.push('refs/heads/main');
const onMain = (setting: Setting, options: GitHubHostOptions = {}) => setting.host('push', push, options);

/** Adds an entry to the list in a file where it lacks it, as `update` adds a commit to a history. */
const adding = (entry: string, forCommit: string, path = 'linux-x64/tiny.json'): BaselineChange => ({
  forCommit,
  files: async (read) => {
    const known = JSON.parse((await read(path)) ?? '[]') as string[];
    return { [path]: JSON.stringify(known.includes(entry) ? known : [...known, entry]) };
  },
});

const fileAt = (setting: Setting, path: string) => git(setting.repository, ['cat-file', 'blob', `main:${path}`]);
const count = async (setting: Setting) => Number(await git(setting.repository, ['rev-list', '--count', 'main']));
const headOf = async (setting: Setting): Promise<string> => (await git(setting.repository, ['rev-parse', 'main'])).trim();

/** A commit on top of `parent` that no branch holds, as a merge queue makes them. */
const queued = (setting: Setting, parent: string, message: string): Promise<string> =>
  commitFiles(setting.repository, { parent, files: { 'README.md': message }, message, index: `${setting.repository}/queued.index` });

/** Merges that many commits into main. Returns them, the oldest first. */
const merged = async (setting: Setting, commits: number): Promise<readonly string[]> => {
  const made: string[] = [];
  for (let index = 0; index < commits; index += 1) {
    const commit = await queued(setting, await headOf(setting), `merge ${index}`);
    await git(setting.repository, ['update-ref', 'refs/heads/main', commit]);
    made.push(commit);
  }
  return made;
};

describe('baselines on GitHub', () => {
  test('are one commit on the default branch that starts no workflow and leaves other files alone', async () => {
    const setting = await openSetting({
      'README.md': 'hello\n',
      'baselines/linux-x64/tiny.json': '["a"]',
      'baselines/linux-x64/other.json': '["z"]',
    });
    const measured = await headOf(setting);
    expect(await onMain(setting).writeBaselines(adding('b', measured))).toBe('written');
    expect(await fileAt(setting, 'baselines/linux-x64/tiny.json')).toBe('["a","b"]');
    expect(await fileAt(setting, 'baselines/linux-x64/other.json')).toBe('["z"]');
    expect(await count(setting)).toBe(2);
    const message = await git(setting.repository, ['log', '-1', '--format=%B', 'main']);
    expect(message).toContain('[skip ci]');
    expect(await git(setting.repository, ['log', '-1', '--format=%(trailers:key=Baseline-For,valueonly)', 'main'])).toBe(`${measured}\n\n`);
  });

  test('text that is not ASCII survives, in a new folder', async () => {
    const setting = await openSetting();
    const content = '{"naïve": "数 🙂"}\n';
    const forCommit = await headOf(setting);
    await onMain(setting).writeBaselines({ forCommit, files: async () => ({ 'gpu_h200+cuda@12/new.model.json': content }) });
    expect(await fileAt(setting, 'baselines/gpu_h200+cuda@12/new.model.json')).toBe(content);
  });

  test('the same commit is written once, and unchanged content not at all', async () => {
    const setting = await openSetting();
    const [first = '', second = ''] = await merged(setting, 2);
    expect(await onMain(setting).writeBaselines(adding('a', first))).toBe('written');
    expect(await onMain(setting).writeBaselines(adding('a', first))).toBe('already');
    const same: BaselineChange = {
      forCommit: second,
      files: async (read) => ({ 'linux-x64/tiny.json': (await read('linux-x64/tiny.json')) ?? '' }),
    };
    expect(await onMain(setting).writeBaselines(same)).toBe('already');
    expect(await fileAt(setting, 'baselines/linux-x64/tiny.json')).toBe('["a"]');
    expect(await count(setting)).toBe(4);
  });

  test('six writers at once: nothing is lost and nothing is written twice', async () => {
    const setting = await openSetting();
    const digits = ['1', '2', '3', '4', '5', '6'];
    const commits = await merged(setting, digits.length);
    const write = (digit: string, index: number) => onMain(setting, { seed: digit }).writeBaselines(adding(digit, commits[index] ?? ''));
    expect(await Promise.all(digits.map(write))).toEqual(digits.map(() => 'written'));
    const entries = JSON.parse(await fileAt(setting, 'baselines/linux-x64/tiny.json')) as string[];
    expect(entries.toSorted()).toEqual(digits);
    expect(await count(setting)).toBe(13);
    const refused = setting.github.writes().length - digits.length;
    expect(refused).toBeGreaterThan(0);
    expect(setting.pauses).toHaveLength(refused);
  });

  test('a lost answer is not a second commit', async () => {
    const setting = await openSetting();
    setting.github.state.faults.push({ times: 1, status: 502, path: /^\/graphql$/, after: true });
    expect(await onMain(setting).writeBaselines(adding('a', await headOf(setting)))).toBe('already');
    expect(await fileAt(setting, 'baselines/linux-x64/tiny.json')).toBe('["a"]');
    expect(await count(setting)).toBe(2);
  });

  test('every class and project writes its own of one commit', async () => {
    const setting = await openSetting();
    const measured = await headOf(setting);
    const paths = ['cpu/tiny.json', 'gpu/tiny.json', 'gpu/other.json'];
    const written = await Promise.all(paths.map((path) => onMain(setting, { seed: path }).writeBaselines(adding('a', measured, path))));
    expect(written).toEqual(paths.map(() => 'written'));
    for (const path of paths) expect(await fileAt(setting, `baselines/${path}`)).toBe('["a"]');
  });

  test('tells which commits of a file descend from the measured one', async () => {
    const setting = await openSetting();
    const root = await headOf(setting);
    const [first = '', second = ''] = await merged(setting, 2);
    const gone = await queued(setting, root, 'forced away');
    const answers: Record<string, boolean> = {};
    await onMain(setting).writeBaselines({
      forCommit: first,
      files: async (_, descends) => {
        for (const [name, commit] of Object.entries({ root, first, second, gone, unknown: sha('1') }))
          answers[name] = await descends(commit);
        return { 'cpu/tiny.json': '[]' };
      },
    });
    expect(answers).toEqual({ root: false, first: false, second: true, gone: false, unknown: false });
  });

  test('a branch that never holds still ends in baseline-conflict, with nothing written', async () => {
    const setting = await openSetting();
    const errors = [
      {
        type: 'STALE_DATA',
        path: ['createCommitOnBranch'],
        message: 'Expected branch to point to "x" but it did not. Pull and try again.',
      },
    ];
    setting.github.state.faults.push({
      times: 99,
      status: 200,
      path: /^\/graphql$/,
      body: { data: { createCommitOnBranch: null }, errors },
    });
    await expect(onMain(setting).writeBaselines(adding('a', await headOf(setting)))).rejects.toMatchObject({
      code: 'baseline-conflict',
      where: 'branch main',
    });
    expect(setting.github.writes()).toHaveLength(16);
    expect(await count(setting)).toBe(1);
  });

  test('refusals name the remedy: no write permission, a protected branch', async () => {
    const setting = await openSetting();
    setting.github.state.readOnly = true;
    const write = async () => onMain(setting).writeBaselines(adding('a', await headOf(setting)));
    await expect(write()).rejects.toMatchObject({ code: 'github-permission', message: expect.stringContaining('contents: write') });
    setting.github.state.readOnly = false;
    setting.github.state.protected = true;
    await expect(write()).rejects.toMatchObject({ code: 'github-permission', message: expect.stringContaining('input `token`') });
    expect(await count(setting)).toBe(1);
  });

  test('a commit counts once main holds it: not while it waits in the merge queue, and not after it was forced away', async () => {
    const setting = await openSetting();
    const root = await headOf(setting);
    const group = await queued(setting, root, 'group');
    const untrusted = (how: string) => ({ code: 'baseline-untrusted', where: 'branch main', message: expect.stringContaining(how) });
    await expect(onMain(setting).writeBaselines(adding('a', group))).rejects.toMatchObject(untrusted('(behind)'));
    const [landed = ''] = await merged(setting, 1);
    await expect(onMain(setting).writeBaselines(adding('a', group))).rejects.toMatchObject(untrusted('(diverged)'));
    await expect(onMain(setting).writeBaselines(adding('a', sha('1')))).rejects.toMatchObject(untrusted('does not know that commit'));
    expect(setting.github.writes()).toEqual([]);
    expect(await count(setting)).toBe(2);
    expect(await onMain(setting).writeBaselines(adding('a', landed))).toBe('written');
    expect(await onMain(setting).writeBaselines(adding('b', root))).toBe('written');
  });

  test('how the commit stands to main is asked again when the answer is lost, and no reason to write when it cannot be read', async () => {
    const setting = await openSetting();
    const root = await headOf(setting);
    await merged(setting, 1);
    const path = /\/compare\//;
    setting.github.state.faults.push({ times: 1, status: 502, path });
    expect(await onMain(setting).writeBaselines(adding('a', root))).toBe('written');
    setting.github.state.faults.push({ times: 1, status: 200, path, body: { status: 'whatever' } });
    await expect(onMain(setting).writeBaselines(adding('b', root))).rejects.toMatchObject({ code: 'github-failed' });
  });

  test.each([
    ['a pull request', 'pull_request', events.pullRequest(7)],
    ['a push to another branch', 'push', events.push('refs/heads/topic')],
    ['a tag of the name of the default branch', 'push', events.push('refs/tags/main')],
    ['a merge queue', 'merge_group', events.mergeGroup(sha('a'))],
    ['a merge queue of another branch', 'merge_group', events.mergeGroup(sha('a'), 'refs/heads/release')],
  ])('%s writes none', async (_, name, event) => {
    const setting = await openSetting();
    await expect(setting.host(name, event).writeBaselines(adding('a', sha('1')))).rejects.toMatchObject({ code: 'baseline-untrusted' });
    expect(setting.github.state.requests).toEqual([]);
  });

  test('a path that could lead out of baselines/ is refused, to read and to write', async () => {
    const setting = await openSetting();
    const host = onMain(setting);
    const forCommit = await headOf(setting);
    const paths = [
      '../README.md',
      '/etc/passwd',
      'a/../b.json',
      '.git/config',
      'a//b',
      'a\\b',
      'a b',
      '',
      `${'x/'.repeat(5)}y`,
      'a?ref=b',
      'a%2Fb',
    ];
    for (const path of paths) {
      const written = host.writeBaselines({ forCommit, files: async () => ({ [path]: '{}' }) });
      await expect(written, path).rejects.toMatchObject({ code: 'baseline-invalid' });
      const read = host.writeBaselines({ forCommit, files: async (at) => ({ 'a.json': (await at(path)) ?? '' }) });
      await expect(read, path).rejects.toMatchObject({ code: 'baseline-invalid' });
    }
    expect(setting.github.writes()).toEqual([]);
  });

  test('a commit that is not one, and no token', async () => {
    const setting = await openSetting();
    await expect(onMain(setting).writeBaselines(adding('a', 'HEAD'))).rejects.toMatchObject({ code: 'baseline-invalid' });
    await expect(onMain(setting, { token: null }).writeBaselines(adding('a', sha('1')))).rejects.toMatchObject({
      code: 'github-permission',
    });
  });

  test('what the update itself throws comes through as it is', async () => {
    const setting = await openSetting();
    const failing = { forCommit: await headOf(setting), files: () => Promise.reject(new TypeError('in the update')) };
    await expect(onMain(setting).writeBaselines(failing)).rejects.toThrow(new TypeError('in the update'));
  });
});
