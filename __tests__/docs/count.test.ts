import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { patternOf, shardOf, stories, testsOf } from '../../scripts/acceptance-shard.ts';
import { root } from './documentation.ts';

const folder = mkdtempSync(join(tmpdir(), 'count-'));
afterAll(() => rmSync(folder, { recursive: true }));

type Run = readonly [report: object | null, status: number];

const count = (...runs: readonly Run[]): { readonly lastLine: string | undefined; readonly status: number | null } => {
  const args = runs.flatMap(([written, status], at) => {
    const path = join(folder, `report-${at}.json`);
    rmSync(path, { force: true });
    if (written !== null) writeFileSync(path, JSON.stringify(written));
    return [path, String(status)];
  });
  const ended = spawnSync(process.execPath, [join(root, '.ci/count.mjs'), ...args], { encoding: 'utf8' });
  return { lastLine: ended.stdout.trimEnd().split('\n').at(-1), status: ended.status };
};

const file = (...statuses: readonly string[]) => ({
  status: statuses.length === 0 || statuses.includes('failed') ? 'failed' : 'passed',
  assertionResults: statuses.map((status) => ({ status })),
});
const report = (passed: number, failed: number, skipped: number, files: readonly object[]) => ({
  numPassedTests: passed,
  numFailedTests: failed,
  numPendingTests: skipped,
  numTodoTests: 0,
  testResults: files,
});

describe('the last line of .ci/run', () => {
  it.each([
    ['all passed', report(2, 0, 0, [file('passed', 'passed')]), 0, '2 passed, 0 failed', 0],
    ['some skipped', report(1, 0, 1, [file('passed', 'pending')]), 0, '1 passed, 0 failed, 1 skipped', 0],
    ['one failed', report(1, 1, 0, [file('passed', 'failed')]), 1, '1 passed, 1 failed', 1],
    ['a file that does not load', report(1, 0, 0, [file('passed'), file()]), 1, '1 passed, 1 failed', 1],
    ['an error outside of tests', report(1, 0, 0, [file('passed')]), 1, '1 passed, 1 failed', 1],
    ['no test at all', report(0, 0, 0, []), 0, '0 passed, 1 failed', 1],
    ['lint or types failed', null, 1, '0 passed, 1 failed', 1],
  ])('%s', (_name, written, status, lastLine, exit) => {
    expect(count([written, status])).toEqual({ lastLine, status: exit });
  });

  const whole: Run = [report(2, 0, 1, [file('passed', 'passed', 'pending')]), 0];
  it.each([
    ['both passed; what the shard left out is not skipped', [report(1, 0, 9, [file('passed')]), 0], '3 passed, 0 failed, 1 skipped', 0],
    ['the shard failed', [report(0, 1, 9, [file('failed')]), 1], '2 passed, 1 failed, 1 skipped', 1],
    ['the shard did not run', [null, 1], '2 passed, 1 failed, 1 skipped', 1],
  ] as const)('with a shard of the acceptance tests: %s', (_name, shard, lastLine, exit) => {
    expect(count(whole, shard)).toEqual({ lastLine, status: exit });
  });
});

describe('the shard of the acceptance tests', () => {
  const names = ['a > one', 'a > two (2 %)', 'b > one', 'b > one more', 'c > $1 [x]'];

  it('holds every test in exactly one shard, and a story as a whole', () => {
    const [story = ''] = stories;
    const told = ['d > one', 'd > two', 'd > three'];
    const tests = [...names.map((name) => ({ name, file: '/a.test.ts' })), ...told.map((name) => ({ name, file: `/${story}` }))];
    const shards = [0, 1, 2].map((shard) => testsOf(tests, shard, 3));
    expect(shards.flat().sort()).toEqual([...names, ...told].sort());
    expect(shards.filter((shard) => shard.some((name) => told.includes(name)))).toEqual([expect.arrayContaining(told)]);
  });

  it('knows stories that there are', () => {
    for (const story of stories) expect(existsSync(join(root, '__tests__/acceptance', story)), story).toBe(true);
  });

  it('is drawn by the commit', () => {
    expect(shardOf('00000007aaaa', 6)).toBe(1);
    expect(shardOf('0000000baaaa', 6)).toBe(5);
  });

  it('is matched by a pattern that no other test matches', () => {
    const spoken = names.map((name) => name.replace(' > ', ' '));
    for (const [at, name] of names.entries())
      expect(spoken.filter((each) => new RegExp(patternOf([name])).test(each))).toEqual([spoken[at]]);
  });
});
