import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { commentBody, commentMarker, MAX_COMMENT } from '../../../src/host/github/comment.ts';
import { events } from '../../testkit/events.ts';
import { openSetting, report } from './setting.ts';

const marker = '<!-- optimization-gate:default -->';
const posted = (text: string): string => `${marker}\n<!-- run 77 attempt 0 fine -->\n${text}\n`;

describe('sticky comment', () => {
  test('is created, then updated in place, and an identical body is not sent', async () => {
    const { github, pullRequest } = await openSetting();
    github.addComment(7, 'a comment of a person', { login: 'ada', type: 'User' });
    expect(await pullRequest(7).publish(report('first'))).toEqual([]);
    expect(github.state.comments.at(-1)?.body).toBe(posted('first'));
    const id = github.state.comments.at(-1)?.id;
    expect(await pullRequest(7).publish(report('second'))).toEqual([]);
    expect(github.state.comments).toHaveLength(2);
    expect(github.state.comments.at(-1)).toMatchObject({ id, body: posted('second') });
    const before = github.writes().length;
    expect(before).toBe(2);
    expect(await pullRequest(7).publish(report('second'))).toEqual([]);
    expect(github.writes()).toHaveLength(before);
  });

  test('is found behind 120 others, duplicates are deleted and the oldest stays', async () => {
    const { github, pullRequest } = await openSetting();
    for (let index = 0; index < 110; index += 1) github.addComment(7, `talk ${index}`, { login: 'ada', type: 'User' });
    const oldest = github.addComment(7, `${marker}\nold`);
    for (let index = 0; index < 10; index += 1) github.addComment(7, `more ${index}`);
    const copies = [github.addComment(7, `${marker}\nold`), github.addComment(7, `${marker}\r\nolder`)];
    const otherKey = github.addComment(7, '<!-- optimization-gate:nightly -->\nold');
    await pullRequest(7).publish(report('new'));
    expect(github.state.comments.find(({ id }) => id === oldest.id)?.body).toBe(posted('new'));
    expect(github.state.comments.some(({ id }) => copies.some((copy) => copy.id === id))).toBe(false);
    expect(github.state.comments).toHaveLength(122);
    expect(otherKey.body).toContain('old');
    expect(github.writes().map(({ method }) => method)).toEqual(['DELETE', 'DELETE', 'PATCH']);
  });

  test.each([
    ['the token knows who it is', undefined],
    ['the token does not know who it is', null],
  ])('a copy of the marker by another person is left alone: %s', async (_, viewer) => {
    const { github, pullRequest } = await openSetting(undefined, viewer);
    const planted = github.addComment(7, `${marker}\nplanted`, { login: 'mallory', type: 'User' });
    const quoting = github.addComment(7, `look: ${marker}`);
    await pullRequest(7).publish(report('real'));
    expect([planted.body, quoting.body]).toEqual([`${marker}\nplanted`, `look: ${marker}`]);
    expect(github.state.comments.at(-1)).toMatchObject({ body: posted('real'), user: { login: 'github-actions[bot]' } });
    await pullRequest(7).publish(report('real, again'));
    expect(github.state.comments).toHaveLength(3);
  });

  test("another bot's comment with the marker is left alone where the author is known, by a login with or without [bot]", async () => {
    const { github, pullRequest } = await openSetting(undefined, 'github-actions');
    const planted = github.addComment(7, `${marker}\nplanted`, { login: 'other[bot]', type: 'Bot' });
    const own = github.addComment(7, `${marker}\nown`);
    await pullRequest(7).publish(report('new'));
    expect(planted.body).toBe(`${marker}\nplanted`);
    expect(own.body).toBe(posted('new'));
  });

  test('a person of the same name as the bot is not the bot, nor the other way round', async () => {
    const { github, pullRequest } = await openSetting(undefined, 'github-actions');
    const planted = github.addComment(7, `${marker}\nplanted`, { login: 'github-actions', type: 'User' });
    await pullRequest(7).publish(report('real'));
    expect(planted.body).toBe(`${marker}\nplanted`);
    expect(github.state.comments.at(-1)).toMatchObject({ body: posted('real'), user: { login: 'github-actions[bot]' } });
  });

  test('an older run that ends later leaves the comment of a younger one', async () => {
    const { github, host, lines } = await openSetting();
    const publish = (text: string, run: string, attempt = '1') =>
      host('pull_request', events.pullRequest(7), {}, { GITHUB_RUN_ID: run, GITHUB_RUN_ATTEMPT: attempt }).publish(report(text));
    await publish('young', '78');
    expect(await publish('old', '77')).toEqual([]);
    expect(github.state.comments[0]?.body).toContain('young');
    expect(lines.join('')).toContain('a later run wrote it.');
    await publish('again', '78', '2');
    await publish('young, later still', '78', '1');
    expect(github.state.comments[0]?.body).toContain('again');
    // Longer numbers are no smaller ones.
    await publish('much later', '1000');
    expect(github.state.comments[0]?.body).toContain('much later');
  });

  test('projects of a repository have a comment each, one key or not', async () => {
    const { github, pullRequest } = await openSetting();
    for (const [project, text] of [
      ['packages/a', 'a'],
      ['packages/b', 'b'],
      [null, 'root'],
      ['packages/a', 'a again'],
    ] as const)
      await pullRequest(7).publish(report(text, { project }));
    expect(github.state.comments.map(({ body }) => body.trim().split('\n').at(-1))).toEqual(['a again', 'b', 'root']);
  });

  test('a job of a matrix does not replace the red of another by its green', async () => {
    const { github, host, lines } = await openSetting();
    const publish = (text: string, severity: 'fine' | 'undecided' | 'bad', run = '77') =>
      host('pull_request', events.pullRequest(7), {}, { GITHUB_RUN_ID: run, GITHUB_RUN_ATTEMPT: '1' }).publish(report(text, { severity }));
    await publish('undecided here', 'undecided');
    await publish('red there', 'bad');
    await publish('green elsewhere', 'fine');
    expect(github.state.comments[0]?.body).toContain('red there');
    expect(lines.join('')).toMatch(/found worse\. For two comments, give each job an input `comment-key`/);
    await publish('green', 'fine', '78');
    expect(github.state.comments[0]?.body).toContain('green');
  });

  test('a comment that was deleted meanwhile is created anew', async () => {
    const { github, pullRequest } = await openSetting();
    github.addComment(7, `${marker}\nold`);
    github.state.faults.push({ times: 1, status: 404, method: 'PATCH' });
    expect(await pullRequest(7).publish(report('new'))).toEqual([]);
    expect(github.state.comments.at(-1)?.body).toBe(posted('new'));
  });

  test('a longer one than GitHub takes is cut, and never sent whole', async () => {
    const { github, pullRequest } = await openSetting();
    expect(await pullRequest(7).publish(report(`verdict first\n${'long line\n'.repeat(9_000)}`))).toEqual([]);
    const body = github.state.comments[0]?.body ?? '';
    expect(body.length).toBeLessThanOrEqual(MAX_COMMENT);
    expect(body.length).toBeGreaterThan(60_000);
    expect(body).toContain('verdict first');
    expect(body).toContain('http://github.localhost/octo/models/actions/runs/77');
  });

  test('is not posted without a pull request, nor when it is switched off', async () => {
    const { github, host, pullRequest } = await openSetting();
    expect(await host('push', events.push('refs/heads/topic')).publish(report('text'))).toEqual([]);
    expect(await pullRequest(7, { comment: false }).publish(report('text'))).toEqual([]);
    expect(github.state.requests).toEqual([]);
  });

  test('workflow_run: the pull request is found by branch and commit, not by a number of the payload', async () => {
    const { github, host } = await openSetting();
    const commit = 'c'.repeat(40);
    github.state.pullRequests.push({ number: 4, state: 'open', label: 'mallory:fix', sha: 'd'.repeat(40) });
    github.state.pullRequests.push({ number: 5, state: 'open', label: 'mallory:fix', sha: commit });
    const event = events.workflowRun({ owner: 'mallory', name: 'models', branch: 'fix', commit });
    const untrusted = host('workflow_run', event);
    expect(untrusted.event).toMatchObject({ kind: 'change', number: null });
    expect(await untrusted.publish(report('text'))).toEqual([]);
    expect(github.state.comments.map(({ issue }) => issue)).toEqual([5]);
    github.state.pullRequests.splice(0);
    expect(await untrusted.publish(report('text'))).toMatchObject([
      { code: 'github-failed', message: expect.stringContaining('no open or merged pull request') },
    ]);
  });
});

describe('what goes wrong', () => {
  test('a read-only token: the permission is named, also in the summary, and nothing is tried twice', async () => {
    const { github, pullRequest, summary, pauses } = await openSetting();
    github.state.readOnly = true;
    const trouble = await pullRequest(7).publish(report('text'));
    expect(trouble).toMatchObject([
      { code: 'github-permission', arm: null, message: expect.stringContaining('`permissions: pull-requests: write`') },
    ]);
    expect(pauses).toEqual([]);
    expect(github.writes()).toHaveLength(1);
    const written = await readFile(summary, 'utf8');
    expect(written).toContain('# Summary of text');
    expect(written).toContain('pull-requests: write');
  });

  test('a fork: the summary says that its token is read-only', async () => {
    const { github, host, summary } = await openSetting();
    github.state.readOnly = true;
    const fork = host('pull_request', events.pullRequest(7, 'mallory/models'));
    expect(await fork.publish(report('text'))).toMatchObject([
      { code: 'github-permission', message: expect.stringContaining('from a fork is read-only') },
    ]);
    const said = await readFile(summary, 'utf8');
    expect(said).toContain('from a fork is read-only');
    expect(said).toContain('push it to a branch of this repository');
    expect(said).not.toContain('pair of workflows');
  });

  test.each([
    ['no token', { token: null }, 'there is no token'],
    ['a wrong token', { token: 'wrong' }, 'Bad credentials'],
  ])('%s', async (_, options, said) => {
    const { pullRequest } = await openSetting();
    expect(await pullRequest(7, options).publish(report('text'))).toMatchObject([
      { code: 'github-permission', message: expect.stringContaining(said) },
    ]);
  });

  test('500, 429 with Retry-After and a secondary limit are waited out as asked', async () => {
    const { github, pullRequest, pauses } = await openSetting();
    github.state.faults.push({ times: 1, status: 500 });
    github.state.faults.push({ times: 1, status: 429, headers: { 'retry-after': '7' } });
    github.state.faults.push({ times: 1, status: 403, body: { message: 'You have exceeded a secondary rate limit.' } });
    expect(await pullRequest(7).publish(report('text'))).toEqual([]);
    expect(github.state.comments).toHaveLength(1);
    expect(pauses).toHaveLength(3);
    expect(pauses[0]).toBeGreaterThanOrEqual(500);
    expect(pauses[0]).toBeLessThan(1_500);
    expect(pauses.slice(1)).toEqual([7_000, 60_000]);
  });

  test('a lost answer to a creation does not lead to two comments', async () => {
    const { github, pullRequest } = await openSetting();
    github.state.faults.push({ times: 1, status: 502, method: 'POST', path: /comments$/, after: true });
    expect(await pullRequest(7).publish(report('text'))).toEqual([]);
    expect(github.state.comments).toHaveLength(1);
  });

  test('a request that hangs is given up and tried again', async () => {
    const { github, pullRequest } = await openSetting();
    github.state.faults.push({ times: 1, status: 'hang' });
    expect(await pullRequest(7, { requestSeconds: 0.3 }).publish(report('text'))).toEqual([]);
    expect(github.state.comments).toHaveLength(1);
  });

  test('trying ends: after five attempts, or where GitHub asks for too long a pause', async () => {
    const { github, pullRequest, pauses } = await openSetting();
    github.state.faults.push({ times: 99, status: 503 });
    expect(await pullRequest(7).publish(report('text'))).toMatchObject([
      { code: 'github-failed', message: expect.stringContaining('503') },
    ]);
    expect(pauses).toHaveLength(4);
    expect(github.state.requests).toHaveLength(5);
    github.state.faults.splice(0);
    github.state.remaining = 0;
    expect(await pullRequest(7).publish(report('text'))).toMatchObject([
      { code: 'github-failed', message: expect.stringContaining('rate limit') },
    ]);
    expect(pauses).toHaveLength(4);
  });

  test('nobody listens: publish still does not throw', async () => {
    const { github, pullRequest } = await openSetting();
    await github.close();
    expect(await pullRequest(7).publish(report('text'))).toMatchObject([{ code: 'github-failed' }]);
  });

  test('GITHUB_API_URL and GITHUB_GRAPHQL_URL are used as they are given', async () => {
    const { github, host } = await openSetting();
    github.addComment(7, `${marker}\nold`);
    const graphql = await openSetting();
    const mixed = host('pull_request', events.pullRequest(7), {}, { GITHUB_GRAPHQL_URL: `${graphql.github.url}/graphql` });
    await mixed.publish(report('new'));
    expect(github.state.requests.map(({ path }) => path)).not.toContain('/graphql');
    expect(graphql.github.state.requests.map(({ path }) => path)).toEqual(['/graphql']);
  });
});

describe('body', () => {
  test('open code fences and details are closed where the text is cut', () => {
    const body = commentBody(
      commentMarker('k'),
      { run: 77, attempt: 1, severity: 'fine' },
      `<details><summary>x</summary>\n\n\`\`\`text\n${'x'.repeat(70)}\n`.padEnd(80_000, 'y\n'),
      'the summary',
    );
    expect(body.length).toBeLessThanOrEqual(MAX_COMMENT);
    expect(body.match(/```/g)).toHaveLength(2);
    expect(body).toMatch(/<\/details>\n\n_The rest is left out: [^\n]*_\n$/);
  });

  test.each(['', '-x', 'a b', 'x-->', `${'k'.repeat(81)}`, 'a\nb'])('the key %j is refused', (key) => {
    expect(() => commentMarker(key)).toThrow(expect.objectContaining({ code: 'usage-bad-value', where: 'comment-key' }));
  });
});
