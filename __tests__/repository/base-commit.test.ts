import { afterAll, describe, expect, it } from 'vitest';
import { openRepository } from '../../src/repository/repository.ts';
import { environment, removeRoot, root, ScratchRepository } from './scratch-repository.ts';

afterAll(removeRoot);

const base = async (scratch: ScratchRepository, event: 'change' | 'default-branch' = 'change', explicit: string | null = null) =>
  (await openRepository(scratch.folder, { environment, temporary: root })).baseCommit({ event, explicit });
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
    expect(await base(scratch)).toEqual({ commit: fork, from: 'merge-base', warnings: [] });
    scratch.git('switch', '--quiet', '--detach', feature);
    expect((await base(scratch)).commit).toBe(fork);
  });

  it('is head on the default branch itself, so that edits are compared with what they were made on', async () => {
    const { scratch, main } = branched();
    expect(await base(scratch)).toEqual({ commit: main, from: 'head', warnings: [] });
    expect(await base(scratch, 'default-branch')).toEqual({ commit: main, from: 'head', warnings: [] });
  });

  it('is the pushed branch when commits of the default branch are not pushed yet', async () => {
    const { scratch, main } = branched();
    const clone = scratch.clone();
    clone.commit({ d: '1' });
    expect(await base(clone)).toEqual({ commit: main, from: 'merge-base', warnings: [] });
  });

  it('is the first parent when the merge commit of a pull request is checked out', async () => {
    const { scratch, main, feature } = branched();
    scratch.git('switch', '--quiet', '--detach', 'main');
    scratch.git('merge', '--quiet', '--no-ff', '-m', 'merge', feature);
    expect(await base(scratch)).toEqual({ commit: main, from: 'merge-commit', warnings: [] });
  });

  it('is not the first parent when a developer merged the default branch into a branch', async () => {
    const { scratch, main } = branched();
    scratch.git('switch', '--quiet', 'feature');
    scratch.git('merge', '--quiet', '--no-ff', '-m', 'merge', 'main');
    expect((await base(scratch)).commit).toBe(main);
    scratch.git('switch', '--quiet', '--detach', 'feature');
    expect(await base(scratch)).toEqual({ commit: main, from: 'merge-base', warnings: [] });
  });

  it('is the first parent of an octopus merge too', async () => {
    const { scratch, main, feature, first } = branched();
    scratch.git('switch', '--quiet', '-c', 'other', first);
    const other = scratch.commit({ e: '1' });
    scratch.git('switch', '--quiet', '--detach', 'main');
    scratch.git('merge', '--quiet', '--no-ff', '-m', 'octopus', feature, other);
    expect((await base(scratch)).commit).toBe(main);
  });

  it('takes what is named: commit, branch, tag, remote branch; and ignores the zeros of a new branch', async () => {
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
    expect(await base(scratch.clone(), 'default-branch', 'feature')).toEqual({ commit: feature, from: 'explicit', warnings: [] });
    expect((await base(scratch, 'default-branch', '0'.repeat(40))).commit).toBe(main);
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
    expect(await base(clone)).toEqual({ commit: main, from: 'merge-commit', warnings: [] });
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
