import { expect } from 'vitest';
import { events, pullRequestOf } from '../testkit/events.ts';
import { startGitHub } from '../testkit/github.ts';
import { actionOn, baseOf, Origin } from './review-scene.ts';
import type { Situation } from './situation.ts';

const coded = (code: string): unknown => expect.objectContaining({ code });
const mismatch = coded('checkout-mismatch');
const octo = 'octo/models';
const known = { repository: { full_name: octo, default_branch: 'main' } };

/** main at 100 B, a pull request at 900 B. */
const nineFold = () => {
  const template = Origin.nineFold();
  const event = events.pullRequest(7, octo, { head: template.topic, base: { ref: 'main', sha: template.main } });
  return { ...template, event };
};

const underReview: readonly Situation[] = [
  {
    kind: 'tree-under-review',
    example: 'pull_request_target with its default checkout, the base branch',
    before: 'PASSED, exit 0',
    now: 'checkout-mismatch, exit 2',
    source: 'reported',
    speed: 'fast',
    check: async () => {
      const { origin, main, event } = nineFold();
      const run = await actionOn(origin.checkOut(main, 'whole'), 'pull_request_target', event);
      expect(run.code, run.stdout).toBe(2);
      expect(run.stdout).toContain('error[checkout-mismatch]');
      expect(run.outputs['verdict']).toBe('error');
    },
  },
  {
    kind: 'tree-under-review',
    example: 'the workflow sets an option by the input `set`, in base and in a change that doubles the size',
    before: 'head with the option against base without it: 1200 → 800 B, improved',
    now: 'both sides with the option: 400 → 800 B, regressed',
    source: 'neighbour',
    speed: 'slow',
    check: async () => {
      const workflow = '.github/workflows/gate.yml';
      const set = 'optimizations.engine.measure=node bench/size.mjs 3';
      const origin = Origin.make();
      const program = `import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
const size = Number(readFileSync('bench/size.txt', 'utf8')) / Number(process.argv[2] ?? 1);
for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify({ size }));
`;
      const main = origin.on('main', {
        'bench/size.mjs': program,
        'bench/size.txt': '1200',
        [workflow]: `on: pull_request\njobs:\n  gate:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: octo/optimization-gate@v1\n        with: { set: "${set}" }\n`,
      });
      const topic = origin.size('topic', 2400);
      const event = events.pullRequest(7, octo, { head: topic, base: { ref: 'main', sha: main } });
      const environment = {
        GITHUB_WORKFLOW_REF: `${octo}/${workflow}@refs/pull/7/merge`,
        GITHUB_JOB: 'gate',
        GITHUB_ACTION_REPOSITORY: 'octo/optimization-gate',
      };
      const run = await actionOn(origin.checkOut(topic, 'whole'), 'pull_request', event, { environment, inputs: { set } });
      expect(run.code, run.stdout + run.stderr).toBe(1);
      expect(run.stdout).toContain('400 → 800 B');
    },
  },
  {
    kind: 'tree-under-review',
    example: "repository_dispatch on a pull request's commit",
    before: 'the commit against itself, PASSED',
    now: 'against main; the default checkout is refused',
    source: 'reported',
    speed: 'fast',
    check: async () => {
      const { origin, main, topic } = nineFold();
      const numbered = events.repositoryDispatch({ pull_request: { number: 7 } });
      const whole = events.repositoryDispatch({ pull_request: pullRequestOf(7, { head: topic, base: { ref: 'main', sha: main } }) });
      const [right, wrong] = [origin.checkOut(topic), origin.checkOut(main)];
      for (const payload of [numbered, whole]) {
        expect(await baseOf(right, 'repository_dispatch', payload)).toMatchObject({ commit: main, event: 'change' });
        await expect(baseOf(wrong, 'repository_dispatch', payload)).rejects.toEqual(mismatch);
      }
      const bare = events.repositoryDispatch({ sha: topic });
      expect(await baseOf(right, 'repository_dispatch', bare)).toMatchObject({ commit: main, event: 'change' });
    },
  },
  {
    kind: 'tree-under-review',
    example: "issue_comment, workflow_dispatch, schedule on a pull request's commit",
    before: 'PASSED; by a schedule, baselines of it',
    now: 'a change against main, of which no baseline comes',
    source: 'reported',
    speed: 'fast',
    check: async () => {
      const { origin, main, topic } = nineFold();
      const work = origin.checkOut(topic);
      const runner = { GITHUB_REF: 'refs/heads/main', GITHUB_REF_NAME: 'main', GITHUB_SHA: main };
      const payloads = { issue_comment: events.issueComment(7), workflow_dispatch: events.workflowDispatch(), schedule: events.schedule() };
      for (const [name, payload] of Object.entries(payloads))
        expect(await baseOf(work, name, payload, { environment: runner }), name).toMatchObject({ commit: main, event: 'change' });
    },
  },
  {
    kind: 'tree-under-review',
    example: 'a comment on a pull request, with the default checkout or an older commit of main',
    before: 'PASSED, nothing changed',
    now: 'checkout-mismatch',
    source: 'reported',
    speed: 'fast',
    check: async () => {
      const { origin, main } = nineFold();
      origin.git('switch', '--quiet', 'main');
      const newer = origin.note('main');
      for (const commit of [main, newer])
        await expect(baseOf(origin.checkOut(commit), 'issue_comment', events.issueComment(7))).rejects.toEqual(mismatch);
    },
  },
  {
    kind: 'tree-under-review',
    example: "the default checkout after another workflow's run, a check or a status of the pull request",
    before: 'PASSED, nothing changed',
    now: 'checkout-mismatch',
    source: 'neighbour',
    speed: 'slow',
    check: async () => {
      const { origin, main, topic } = nineFold();
      const work = origin.checkOut(main, 'whole');
      const run = events.workflowRun({ owner: 'octo', name: 'models', branch: 'topic', commit: topic });
      const named = { check_suite: { check_suite: { head_sha: topic }, ...known }, status: { sha: topic, ...known } };
      for (const [name, payload] of Object.entries({ workflow_run: run, ...named, deployment: { deployment: { sha: topic }, ...known } }))
        await expect(baseOf(work, name, payload), name).rejects.toEqual(mismatch);
      expect(await baseOf(origin.checkOut(topic), 'workflow_run', run)).toMatchObject({ commit: main });
    },
  },
  {
    kind: 'tree-under-review',
    example: 'a checkout that is newer than the event: a later merge commit of the pull request, or a later commit of its branch',
    before: 'the verdict on one commit shown as that on another',
    now: 'checkout-mismatch',
    source: 'neighbour',
    speed: 'slow',
    check: async () => {
      const { origin, main, topic, event } = nineFold();
      const later = origin.size('topic', 100);
      for (const commit of [later, origin.merge(main, later), origin.merge(topic, main)])
        await expect(baseOf(origin.checkOut(commit), 'pull_request_target', event)).rejects.toEqual(mismatch);
      await expect(baseOf(origin.checkOut(main), 'push', events.push('refs/heads/topic', undefined, topic))).rejects.toEqual(mismatch);
      const queue = events.mergeGroup(main, 'refs/heads/main', topic);
      await expect(baseOf(origin.checkOut(main), 'merge_group', queue)).rejects.toEqual(mismatch);
    },
  },
  {
    kind: 'tree-under-review',
    example: "`base:` names the pull request's own commit",
    before: 'PASSED, nothing changed',
    now: 'usage-bad-value',
    source: 'neighbour',
    speed: 'slow',
    check: async () => {
      const { origin, topic, event } = nineFold();
      const work = origin.checkOut(topic, 'whole');
      for (const named of [topic, 'HEAD', 'topic'])
        await expect(baseOf(work, 'pull_request', event, { named }), named).rejects.toEqual(coded('usage-bad-value'));
    },
  },
  {
    kind: 'tree-under-review',
    example: 'a pull request whose head its base branch holds, with a comment on an earlier commit',
    before: '✅ Passed, exit 0',
    now: 'nothing to compare, exit 0, the earlier comment replaced',
    source: 'reported',
    speed: 'slow',
    check: async () => {
      const origin = Origin.make();
      const main = origin.head();
      const github = await startGitHub({ repository: origin.folder });
      try {
        const stale = github.addComment(7, '<!-- optimization-gate:default -->\n### ✅ Passed: an earlier commit');
        const work = origin.checkOut(main);
        const event = events.pullRequest(7, octo, { head: main, base: { ref: 'main', sha: main } });
        const inputs = { token: github.token, comment: 'true' };
        const run = await actionOn(work, 'pull_request', event, { environment: github.environment(), inputs });
        expect(run.code, run.stdout + run.stderr).toBe(0);
        expect(run.outputs).toMatchObject({ verdict: 'nothing-to-compare', 'exit-code': '0', 'coverage-total': '0' });
        expect(run.stdout).toContain('NOTHING TO COMPARE');
        expect(run.summary).toContain('➖ Nothing to compare');
        expect(github.state.comments).toEqual([stale]);
        expect(stale.body).toContain('➖ Nothing to compare');
        expect(stale.body).not.toContain('✅');
      } finally {
        await github.close();
      }
    },
  },
  {
    kind: 'tree-under-review',
    example: 'a new branch, a tag, an annotated tag, a release at the tip of main',
    before: 'PASSED, nothing changed; the annotated tag checkout-mismatch',
    now: 'nothing to compare',
    source: 'reported',
    speed: 'slow',
    check: async () => {
      const origin = Origin.make();
      const main = origin.head();
      for (const [name, payload] of [
        ['push', events.push('refs/heads/topic', undefined, main)],
        ['push', events.push('refs/tags/v1', undefined, main)],
        ['push', events.tag('refs/tags/v2', 'd'.repeat(40), main)],
        ['release', { release: {}, ...known }],
      ] as const) {
        const run = await actionOn(origin.checkOut(main), name, payload);
        expect(run.code, run.stdout + run.stderr).toBe(0);
        expect(run.outputs['verdict']).toBe('nothing-to-compare');
      }
    },
  },
  {
    kind: 'tree-under-review',
    example: 'a job of a matrix that measures, or gates, for another commit than the planned one',
    before: "the verdict on one commit as the other's",
    now: 'checkout-mismatch; run-mismatch',
    source: 'neighbour',
    speed: 'slow',
    check: async () => {
      const { origin, topic, event } = nineFold();
      const work = origin.checkOut(topic, 'whole');
      const planned = await actionOn(work, 'pull_request', event, { inputs: { mode: 'plan' } });
      expect(planned.code, planned.stdout).toBe(0);
      const later = origin.note('topic');
      const other = events.pullRequest(7, octo, { head: later, base: { ref: 'main', sha: topic } });
      const gated = await actionOn(work, 'pull_request', other, { inputs: { mode: 'gate' } });
      expect(gated.stdout).toContain('error[run-mismatch]');
      work.git('fetch', '--quiet', 'origin', later);
      work.git('checkout', '--quiet', '--detach', later);
      const measured = await actionOn(work, 'pull_request', event, { inputs: { mode: 'measure' } });
      expect(measured.stdout).toContain('error[checkout-mismatch]');
    },
  },
];

const baseCommits: readonly Situation[] = [
  {
    kind: 'base-commit',
    example: 'a README in a pull request into a release branch',
    before: 'against main, REGRESSED 100 → 200 B',
    now: 'against release/1, unchanged',
    source: 'reported',
    speed: 'slow',
    check: async () => {
      const { work, event, release } = intoRelease();
      const run = await actionOn(work, 'pull_request', event);
      expect(run.code, run.stdout).toBe(0);
      expect(run.stdout).toContain(`against ${release.slice(0, 12)}`);
      expect(run.stdout).toContain('1 unchanged');
    },
  },
  {
    kind: 'base-commit',
    example: 'a pull request into a release branch, of whose name there is also a tag',
    before: 'against main',
    now: 'against the branch',
    source: 'neighbour',
    speed: 'slow',
    check: async () => {
      const { origin, work, event, release } = intoRelease();
      origin.git('tag', 'release/1', 'main');
      work.git('fetch', '--quiet', '--tags', 'origin');
      expect(await baseOf(work, 'pull_request', event)).toMatchObject({ commit: release, from: 'merge-base', warnings: [] });
    },
  },
  {
    kind: 'base-commit',
    example: 'a push to a release branch takes back what the branch had gained, and the input `base` is what was there before',
    before: 'zeros, of the first push, were base-not-found',
    now: 'against the commit before; of zeros against the merge base',
    source: 'neighbour',
    speed: 'slow',
    check: async () => {
      const origin = Origin.make();
      const main = origin.head();
      const before = origin.size('release/1', 50);
      const pushed = origin.size('release/1', 70);
      const push = events.push('refs/heads/release/1', before, pushed, 'main');
      const work = origin.checkOut(pushed, 'whole');
      expect(await baseOf(work, 'push', push, { named: before })).toMatchObject({ commit: before, from: 'named' });
      expect(await baseOf(work, 'push', push, { named: '0'.repeat(40) })).toMatchObject({ commit: main, from: 'merge-base' });
    },
  },
  {
    kind: 'base-commit',
    example: 'a README on a branch of a repository whose default is develop, and which has a main',
    before: 'against main, REGRESSED +50 %',
    now: 'against develop, unchanged',
    source: 'reported',
    speed: 'fast',
    check: async () => {
      const origin = Origin.make();
      const develop = origin.size('develop', 150);
      const topic = origin.note('topic');
      const push = events.push('refs/heads/topic', undefined, topic, 'develop');
      for (const how of ['depth-1', 'whole'] as const) {
        const work = origin.checkOut(topic, how);
        work.git('switch', '--quiet', '--create', 'topic');
        expect(await baseOf(work, 'push', push)).toMatchObject({ commit: develop, warnings: [] });
      }
    },
  },
  {
    kind: 'base-commit',
    example: "depth 1, and head is a developer's own merge of main",
    before: "against the pull request's earlier commit, PASSED",
    now: 'against main, REGRESSED 100 → 900 B',
    source: 'reported',
    speed: 'slow',
    check: async () => {
      const { origin, topic } = nineFold();
      origin.git('switch', '--quiet', 'main');
      const main = origin.note('main');
      const head = origin.merge(topic, main, topic);
      const event = events.pullRequest(7, octo, { head, base: { ref: 'main', sha: main } });
      const run = await actionOn(origin.checkOut(head), 'pull_request', event);
      expect(run.code, run.stdout).toBe(1);
      expect(run.stdout).toContain(`against ${main.slice(0, 12)}`);
    },
  },
  {
    kind: 'base-commit',
    example: "a merge commit of the pull request's head that its author made: of a slow commit, or of an old one of main",
    before: 'against the chosen parent, PASSED',
    now: 'against the merge base',
    source: 'neighbour',
    speed: 'slow',
    check: async () => {
      const origin = Origin.make();
      const old = origin.size('main', 900);
      const main = origin.size('main', 100);
      const slow = origin.size('slow', 800);
      origin.git('switch', '--quiet', 'main');
      const topic = origin.size('topic', 900);
      const event = events.pullRequest(7, octo, { head: topic, base: { ref: 'main', sha: main } });
      for (const [parent, how] of [
        [slow, 'depth-1'],
        [old, 'whole'],
      ] as const) {
        const work = origin.checkOut(origin.merge(parent, topic), how);
        expect(await baseOf(work, 'pull_request_target', event)).toMatchObject({ commit: main });
      }
    },
  },
  {
    kind: 'base-commit',
    example: "a clone of a fork, whose own main holds the pull request's commit",
    before: "against the fork's main, PASSED",
    now: 'against main of the repository itself',
    source: 'neighbour',
    speed: 'fast',
    check: async () => {
      const { origin, main, topic, event } = nineFold();
      const fork = origin.copy();
      fork.git('branch', '--force', 'main', topic);
      const work = origin.checkOut(topic);
      const server = 'https://git.example.org';
      work.git('remote', 'set-url', 'origin', `${server}/mallory/models`);
      work.git('config', `url.file://${fork.folder}.insteadOf`, `${server}/mallory/models`);
      work.git('config', `url.file://${origin.folder}.insteadOf`, `${server}/octo/models`);
      const environment = { GITHUB_SERVER_URL: server };
      expect(await baseOf(work, 'pull_request_target', event, { environment })).toMatchObject({ commit: main, warnings: [] });
    },
  },
  {
    kind: 'base-commit',
    example: 'the input `base: main` in a clone of a fork, whose own main is nine times as big',
    before: "against the fork's main, PASSED",
    now: 'against main of the repository itself; what only the fork has is refused',
    source: 'neighbour',
    speed: 'slow',
    check: async () => {
      const { origin, main, topic, event } = nineFold();
      const fork = origin.copy();
      fork.git('branch', '--force', 'main', topic);
      fork.git('branch', 'slow', topic);
      const head = new Origin(fork.folder).note('topic');
      const server = 'https://git.example.org';
      const work = new Origin(fork.folder).checkOut(head, 'whole');
      work.git('remote', 'set-url', 'origin', `${server}/mallory/models`);
      work.git('config', `url.file://${fork.folder}.insteadOf`, `${server}/mallory/models`);
      work.git('config', `url.file://${origin.folder}.insteadOf`, `${server}/octo/models`);
      work.git('tag', 'main', topic);
      origin.git('tag', 'v1', main);
      const pull = events.pullRequest(7, octo, { head, base: { ref: 'main', sha: main } });
      const environment = { GITHUB_SERVER_URL: server };
      const named = (name: string) => baseOf(work, 'pull_request_target', pull, { named: name, environment });
      expect(event.pull_request.head.sha).toBe(topic);
      for (const name of ['main', 'v1', 'refs/heads/main', main]) expect(await named(name)).toMatchObject({ commit: main, from: 'named' });
      expect(await named('HEAD~1')).toMatchObject({ commit: topic });
      for (const name of ['slow', 'origin/main', 'refs/remotes/origin/main', 'main~0'])
        await expect(named(name)).rejects.toMatchObject({ code: 'base-not-found' });
    },
  },
  {
    kind: 'base-commit',
    example: 'the input `base: main`, where a tag has that name and the branch that this clone knows is old',
    before: 'against the tag, PASSED',
    now: 'against the branch as the remote has it',
    source: 'neighbour',
    speed: 'fast',
    check: async () => {
      const { origin, main, topic, event } = nineFold();
      const work = origin.checkOut(topic, 'whole');
      work.git('tag', 'main', topic);
      work.git('update-ref', 'refs/heads/main', topic);
      work.git('update-ref', 'refs/remotes/origin/main', topic);
      for (const named of ['main', 'origin/main'])
        expect(await baseOf(work, 'pull_request', event, { named })).toMatchObject({ commit: main, from: 'named' });
    },
  },
  {
    kind: 'base-commit',
    example: 'a forced push has removed the commit before it',
    before: 'base-not-found, exit 2',
    now: 'the first parent is base, with a warning',
    source: 'reported',
    speed: 'fast',
    check: async () => {
      const { origin, main: first, topic: main } = nineFold();
      const push = { ...events.push('refs/heads/main', '1'.repeat(40), main), forced: true };
      for (const how of ['depth-1', 'whole'] as const)
        expect(await baseOf(origin.checkOut(main, how), 'push', push)).toMatchObject({
          commit: first,
          event: 'default-branch',
          warnings: [expect.stringContaining(`base is ${first.slice(0, 12)}, the first parent of head`)],
        });
    },
  },
  {
    kind: 'base-commit',
    example: 'a scheduled run on a commit that a forced push took off main',
    before: 'its numbers become baselines',
    now: 'a change against main, of which no baseline comes',
    source: 'neighbour',
    speed: 'slow',
    check: async () => {
      const { origin, main, topic } = nineFold();
      const work = origin.checkOut(topic);
      origin.git('switch', '--quiet', 'main');
      origin.git('branch', '--quiet', '--delete', '--force', 'topic');
      expect(await baseOf(work, 'schedule', events.schedule())).toMatchObject({ commit: main, event: 'change' });
    },
  },
  {
    kind: 'base-commit',
    example: 'a job that is run again after the pull request was merged, and one for its closing',
    before: 'the commit against itself, PASSED',
    now: 'against the base branch as it was',
    source: 'neighbour',
    speed: 'slow',
    check: async () => {
      const { origin, main, topic, event } = nineFold();
      const squashed = origin.git('commit-tree', `${topic}^{tree}`, '-p', main, '-m', 'squash');
      const closed = events.pullRequest(7, octo, { head: topic, base: { ref: 'main', sha: main }, merged: squashed });
      origin.git('branch', '--force', 'main', squashed);
      expect(await baseOf(origin.checkOut(squashed), 'pull_request', closed)).toMatchObject({ commit: main });
      origin.git('branch', '--force', 'main', origin.merge(main, topic));
      expect(await baseOf(origin.checkOut(topic), 'pull_request', event)).toMatchObject({
        commit: main,
        warnings: [expect.stringContaining('where the branch stood when the event came')],
      });
    },
  },
  {
    kind: 'base-commit',
    example: 'main and the pull request have merged each other',
    before: "whichever ancestor git names first, the author's own too",
    now: "the ancestor on main's own line, with a warning",
    source: 'neighbour',
    speed: 'slow',
    check: async () => {
      const { origin, topic } = nineFold();
      origin.git('switch', '--quiet', 'main');
      const main = origin.note('main');
      origin.git('switch', '--quiet', 'topic');
      const tip = origin.merge(main, topic, main);
      origin.git('branch', '--force', 'main', tip);
      const head = origin.merge(topic, main, topic);
      const event = events.pullRequest(7, octo, { head, base: { ref: 'main', sha: tip } });
      expect(await baseOf(origin.checkOut(head), 'pull_request', event)).toMatchObject({
        commit: main,
        warnings: [expect.stringContaining('have merged each other')],
      });
    },
  },
  {
    kind: 'base-commit',
    example: 'a shallow clone in which only an old common ancestor is seen, because a side line was merged that is longer than its depth',
    before: 'against the old, slow ancestor, PASSED',
    now: 'deepened until no hidden history can hold a better one',
    source: 'neighbour',
    speed: 'slow',
    check: async () => {
      const { work, event, fork } = hiddenFork();
      expect(await baseOf(work, 'pull_request', event)).toMatchObject({ commit: fork });
    },
  },
];

/** release/1 at 200 B, and a pull request into it that changes a README. */
const intoRelease = () => {
  const origin = Origin.make();
  const release = origin.size('release/1', 200);
  const topic = origin.note('topic');
  const event = events.pullRequest(7, octo, { head: topic, base: { ref: 'release/1', sha: release } });
  return { origin, release, event, work: origin.checkOut(topic, 'whole') };
};

/**
 * main was slow once, then became fast; head forks from a fast commit, but is cut off before it.
 * Only by a side line, which began while main was slow and which both merged, do head and main meet
 * in what a clone of little depth sees.
 */
const hiddenFork = () => {
  const origin = Origin.make();
  const side = origin.size('side', 900);
  origin.git('switch', '--quiet', 'main');
  const fork = origin.size('main', 100);
  origin.note('main');
  origin.note('main');
  const main = origin.merge(origin.note('main'), side, 'HEAD');
  origin.git('branch', '--force', 'topic', fork);
  origin.note('topic');
  origin.note('topic');
  const head = origin.merge(origin.size('topic', 900), side, 'topic');
  origin.git('switch', '--quiet', '--detach');
  origin.git('branch', '--force', 'main', main);
  const work = origin.checkOut(head, 'depth-2');
  work.git('fetch', '--quiet', '--depth=2', 'origin', main);
  const event = events.pullRequest(7, octo, { head, base: { ref: 'main', sha: main } });
  return { work, event, fork, side };
};

export const situations: readonly Situation[] = [...underReview, ...baseCommits];
