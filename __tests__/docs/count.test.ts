import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { root } from './documentation.ts';

const folder = mkdtempSync(join(tmpdir(), 'count-'));
afterAll(() => rmSync(folder, { recursive: true }));

const count = (report: object | null, status: number): { readonly lastLine: string | undefined; readonly status: number | null } => {
  const path = join(folder, 'report.json');
  rmSync(path, { force: true });
  if (report !== null) writeFileSync(path, JSON.stringify(report));
  const ended = spawnSync(process.execPath, [join(root, '.ci/count.mjs'), path, String(status)], { encoding: 'utf8' });
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
    expect(count(written, status)).toEqual({ lastLine, status: exit });
  });
});
