import { describe, expect, test } from 'vitest';
import { events } from '../../testkit/events.ts';
import { openSetting, report } from './setting.ts';

const sha = (digit: string): string => digit.repeat(40);
const into = (ref: string) => ({ ref, sha: sha('2') });
const pull = (number: number, base = into('main')) => ({ number, state: 'open' as const, label: 'octo:topic', sha: sha('1'), base });
const run = events.workflowRun({ owner: 'octo', name: 'models', branch: 'topic', commit: sha('1') });

describe('an event that names no base branch', () => {
  test('is completed by the pull request, to which the comment goes too', async () => {
    const { github, host } = await openSetting();
    github.state.pullRequests.push(pull(7, into('release/1')));
    for (const [name, event] of [
      ['issue_comment', events.issueComment(7)],
      ['repository_dispatch', events.repositoryDispatch({ pull_request: 7 })],
      ['workflow_run', run],
    ] as const) {
      const asking = host(name, event);
      expect(await asking.completeEvent(), name).toMatchObject({
        number: 7,
        checkout: { kind: 'commit', head: sha('1'), merged: false },
        base: { kind: 'branch', name: 'release/1', commit: sha('2'), instead: null },
      });
      expect(await asking.publish(report(`verdict by ${name}`))).toEqual([]);
    }
    expect(github.state.comments.map(({ issue, body }) => [issue, body.includes('verdict by workflow_run')])).toEqual([[7, true]]);
  });

  test('keeps the default branch where nothing is known, and says why; no comment goes to a pull request that was not asked for', async () => {
    const { github, host } = await openSetting();
    const unknown = host('issue_comment', events.issueComment(7));
    expect(await unknown.completeEvent()).toMatchObject({
      number: null,
      checkout: { kind: 'off-base' },
      base: { name: 'main', instead: expect.stringMatching(/the default branch is the base branch\. \(asking GitHub failed: .*\)/) },
    });
    expect(await unknown.publish(report('text'))).toEqual([]);
    const tokenless = host('issue_comment', events.issueComment(7), { token: null }, { GITHUB_TOKEN: '' });
    expect(await tokenless.completeEvent()).toMatchObject({ base: { instead: expect.stringContaining('there is no token') } });
    expect(await host('workflow_run', run).completeEvent()).toMatchObject({
      number: null,
      base: { name: 'main', instead: expect.stringContaining('names no pull request') },
    });
    expect(github.state.comments).toEqual([]);
  });

  test('is completed by the pull request of a fork that was merged before the job began', async () => {
    const { github, host } = await openSetting();
    const merged = { ...pull(7, into('release/1')), state: 'closed' as const, merged: sha('9') };
    github.state.pullRequests.push(merged, { ...pull(8), state: 'closed' as const });
    expect(await host('workflow_run', run).completeEvent()).toMatchObject({
      number: 7,
      checkout: { kind: 'commit', head: sha('1'), merge: sha('9'), merged: true },
      base: { kind: 'branch', name: 'release/1', commit: sha('2'), instead: null },
    });
    github.state.pullRequests.push(pull(9));
    expect(await host('workflow_run', run).completeEvent()).toMatchObject({ number: 9, checkout: { merged: false } });
  });

  test('of a commit that several pull requests have is neither completed nor commented on', async () => {
    const { github, host } = await openSetting();
    github.state.pullRequests.push(pull(7), pull(8, into('release/1')));
    const several = host('workflow_run', run);
    expect(await several.completeEvent()).toMatchObject({
      number: null,
      base: { name: 'main', instead: expect.stringContaining('Several') },
    });
    expect(await several.publish(report('text'))).toMatchObject([{ message: expect.stringContaining('several pull requests') }]);
    expect(github.state.comments).toEqual([]);
  });

  test('is asked for only then', async () => {
    const { github, host, pullRequest } = await openSetting();
    for (const one of [pullRequest(7), host('push', events.push('refs/heads/topic')), host('schedule', events.schedule())])
      expect(await one.completeEvent()).toEqual(one.event);
    expect(github.state.requests).toEqual([]);
  });
});

describe('the pull request of a report', () => {
  test('is the one that a comment was written on, also of a run that ends before it asked for it', async () => {
    const { github, host } = await openSetting();
    github.state.pullRequests.push(pull(7));
    expect(await host('issue_comment', events.issueComment(7)).publish(report('early'))).toEqual([]);
    expect(github.state.comments.map(({ issue }) => issue)).toEqual([7]);
  });

  test('is said to be none where the event names none', async () => {
    const { github, host, lines } = await openSetting();
    await host('push', events.push('refs/heads/topic')).publish(report('text'));
    expect(lines.join('')).toContain('No comment is posted: the event names no pull request.');
    await host('issue_comment', events.issueComment(9)).publish(report('text'));
    expect(lines.join('')).toContain('No comment is posted: GitHub did not tell about pull request #9.');
    lines.length = 0;
    await host('push', events.push('refs/heads/main')).publish(report('text'));
    expect(lines.join('')).not.toContain('No comment is posted');
    expect(github.state.comments).toEqual([]);
  });
});

describe('a report that opens no comment', () => {
  test('replaces an earlier one and posts no other, without asking a fork for what it may not', async () => {
    const { github, pullRequest } = await openSetting();
    const stale = github.addComment(7, '<!-- optimization-gate:default -->\n### ✅ Passed');
    for (const number of [7, 8])
      expect(await pullRequest(number).publish(report('### ➖ Nothing to compare', { opensComment: false }))).toEqual([]);
    expect(github.state.comments).toEqual([stale]);
    expect(stale.body).toContain('➖ Nothing to compare');
    github.state.readOnly = true;
    expect(await pullRequest(8).publish(report('text', { opensComment: false }))).toEqual([]);
  });
});
