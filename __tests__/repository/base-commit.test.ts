import { afterAll, describe, expect, it } from 'vitest';
import type { ChangeBase, ChangeEvent, DefaultBranchEvent, HostEvent, ReviewedCommit } from '../../src/records/event.ts';
import type { BaseCommit } from '../../src/repository/base-commit.ts';
import { openRepository } from '../../src/repository/repository.ts';
import { environment, removeRoot, root, ScratchRepository } from './scratch-repository.ts';

afterAll(removeRoot);

const found = async (scratch: ScratchRepository, event: HostEvent, named: string | null = null): Promise<BaseCommit> =>
  (await openRepository(scratch.folder, { environment, temporary: root })).baseCommit({ event, named });
const base = (scratch: ScratchRepository, measures: 'change' | 'default-branch' = 'change', named: string | null = null) =>
  found(scratch, { kind: 'developer', measures }, named);
const coded = (code: string): unknown => expect.objectContaining({ code });

/** main with three commits, feature with two from its second, main checked out. */
const template = (() => {
  const scratch = ScratchRepository.create();
  const first = scratch.commit({ a: '1' });
  const fork = scratch.commit({ a: '2' });
  scratch.git('switch', '--quiet', '-c', 'feature');
  scratch.commit({ b: '1' });
  const feature = scratch.commit({ b: '2' });
  scratch.git('switch', '--quiet', 'main');
  const main = scratch.commit({ c: '1' });
  return { scratch, first, fork, feature, main };
})();
const plainClone = template.scratch.clone();
const branched = () => ({ ...template, scratch: template.scratch.copy() });

describe('baseCommit', () => {
  it('is the common ancestor when a branch is checked out, by name or detached', async () => {
    const { scratch, fork, feature } = branched();
    scratch.git('switch', '--quiet', 'feature');
    expect(await base(scratch)).toEqual({ commit: fork, from: 'merge-base', event: 'change', warnings: [] });
    scratch.git('switch', '--quiet', '--detach', feature);
    expect((await base(scratch)).commit).toBe(fork);
  });

  it('is head on the default branch itself, so that edits are compared with what they were made on', async () => {
    const { scratch, main } = branched();
    expect(await base(scratch)).toEqual({ commit: main, from: 'head', event: 'change', warnings: [] });
    expect(await base(scratch, 'default-branch')).toEqual({ commit: main, from: 'head', event: 'default-branch', warnings: [] });
  });

  it('is the pushed branch when commits of the default branch are not pushed yet', async () => {
    const { scratch, main } = branched();
    const clone = scratch.clone();
    clone.commit({ d: '1' });
    expect(await base(clone)).toMatchObject({ commit: main, from: 'merge-base', warnings: [] });
  });

  it('is the first parent when the merge commit of a pull request is checked out', async () => {
    const { scratch, main, feature } = branched();
    scratch.git('switch', '--quiet', '--detach', 'main');
    scratch.git('merge', '--quiet', '--no-ff', '-m', 'merge', feature);
    expect(await base(scratch)).toMatchObject({ commit: main, from: 'merge-base', warnings: [] });
    scratch.git('update-ref', 'refs/remotes/pull/7/merge', 'HEAD');
    expect(await base(scratch)).toMatchObject({ commit: main, from: 'merge-commit', warnings: [] });
  });

  it('is not the first parent when a developer merged the default branch into a branch', async () => {
    const { scratch, main } = branched();
    scratch.git('switch', '--quiet', 'feature');
    scratch.git('merge', '--quiet', '--no-ff', '-m', 'merge', 'main');
    expect((await base(scratch)).commit).toBe(main);
    scratch.git('switch', '--quiet', '--detach', 'feature');
    expect(await base(scratch)).toMatchObject({ commit: main, from: 'merge-base', warnings: [] });
  });

  it('is the first parent of an octopus merge too', async () => {
    const { scratch, main, feature, first } = branched();
    scratch.git('switch', '--quiet', '-c', 'other', first);
    const other = scratch.commit({ e: '1' });
    scratch.git('switch', '--quiet', '--detach', 'main');
    scratch.git('merge', '--quiet', '--no-ff', '-m', 'octopus', feature, other);
    expect((await base(scratch)).commit).toBe(main);
  });

  it('takes what is named: commit, branch, tag, remote branch', async () => {
    const { scratch, first, main, feature } = branched();
    scratch.git('tag', 'v1', first);
    for (const [name, commit] of [
      [first, first],
      ['feature', feature],
      ['v1', first],
      ['HEAD~1', main],
    ] as const) {
      expect((await base(scratch, 'change', name)).commit).toBe(name === 'HEAD~1' ? scratch.git('rev-parse', 'HEAD~1') : commit);
    }
    expect(await base(scratch.clone(), 'default-branch', 'feature')).toMatchObject({ commit: feature, from: 'named', warnings: [] });
  });

  it('takes a branch before a tag of the same name', async () => {
    const { scratch, main, feature } = branched();
    for (const name of ['main', 'origin/main']) scratch.git('tag', name, feature);
    const clone = scratch.clone();
    expect(await base(scratch, 'change', 'main')).toMatchObject({ commit: main, from: 'named' });
    for (const name of ['main', 'origin/main']) expect(await base(clone, 'change', name)).toMatchObject({ commit: main });
  });

  it.each(['no-such-branch', 'f'.repeat(40), '--upload-pack=touch x', '', 'a b', ':x'])('refuses %j', async (name) => {
    await expect(base(template.scratch, 'change', name)).rejects.toEqual(coded('base-not-found'));
    await expect(base(plainClone, 'change', name)).rejects.toEqual(coded('base-not-found'));
  });

  it('refuses histories without a common ancestor, or without a default branch', async () => {
    const { scratch } = branched();
    scratch.git('switch', '--quiet', '--orphan', 'island');
    scratch.commit({ z: '1' });
    await expect(base(scratch)).rejects.toEqual(coded('base-not-found'));
    const lone = ScratchRepository.create();
    lone.commit({ a: '1' });
    lone.git('branch', '-m', 'trunk');
    await expect(base(lone)).rejects.toEqual(coded('base-not-found'));
  });
});

describe('baseCommit in a shallow clone', () => {
  it('fetches the first parent of the pull request merge', async () => {
    const { scratch, main, feature } = branched();
    scratch.git('switch', '--quiet', '--detach', 'main');
    scratch.git('merge', '--quiet', '--no-ff', '-m', 'merge', feature);
    scratch.git('update-ref', 'refs/pull/7/merge', 'HEAD');
    const clone = scratch.clone('--depth=1', '--branch=main');
    clone.git('fetch', '--quiet', '--depth=1', 'origin', '+refs/pull/7/merge:refs/remotes/pull/7/merge');
    clone.git('checkout', '--quiet', 'refs/remotes/pull/7/merge');
    expect(await base(clone)).toMatchObject({ commit: main, from: 'merge-commit', warnings: [] });
    expect(clone.git('cat-file', '-t', main)).toBe('commit');
  });

  it('deepens until the common ancestor is there', async () => {
    const { scratch, fork } = branched();
    const clone = scratch.clone('--depth=1', '--branch=feature', '--no-single-branch');
    expect(clone.git('rev-parse', '--is-shallow-repository')).toBe('true');
    expect((await base(clone)).commit).toBe(fork);
  });

  it('fetches a named commit or branch that is missing', async () => {
    const { scratch, first, feature } = branched();
    expect((await base(scratch.clone('--depth=1', '--branch=main'), 'change', first)).commit).toBe(first);
    expect((await base(scratch.clone('--depth=1', '--branch=main'), 'change', 'feature')).commit).toBe(feature);
  });

  it('says that the clone is shallow when the remote is gone', async () => {
    const { scratch, first } = branched();
    const clone = scratch.clone('--depth=1', '--branch=feature', '--no-single-branch');
    clone.git('remote', 'set-url', 'origin', `file://${root}/gone`);
    await expect(base(clone)).rejects.toEqual(coded('shallow-clone'));
    await expect(base(clone, 'change', first)).rejects.toEqual(coded('shallow-clone'));
  });
});

const repository = 'https://github.com/octo/models';
const commitOnly = (head: string, more: Partial<Extract<ReviewedCommit, { kind: 'commit' }>> = {}): ReviewedCommit => ({
  kind: 'commit',
  head,
  merge: null,
  merged: false,
  ...more,
});
const branchBase = (name: string | null, commit: string | null = null, instead: string | null = null): ChangeBase => ({
  kind: 'branch',
  name,
  commit,
  instead,
});
const change = (checkout: ReviewedCommit, into: ChangeBase, more: Partial<ChangeEvent> = {}): ChangeEvent => ({
  kind: 'change',
  repository,
  number: 7,
  checkout,
  base: into,
  ...more,
});
const onMain = (more: Partial<DefaultBranchEvent> = {}): DefaultBranchEvent => ({
  kind: 'default-branch',
  repository,
  branch: 'main',
  checkout: { kind: 'any' },
  commit: null,
  before: null,
  ...more,
});

/** A clone as a checkout step leaves it: one commit, detached, no branch of the remote known. */
const checkedOut = (origin: ScratchRepository, commit: string, depth: string = '--depth=1'): ScratchRepository => {
  origin.git('config', 'uploadpack.allowAnySHA1InWant', 'true');
  const work = ScratchRepository.create();
  work.git('remote', 'add', 'origin', `file://${origin.folder}`);
  work.git('fetch', '--quiet', ...(depth === '' ? [] : [depth]), 'origin', commit);
  work.git('checkout', '--quiet', '--detach', commit);
  return work;
};

/** Commits a merge of two commits without checking either out. */
const mergeOf = (scratch: ScratchRepository, first: string, second: string, tree = second): string =>
  scratch.git('commit-tree', `${tree}^{tree}`, '-p', first, '-p', second, '-m', 'merge');

describe('a change that the host names', () => {
  it('is compared with the first parent of the merge commit of its head', async () => {
    const { scratch, main, feature } = branched();
    const merge = mergeOf(scratch, main, feature);
    const work = checkedOut(scratch, merge);
    for (const event of [
      change(commitOnly(feature), branchBase('main', main)),
      change(commitOnly(feature, { merge }), branchBase('gone', feature)),
    ])
      expect(await found(work, event)).toEqual({ commit: main, from: 'merge-commit', event: 'change', warnings: [] });
    expect(await found(work, change(commitOnly(feature), branchBase('main', feature)))).toMatchObject({ commit: main, from: 'merge-base' });
  });

  it('is compared with its own base branch when head is checked out, whatever else there is', async () => {
    const { scratch, main, feature } = branched();
    scratch.git('switch', '--quiet', '-c', 'release/1', 'main');
    const release = scratch.commit({ r: '1' });
    const topic = scratch.commit({ r: '2' });
    scratch.git('switch', '--quiet', '--detach');
    scratch.git('branch', '--force', 'release/1', release);
    scratch.git('tag', 'release/1', feature);
    const event = change(commitOnly(topic), branchBase('release/1', main));
    for (const work of [checkedOut(scratch, topic), checkedOut(scratch, topic, ''), scratch.clone()]) {
      work.git('checkout', '--quiet', '--detach', topic);
      expect(await found(work, event)).toMatchObject({ commit: release, from: 'merge-base', warnings: [] });
    }
  });

  it('has a warning where its base branch holds a part of it by a squash, which counts for it again', async () => {
    const { scratch, main, fork, feature } = branched();
    const event = change(commitOnly(feature), branchBase('main', main));
    expect((await found(checkedOut(scratch, feature), event)).warnings).toEqual([]);
    const squash = scratch.git('commit-tree', `${feature}^{tree}`, '-p', main, '-m', 'squash');
    scratch.git('checkout', '--quiet', '--detach', feature);
    scratch.git('branch', '--force', 'main', squash);
    const next = scratch.commit({ 'later.txt': '1' });
    expect(await found(checkedOut(scratch, next), change(commitOnly(next), branchBase('main', squash)))).toMatchObject({
      commit: fork,
      warnings: [
        expect.stringMatching(/^Branch main has changes of head already, by a squash or a pick \(.+\), but base is .*\. Rebase head/),
      ],
    });
  });

  it("does not take a developer's own merge for the host's, at any depth", async () => {
    const { scratch, main, feature } = branched();
    const own = mergeOf(scratch, feature, main);
    const event = change(commitOnly(own), branchBase('main', main));
    for (const depth of ['--depth=1', '--depth=2']) {
      expect(await found(checkedOut(scratch, own, depth), event), depth).toMatchObject({ commit: main, from: 'merge-base' });
    }
  });

  it('is no other commit, not even an octopus of it', async () => {
    const { scratch, main, first, feature } = branched();
    const octopus = scratch.git('commit-tree', `${feature}^{tree}`, '-p', main, '-p', feature, '-p', first, '-m', 'octopus');
    const event = change(commitOnly(feature), branchBase('main', main));
    await expect(found(checkedOut(scratch, octopus), event)).rejects.toEqual(coded('checkout-mismatch'));
    await expect(found(checkedOut(scratch, main), event, first)).rejects.toEqual(coded('checkout-mismatch'));
  });

  it('falls back to where the base branch stood when the event came, and says so', async () => {
    const { scratch, main, fork, feature } = branched();
    const event = change(commitOnly(feature), branchBase('deleted', main));
    expect(await found(checkedOut(scratch, feature), event)).toEqual({
      commit: fork,
      from: 'merge-base',
      event: 'change',
      warnings: [expect.stringMatching(/^Branch deleted cannot be fetched: base is /)],
    });
    await expect(found(checkedOut(scratch, feature), change(commitOnly(feature), branchBase('deleted')))).rejects.toEqual(
      coded('base-not-found'),
    );
  });

  it('keeps its base after it was merged by a merge commit', async () => {
    const { scratch, main, feature } = branched();
    const merge = mergeOf(scratch, main, feature);
    scratch.git('branch', '--force', 'merged', merge);
    const closed = change(commitOnly(feature, { merge, merged: true }), branchBase('merged', main));
    expect(await found(checkedOut(scratch, merge), closed)).toMatchObject({ commit: main, from: 'merge-commit' });
  });

  it('refuses a base that is the change itself, but not where the change is none', async () => {
    const { scratch, main, first, feature } = branched();
    const event = change(commitOnly(feature), branchBase('main', main));
    const work = checkedOut(scratch, feature, '');
    for (const named of [feature, 'HEAD']) await expect(found(work, event, named)).rejects.toEqual(coded('usage-bad-value'));
    expect(await found(work, event, first)).toMatchObject({ commit: first, from: 'named' });
    const merged = checkedOut(scratch, mergeOf(scratch, main, feature));
    await expect(found(merged, event, feature)).rejects.toEqual(coded('usage-bad-value'));
    await expect(found(work, onMain(), 'HEAD')).rejects.toEqual(coded('usage-bad-value'));
    const empty = change({ kind: 'any' }, branchBase('main'));
    expect(await found(checkedOut(scratch, main), empty, 'HEAD')).toMatchObject({ commit: main, event: 'change' });
  });

  it('of which the host names no commit is no commit of the base branch', async () => {
    const { scratch, main, first, fork, feature } = branched();
    const event = change({ kind: 'off-base' }, branchBase('main', null, 'The event names no commit.'));
    await expect(found(checkedOut(scratch, first), event)).rejects.toEqual(coded('checkout-mismatch'));
    await expect(found(checkedOut(scratch, main), event, first)).rejects.toEqual(coded('checkout-mismatch'));
    expect(await found(checkedOut(scratch, feature), event)).toMatchObject({ commit: fork, warnings: ['The event names no commit.'] });
  });

  it('is compared with what the merge queue says', async () => {
    const { scratch, main, feature } = branched();
    const event = change(commitOnly(feature), { kind: 'commit', commit: main });
    expect(await found(checkedOut(scratch, feature), event)).toEqual({ commit: main, from: 'host', event: 'change', warnings: [] });
    await expect(found(checkedOut(scratch, main), event)).rejects.toEqual(coded('checkout-mismatch'));
  });

  it('is compared with the default branch that the remote names where the host names none', async () => {
    const { scratch, feature } = branched();
    scratch.git('switch', '--quiet', '-c', 'develop', 'feature~1');
    const develop = scratch.git('rev-parse', 'HEAD');
    expect(await found(checkedOut(scratch, feature), change({ kind: 'any' }, branchBase(null)))).toMatchObject({ commit: develop });
  });
});

describe('a run of the default branch', () => {
  it('is one only for commits of that branch', async () => {
    const { scratch, main, first, fork, feature } = branched();
    expect(await found(checkedOut(scratch, main), onMain())).toEqual({ commit: main, from: 'head', event: 'default-branch', warnings: [] });
    expect(await found(checkedOut(scratch, first), onMain())).toMatchObject({ commit: first, event: 'default-branch' });
    expect(await found(checkedOut(scratch, main), onMain({ before: first, commit: main }))).toMatchObject({
      commit: first,
      from: 'host',
      event: 'default-branch',
    });
    expect(await found(checkedOut(scratch, feature), onMain({ commit: main }))).toMatchObject({
      commit: fork,
      event: 'change',
      warnings: [expect.stringContaining('is not a commit of branch main')],
    });
    await expect(found(checkedOut(scratch, feature), onMain({ checkout: commitOnly(main) }))).rejects.toEqual(coded('checkout-mismatch'));
    await expect(found(checkedOut(scratch, main), onMain({ branch: 'gone' }))).rejects.toEqual(coded('base-not-found'));
  });

  it('falls back to the first parent when the commit before the push is gone, and says so', async () => {
    const { scratch, main, fork, first } = branched();
    const gone = onMain({ before: '1'.repeat(40), commit: main });
    expect(await found(checkedOut(scratch, main), gone)).toEqual({
      commit: fork,
      from: 'parent',
      event: 'default-branch',
      warnings: [expect.stringMatching(/^Commit 111111111111, which the push replaced, .* the first parent of head\.$/)],
    });
    expect(await found(checkedOut(scratch, first), { ...gone, commit: first })).toMatchObject({
      commit: first,
      from: 'head',
      warnings: [expect.stringContaining('head is compared with itself')],
    });
  });
});

describe('the default branch of a developer', () => {
  it('is what the remote says where the clone does not know it, before any usual name', async () => {
    const { scratch, main, feature } = branched();
    scratch.git('switch', '--quiet', '-c', 'develop', 'feature~1');
    const develop = scratch.git('rev-parse', 'HEAD');
    const work = checkedOut(scratch, feature, '');
    work.git('fetch', '--quiet', 'origin', '+refs/heads/*:refs/remotes/origin/*');
    expect(work.git('rev-parse', 'refs/remotes/origin/main')).toBe(main);
    expect((await base(work)).commit).toBe(develop);
    work.git('remote', 'set-url', 'origin', `file://${root}/gone`);
    expect((await base(work)).commit).toBe(scratch.git('merge-base', main, feature));
  });

  it("does not take a developer's own merge for the host's in a shallow clone", async () => {
    const { scratch, main, feature } = branched();
    const own = mergeOf(scratch, feature, main);
    expect(await base(checkedOut(scratch, own))).toMatchObject({ commit: main, from: 'merge-base' });
  });
});
