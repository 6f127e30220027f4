import { describe, expect, test } from 'vitest';
import { failureText, judgeFailure } from '../../../src/host/github/cache-failure.ts';
import { stepOf, toolkitLine } from '../../../src/host/github/toolkit-line.ts';

const bad = (status: number, type = 'application/json') => ({ host: 'results.example', status, type });
const judge = (said: string, given: Partial<Parameters<typeof judgeFailure>[0]> = {}) =>
  judgeFailure({ doing: 'save', said, tar: '', bad: null, isTransfer: false, ...given });
const twirp = (text: string): string => `Failed to CreateCacheEntry: Received non-retryable error: Failed request: ${text}`;

describe('a failure of the toolkit is sorted', () => {
  test.each([
    ['read-only', twirp('(403) Forbidden: permission denied'), bad(403), 'results.example: 403, "permission denied"'],
    ['read-only', 'cache write denied: token has no writable scopes', null, '"cache write denied: token has no writable scopes"'],
    ['token', twirp('(401) Unauthorized: token expired'), bad(401), 'results.example: 401, "token expired"'],
    ['token', twirp('(401) Unauthorized'), bad(401), 'results.example: 401'],
    ['too-large', 'The request body is too large.', bad(413), 'results.example: 413, "The request body is too large."'],
    ['too-large', '<html>413</html>', bad(413, 'text/html'), 'results.example: 413'],
    ['too-large', 'Cache size of ~11264 MB (1 B) is over the 10GB limit, not saving cache.', null, expect.stringContaining('10GB')],
    ['quota', 'Failed to CreateCacheEntry: Rate limited: Failed request: (429) Too Many Requests: slow down', bad(429), expect.any(String)],
    [
      'quota',
      'Cache storage quota has been hit. Unable to upload any new cache entries.\nMore',
      bad(403),
      expect.not.stringContaining('More'),
    ],
    ['quota', 'no room', bad(507), expect.any(String)],
    ['proxy', '', bad(407), 'results.example: 407'],
    ['proxy', '<!DOCTYPE html><html>Sign in</html>', bad(502, 'text/html'), 'results.example: 502'],
    [
      'proxy',
      'Failed to make request after 5 attempts: Unexpected token \'<\', "<html>Sign in" is not valid JSON',
      bad(200, 'text/html'),
      'results.example: 200',
    ],
    ['taken', 'Cache already exists. Scope: refs/heads/main', bad(409), expect.any(String)],
    ['taken', 'Response was not ok', null, expect.any(String)],
    ['network', 'Failed to CreateCacheEntry: Unable to make request: ENOTFOUND\nIf you are', null, '"Unable to make request: ENOTFOUND"'],
    ['network', 'connect ECONNREFUSED 127.0.0.1:1', null, expect.any(String)],
    ['network', 'read ETIMEDOUT', null, expect.any(String)],
    [
      'server',
      'Failed to make request after 5 attempts: Failed request: (503) Service Unavailable: down',
      bad(503),
      'results.example: 503, "down"',
    ],
    ['other', 'Unable to locate executable file: tar', null, '"Unable to locate executable file: tar"'],
    ['other', '', null, 'the toolkit gave no reason'],
  ] as const)('as %s: %s', (kind, said, answer, detail) => {
    expect(judge(said, { bad: answer })).toEqual({ kind, detail });
  });

  const broken = `"/usr/bin/tar" failed with error: The process '/usr/bin/tar' failed with exit code 2`;
  test('as damage only where an entry was found and the disk is not the reason', () => {
    const found = { doing: 'restore', isTransfer: true } as const;
    expect(judge(broken, { ...found, tar: 'zstd: unexpected end of file \ntar: Child returned status 1' })).toEqual({
      kind: 'damaged',
      detail: '"zstd: unexpected end of file"',
    });
    expect(judge('The specified blob does not exist.', { ...found, bad: bad(404) }).kind).toBe('damaged');
    expect(judge(broken, { ...found, tar: 'tar: x: Cannot write: No space left on device' }).kind).toBe('other');
    expect(judge(broken, { ...found, bad: bad(200, 'text/html') }).kind).toBe('proxy');
    expect(judge(broken, { tar: 'tar: x: Cannot stat' })).toEqual({ kind: 'other', detail: '"tar: x: Cannot stat"' });
    expect(judge('nothing', { doing: 'restore', bad: bad(404) }).kind).toBe('other');
  });

  test('and shown without signatures, in one line of bounded length', () => {
    expect(judge('https://x/y?sv=1&sig=abc%2F&se=2 failed').detail).toBe('"https://x/y?sv=1&sig=***&se=2 failed"');
    expect(judge(`${'x'.repeat(1000)}\n::error::y`).detail).toBe(`"${'x'.repeat(300)}"`);
    expect(failureText('read', 'server', 'x: 503')).toMatch(
      /^The workflow cache was not read: the cache service failed \(x: 503\)\. .*githubstatus/,
    );
  });
});

test('lines of the toolkit are told from commands, and begin the steps that have limits', () => {
  expect(toolkitLine('::debug::Failed: x%0Ay%25')).toEqual({ level: 'debug', text: 'Failed: x\ny%' });
  expect(toolkitLine('::warning file=a::text')).toEqual({ level: 'warning', text: 'text' });
  expect(toolkitLine('::add-mask::secret')).toBeNull();
  expect(toolkitLine('Sent 1 of 2')).toEqual({ level: 'info', text: 'Sent 1 of 2' });
  const step = (text: string, doing: 'restore' | 'save') => stepOf({ level: 'info', text }, doing);
  expect(step('Cache hit for restore-key: models-1', 'restore')).toEqual({ name: 'transfer', key: 'models-1' });
  expect(step('Cache hit for: models-1', 'save')).toBeNull();
  expect(step('Reserving Cache', 'save')).toEqual({ name: 'asking', key: null });
});
