import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GateError } from '../../../src/errors.ts';
import { readEvent } from '../../../src/host/github/event.ts';
import { events } from '../../testkit/events.ts';
import { testFolder } from '../../testkit/folder.ts';

const sha = (digit: string): string => digit.repeat(40);

const read = (name: string, payload: unknown, more: Record<string, string> = {}) => {
  const path = join(testFolder(), 'event.json');
  writeFileSync(path, typeof payload === 'string' ? payload : JSON.stringify(payload));
  return readEvent({ GITHUB_EVENT_NAME: name, GITHUB_EVENT_PATH: path, GITHUB_REPOSITORY: 'octo/models', ...more });
};

describe('what started the run', () => {
  test.each([
    ['pull request', 'pull_request', events.pullRequest(7), { kind: 'change', base: null, number: 7, trusted: true }],
    ['fork', 'pull_request', events.pullRequest(7, 'mallory/models'), { kind: 'change', base: null, number: 7, trusted: false }],
    ['deleted fork', 'pull_request', events.pullRequest(7, null), { kind: 'change', base: null, number: 7, trusted: false }],
    [
      'fork, base workflow',
      'pull_request_target',
      events.pullRequest(7, 'mallory/models'),
      { kind: 'change', base: null, number: 7, trusted: false },
    ],
    ['merge queue', 'merge_group', events.mergeGroup(sha('b')), { kind: 'change', base: sha('b'), number: null, trusted: true }],
    [
      'merge queue of a release',
      'merge_group',
      events.mergeGroup(sha('b'), 'refs/heads/v1'),
      { kind: 'change', base: sha('b'), number: null, trusted: true },
    ],
    ['push to main', 'push', events.push('refs/heads/main', sha('b')), { kind: 'default-branch', before: sha('b') }],
    ['first push to main', 'push', events.push('refs/heads/main'), { kind: 'default-branch', before: null }],
    ['push elsewhere', 'push', events.push('refs/heads/topic', sha('b')), { kind: 'change', base: null, number: null, trusted: true }],
    [
      'branch that ends in main',
      'push',
      events.push('refs/heads/x/main', sha('b')),
      { kind: 'change', base: null, number: null, trusted: true },
    ],
    ['schedule', 'schedule', events.schedule(), { kind: 'default-branch', before: null }],
    ['schedule without a repository', 'schedule', { schedule: '0 3 * * *' }, { kind: 'default-branch', before: null }],
    [
      'unknown event',
      'issue_comment',
      { repository: { full_name: 'octo/models', default_branch: 'main' } },
      { kind: 'change', base: null, number: null, trusted: false },
    ],
  ])('%s', (_, name, payload, event) => {
    expect(read(name, payload).event).toEqual(event);
  });

  test('workflow_dispatch counts only on the default branch', () => {
    expect(read('workflow_dispatch', events.workflowDispatch(), { GITHUB_REF: 'refs/heads/main' }).event.kind).toBe('default-branch');
    expect(read('workflow_dispatch', events.workflowDispatch(), { GITHUB_REF: 'refs/heads/topic' }).event.kind).toBe('change');
    expect(read('workflow_dispatch', events.workflowDispatch()).event.kind).toBe('change');
  });

  test('workflow_run: the commit and branch to look the pull request up by', () => {
    const run = read('workflow_run', events.workflowRun({ owner: 'mallory', name: 'models', branch: 'fix/a', commit: sha('c') }));
    expect(run.lookUp).toEqual({ label: 'mallory:fix/a', commit: sha('c') });
  });
});

describe('payloads that GitHub did not write', () => {
  const hostile: readonly (readonly [string, string, unknown])[] = [
    ['not JSON', 'push', '{"ref": '],
    ['an array', 'push', []],
    ['null', 'pull_request', null],
    [
      'a number as text',
      'pull_request',
      { ...events.pullRequest(7), pull_request: { number: '7; rm -rf', head: { repo: null }, base: { repo: null } } },
    ],
    ['number 0', 'pull_request', events.pullRequest(0)],
    ['a base that is an option', 'merge_group', events.mergeGroup('--upload-pack=x')],
    ['a before that is a range', 'push', events.push('refs/heads/main', 'HEAD~1..')],
    ['a branch that is an option', 'schedule', { repository: { full_name: 'octo/models', default_branch: '--exec=x' } }],
    ['a branch with a line end', 'schedule', { repository: { full_name: 'octo/models', default_branch: 'main\n::set-env' } }],
  ];
  test.each(hostile)('%s is document-invalid', (_, name, payload) => {
    expect(() => read(name, payload)).toThrow(expect.objectContaining({ code: 'document-invalid' }));
  });

  test('no payload, no repository', () => {
    expect(() => readEvent({ GITHUB_REPOSITORY: 'octo/models' })).toThrow(
      expect.objectContaining({ code: 'document-invalid', where: 'GITHUB_EVENT_PATH' }),
    );
    expect(() => readEvent({ GITHUB_REPOSITORY: 'octo/models', GITHUB_EVENT_PATH: '/nonexistent' })).toThrow(GateError);
    expect(() => read('push', events.push('refs/heads/main'), { GITHUB_REPOSITORY: 'octo/models/../x' })).toThrow(GateError);
  });

  test('any JSON is an event or a coded error', () => {
    const names = fc.constantFrom('push', 'pull_request', 'merge_group', 'workflow_run', 'schedule', 'toString');
    const path = join(testFolder(), 'event.json');
    fc.assert(
      fc.property(names, fc.jsonValue(), (name, payload) => {
        writeFileSync(path, JSON.stringify(payload));
        try {
          const { event } = readEvent({ GITHUB_EVENT_NAME: name, GITHUB_EVENT_PATH: path, GITHUB_REPOSITORY: 'octo/models' });
          expect(name === 'schedule' || event.kind === 'change').toBe(true);
        } catch (error) {
          expect(error).toMatchObject({ code: 'document-invalid' });
        }
      }),
      { numRuns: 200 },
    );
  });
});
