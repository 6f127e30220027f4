import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GateError } from '../../../src/errors.ts';
import { readEvent } from '../../../src/host/github/event.ts';
import { events, pullRequestOf } from '../../testkit/events.ts';
import { testFolder } from '../../testkit/folder.ts';

const known = { repository: { full_name: 'octo/models', default_branch: 'main' } };
const sha = (digit: string): string => digit.repeat(40);

const read = (name: string, payload: unknown, more: Record<string, string> = {}) => {
  const path = join(testFolder(), 'event.json');
  writeFileSync(path, typeof payload === 'string' ? payload : JSON.stringify(payload));
  return readEvent({ GITHUB_EVENT_NAME: name, GITHUB_EVENT_PATH: path, GITHUB_REPOSITORY: 'octo/models', ...more });
};

const repository = 'https://github.com/octo/models';
const mainBranch = { kind: 'branch', name: 'main', commit: null, instead: null };
const standsIn = { ...mainBranch, instead: expect.stringContaining('the default branch is the base branch') };
const commitOnly = (head: string, merge: string | null = null, merged = false) => ({ kind: 'commit', head, merge, merged });
const change = (checkout: unknown, base: unknown, number: number | null = null) => ({ kind: 'change', repository, number, checkout, base });
const merged = (checkout: unknown, commit: string | null = null, before: string | null = null) => ({
  kind: 'default-branch',
  repository,
  branch: 'main',
  checkout,
  commit,
  before,
});
const any = { kind: 'any' };
const ownPull = change(commitOnly(sha('a')), { kind: 'branch', name: 'main', commit: sha('b'), instead: null }, 7);
const release = { head: sha('1'), base: { ref: 'release/1', sha: sha('2') } };
const listed = (number: number, commits: { head: string; base: { ref: string; sha: string } }) => ({
  number,
  head: { sha: commits.head },
  base: commits.base,
});
const topic = { owner: 'octo', name: 'models', branch: 'topic', commit: sha('1') };

describe('what started the run', () => {
  test.each([
    ['pull request', 'pull_request', events.pullRequest(7), ownPull],
    ['fork', 'pull_request', events.pullRequest(7, 'mallory/models'), ownPull],
    ['deleted fork', 'pull_request', events.pullRequest(7, null), ownPull],
    ['fork, base workflow', 'pull_request_target', events.pullRequest(7, 'mallory/models'), ownPull],
    ['review', 'pull_request_review', events.pullRequest(7), ownPull],
    ['comment of a review', 'pull_request_review_comment', events.pullRequest(7), ownPull],
    [
      'into a release branch',
      'pull_request',
      events.pullRequest(7, 'octo/models', release),
      change(commitOnly(sha('1')), { kind: 'branch', name: 'release/1', commit: sha('2'), instead: null }, 7),
    ],
    [
      'merged',
      'pull_request_target',
      events.pullRequest(7, 'octo/models', { ...release, merged: sha('3') }),
      change(commitOnly(sha('1'), sha('3'), true), { kind: 'branch', name: 'release/1', commit: sha('2'), instead: null }, 7),
    ],
    ['merge queue', 'merge_group', events.mergeGroup(sha('b')), change(commitOnly(sha('a')), { kind: 'commit', commit: sha('b') })],
    ['push to main', 'push', events.push('refs/heads/main', sha('b'), sha('c')), merged(commitOnly(sha('c')), sha('c'), sha('b'))],
    ['first push to main', 'push', events.push('refs/heads/main'), merged(any)],
    ['push elsewhere', 'push', events.push('refs/heads/topic', sha('b'), sha('c')), change(commitOnly(sha('c')), mainBranch)],
    ['branch that ends in main', 'push', events.push('refs/heads/x/main', sha('b')), change(any, mainBranch)],
    ['branch that was deleted', 'push', events.push('refs/heads/topic', sha('b'), sha('0')), change(any, mainBranch)],
    ['tag of that name', 'push', events.push('refs/tags/main', sha('b')), change(any, mainBranch)],
    ['annotated tag', 'push', events.tag('refs/tags/v1', sha('d'), sha('c')), change(commitOnly(sha('c')), mainBranch)],
    [
      'another default branch',
      'push',
      events.push('refs/heads/main', sha('b'), sha('c'), 'develop'),
      change(commitOnly(sha('c')), { ...mainBranch, name: 'develop' }),
    ],
    ['schedule', 'schedule', events.schedule(), merged(any)],
    ['schedule without a repository', 'schedule', { schedule: '0 3 * * *' }, { ...merged(any), branch: null }],
    ['dispatch', 'repository_dispatch', events.repositoryDispatch({}), merged(any)],
    ['dispatch without anything', 'repository_dispatch', events.repositoryDispatch(null), merged(any)],
    [
      'dispatch on a pull request',
      'repository_dispatch',
      events.repositoryDispatch({ pull_request: { number: 7 } }),
      change({ kind: 'off-base' }, standsIn),
    ],
    [
      'dispatch on an odd one',
      'repository_dispatch',
      events.repositoryDispatch({ pull_request: 'seven' }),
      change({ kind: 'off-base' }, standsIn),
    ],
    ['dispatch with all of it', 'repository_dispatch', events.repositoryDispatch({ pull_request: pullRequestOf(7) }), ownPull],
    ['comment on a pull request', 'issue_comment', events.issueComment(7), change({ kind: 'off-base' }, standsIn)],
    ['comment on an issue', 'issue_comment', events.issueComment(7, false), change(any, mainBranch)],
    ['run of a fork', 'workflow_run', events.workflowRun({ ...topic, owner: 'mallory' }), change(commitOnly(sha('1')), standsIn)],
    [
      'run of a pull request',
      'workflow_run',
      events.workflowRun(topic, {
        pull_requests: [listed(7, release), listed(8, { head: sha('9'), base: { ref: 'main', sha: sha('b') } })],
      }),
      change(commitOnly(sha('1')), { kind: 'branch', name: 'release/1', commit: sha('2'), instead: null }),
    ],
    [
      'run of a commit with two pull requests',
      'workflow_run',
      events.workflowRun(topic, {
        pull_requests: [listed(7, release), listed(8, { head: sha('1'), base: { ref: 'main', sha: sha('b') } })],
      }),
      change(commitOnly(sha('1')), standsIn),
    ],
    [
      'run of a push to main',
      'workflow_run',
      events.workflowRun({ ...topic, branch: 'main' }, { event: 'push' }),
      merged(commitOnly(sha('1')), sha('1')),
    ],
    [
      "run of a push to a fork's main",
      'workflow_run',
      events.workflowRun({ ...topic, owner: 'mallory', branch: 'main' }, { event: 'push' }),
      change(commitOnly(sha('1')), standsIn),
    ],
    [
      'run of a comment',
      'workflow_run',
      events.workflowRun({ ...topic, branch: 'main' }, { event: 'issue_comment' }),
      change(any, standsIn),
    ],
    [
      'check suite',
      'check_suite',
      {
        check_suite: { head_sha: sha('1'), pull_requests: [listed(7, release)] },
        repository: { full_name: 'octo/models', default_branch: 'main' },
      },
      { ...change(commitOnly(sha('1')), { kind: 'branch', name: 'release/1', commit: sha('2'), instead: null }), number: 7 },
    ],
    [
      'check suite of two pull requests',
      'check_suite',
      { check_suite: { head_sha: sha('1'), pull_requests: [listed(7, release), listed(8, release)] }, ...known },
      change(commitOnly(sha('1')), { kind: 'branch', name: 'release/1', commit: sha('2'), instead: null }),
    ],
    ['check run', 'check_run', { check_run: { head_sha: sha('1') }, ...known }, change(commitOnly(sha('1')), standsIn)],
    ['deployment', 'deployment_status', { deployment: { sha: sha('1') }, ...known }, change(commitOnly(sha('1')), standsIn)],
    ['status', 'status', { sha: sha('1'), ...known }, change(commitOnly(sha('1')), standsIn)],
    ['release', 'release', { release: {}, ...known }, change(any, mainBranch)],
    ['unknown event', 'toString', known, change(any, mainBranch)],
    ['unknown default branch', 'release', {}, change(any, { ...mainBranch, name: null })],
  ])('%s', (_, name, payload, event) => {
    expect(read(name, payload).event).toEqual(event);
  });

  test('workflow_dispatch counts only on the default branch', () => {
    const on = (ref: string) => read('workflow_dispatch', events.workflowDispatch(), { GITHUB_REF: ref, GITHUB_SHA: sha('d') }).event;
    expect(on('refs/heads/main')).toEqual(merged(any, sha('d')));
    for (const ref of ['refs/heads/topic', 'refs/tags/main', 'main', '']) expect(on(ref)).toEqual(change(any, mainBranch));
  });

  test("the run's own commit is GitHub's merge commit, except where it is the base branch's", () => {
    const checkout = (name: string) =>
      (read(name, events.pullRequest(7), { GITHUB_SHA: sha('d') }).event as { checkout: unknown }).checkout;
    expect(checkout('pull_request')).toEqual(commitOnly(sha('a'), sha('d')));
    expect(checkout('pull_request_target')).toEqual(commitOnly(sha('a')));
  });

  test('how to ask for the pull request of which the payload says too little', () => {
    const run = (name: string, payload: unknown) => read(name, payload).lookUp;
    const fork = events.workflowRun({ owner: 'mallory', name: 'models', branch: 'fix/a', commit: sha('c') });
    expect(run('workflow_run', fork)).toEqual({ by: 'head', label: 'mallory:fix/a', commit: sha('c') });
    expect(run('issue_comment', events.issueComment(7))).toEqual({ by: 'number', number: 7 });
    for (const sent of [{ number: 7 }, 7])
      expect(run('repository_dispatch', events.repositoryDispatch({ pull_request: sent }))).toEqual({ by: 'number', number: 7 });
    for (const sent of ['7', { number: -1 }, []])
      expect(run('repository_dispatch', events.repositoryDispatch({ pull_request: sent }))).toBeNull();
    expect(run('pull_request', events.pullRequest(7))).toBeNull();
  });
});

describe('payloads that GitHub did not write', () => {
  const hostile: readonly (readonly [string, string, unknown])[] = [
    ['not JSON', 'push', '{"ref": '],
    ['an array', 'push', []],
    ['null', 'pull_request', null],
    ['a number as text', 'pull_request', { ...events.pullRequest(7), pull_request: { ...pullRequestOf(7), number: '7; rm -rf' } }],
    ['number 0', 'pull_request', events.pullRequest(0)],
    ['no head', 'pull_request', { ...events.pullRequest(7), pull_request: { ...pullRequestOf(7), head: { repo: null } } }],
    ['a head that is a branch', 'pull_request', events.pullRequest(7, 'octo/models', { head: 'main' })],
    [
      'a base branch that is an option',
      'pull_request_target',
      events.pullRequest(7, 'octo/models', { base: { ref: '--upload-pack=x', sha: sha('b') } }),
    ],
    ['a comment on nothing', 'issue_comment', { repository: { full_name: 'octo/models' } }],
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
    const names = fc.constantFrom(
      'push',
      'pull_request',
      'merge_group',
      'workflow_run',
      'issue_comment',
      'check_run',
      'schedule',
      'repository_dispatch',
      'toString',
    );
    const path = join(testFolder(), 'event.json');
    fc.assert(
      fc.property(names, fc.jsonValue(), (name, payload) => {
        writeFileSync(path, JSON.stringify(payload));
        try {
          const { event } = readEvent({ GITHUB_EVENT_NAME: name, GITHUB_EVENT_PATH: path, GITHUB_REPOSITORY: 'octo/models' });
          expect(['schedule', 'repository_dispatch'].includes(name) || event.kind === 'change').toBe(true);
        } catch (error) {
          expect(error).toMatchObject({ code: 'document-invalid' });
        }
      }),
      { numRuns: 200 },
    );
  });
});
