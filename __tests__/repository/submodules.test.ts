import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { globReach } from '../../src/repository/glob.ts';
import { openRepository } from '../../src/repository/repository.ts';
import { addressesOf } from '../../src/repository/submodule-sections.ts';
import { environment, removeRoot, root, ScratchRepository } from './scratch-repository.ts';

afterAll(removeRoot);

const open = (scratch: ScratchRepository) => openRepository(scratch.folder, { environment, temporary: root });
const needed = { declared: ['bench/**', 'vendor/lib/src/**'], possible: [], lfs: false };

/** A repository that pins commit after commit of a library, which pins one of a part of its own. */
const pinned = (): { readonly scratch: ScratchRepository; readonly library: ScratchRepository } => {
  const part = ScratchRepository.create();
  part.commit({ 'part.py': 'PART = 1\n' });
  const library = ScratchRepository.create();
  library.git('submodule', '--quiet', 'add', part.folder, 'part');
  library.commit({ 'src/lib.py': 'SIZE = 100\n' });
  const scratch = ScratchRepository.create();
  scratch.git('submodule', '--quiet', 'add', library.folder, 'vendor/lib');
  scratch.git('submodule', '--quiet', 'update', '--init', '--recursive');
  scratch.commit({ 'bench/b.py': '1' });
  const newer = library.commit({ 'src/lib.py': 'SIZE = 900\n' });
  const inside = new ScratchRepository(join(scratch.folder, 'vendor/lib'));
  inside.git('fetch', '--quiet');
  inside.git('checkout', '--quiet', newer);
  scratch.commit({});
  return { scratch, library };
};

const once = pinned();
/** A copy of it, which costs less than another. */
const pinning = (): typeof once => ({ ...once, scratch: once.scratch.copy() });

describe('a submodule', () => {
  it('is checked out for base as base pins it, with its own, where the checkout has it; all of it goes with the worktree', async () => {
    const { scratch } = pinning();
    const inside = new ScratchRepository(join(scratch.folder, 'vendor/lib'));
    const worktree = await (await open(scratch)).worktree(scratch.git('rev-parse', 'HEAD~1'), needed);
    expect(readFileSync(join(worktree.folder, 'vendor/lib/src/lib.py'), 'utf8')).toBe('SIZE = 100\n');
    expect(readFileSync(join(worktree.folder, 'vendor/lib/part/part.py'), 'utf8')).toBe('PART = 1\n');
    await worktree.release();
    expect(existsSync(worktree.folder)).toBe(false);
    for (const each of [scratch, inside]) expect(each.git('worktree', 'list').split('\n')).toHaveLength(1);
    expect(scratch.git('status', '--porcelain')).toBe('');
  });

  it('stays empty for base where it is in the checkout', async () => {
    const { scratch } = pinning();
    scratch.git('submodule', '--quiet', 'deinit', '--force', 'vendor/lib');
    const worktree = await (await open(scratch)).worktree(scratch.git('rev-parse', 'HEAD~1'), needed);
    onTestFinished(() => worktree.release());
    expect(existsSync(join(worktree.folder, 'vendor/lib/src'))).toBe(false);
  });

  it('that cannot be had is an error where an input may lie in it, and nothing where none does', async () => {
    const { scratch, library } = pinning();
    const inside = join(scratch.folder, 'vendor/lib');
    const shallow = library.clone('--depth=1');
    rmSync(inside, { recursive: true });
    rmSync(join(scratch.folder, '.git/modules'), { recursive: true });
    scratch.git('clone', '--quiet', '--depth=1', `file://${shallow.folder}`, inside);
    new ScratchRepository(inside).git('config', 'url./nowhere.insteadOf', library.folder);
    const base = scratch.git('rev-parse', 'HEAD~1');
    const repository = await open(scratch);
    await expect(repository.worktree(base, needed)).rejects.toMatchObject({
      code: 'submodule-missing',
      where: expect.stringMatching(/^vendor\/lib of base/),
    });
    const worktree = await repository.worktree(base, { ...needed, declared: ['bench/**'] });
    await worktree.release();
    expect(scratch.git('worktree', 'list').split('\n')).toHaveLength(1);
  });

  it('counts in the digest of inputs by its commit, and by what is on disk where that differs', async () => {
    const { scratch } = pinning();
    const repository = await open(scratch);
    const at = (tree: 'working-tree' | string, patterns: readonly string[] = ['vendor/lib/src/*.py']) =>
      repository.inputsDigest(tree === 'working-tree' ? tree : { commit: scratch.git('rev-parse', tree) }, patterns);
    expect(await at('working-tree')).toBe(await at('HEAD'));
    expect(await at('HEAD')).not.toBe(await at('HEAD~1'));
    expect(await at('working-tree', ['bench/**'])).toBe(await at('HEAD~1', ['bench/**']));
    const seen = new Set([await at('working-tree')]);
    scratch.write('vendor/lib/src/lib.py', 'SIZE = 1900\n');
    seen.add(await at('working-tree'));
    scratch.write('vendor/lib/part/part.py', 'PART = 2\n');
    seen.add(await at('working-tree'));
    scratch.write('vendor/lib/src/new.py', 'NEW = 1\n');
    seen.add(await at('working-tree'));
    expect(seen.size).toBe(4);
    const changed = await repository.changedFiles(scratch.git('rev-parse', 'HEAD'));
    expect(changed.toSorted()).toEqual(['vendor/lib/part/part.py', 'vendor/lib/src/lib.py', 'vendor/lib/src/new.py']);
  });
});

describe('a submodule that the change takes away', () => {
  it('is taken from what the clone kept of it, with its own, without asking its address', async () => {
    const { scratch, library } = pinning();
    const base = scratch.git('rev-parse', 'HEAD~1');
    scratch.git('rm', '--quiet', '-r', 'vendor/lib');
    scratch.commit({});
    scratch.git('config', 'url./nowhere.insteadOf', library.folder);
    const worktree = await (await open(scratch)).worktree(base, needed);
    expect(readFileSync(join(worktree.folder, 'vendor/lib/src/lib.py'), 'utf8')).toBe('SIZE = 100\n');
    expect(worktree.own.toSorted()).toEqual([
      'vendor/lib/.gitmodules',
      'vendor/lib/part',
      'vendor/lib/part/part.py',
      'vendor/lib/src/lib.py',
    ]);
    await worktree.release();
    expect(existsSync(worktree.folder)).toBe(false);
    expect(scratch.git('worktree', 'list').split('\n')).toHaveLength(1);
    expect(scratch.git('status', '--porcelain')).toBe('');
  });
});

describe('addressesOf', () => {
  it.each([
    ['https://host/octo/lib.git', 'https://host/octo/models.git', ['https://host/octo/lib.git']],
    ['../lib.git', 'https://host/octo/models.git', ['https://host/octo/lib.git']],
    ['../../other/lib', 'https://host/octo/models/', ['https://host/other/lib']],
    ['./lib', '/data/models', ['/data/models/lib']],
    ['../lib', 'git@host:octo/models.git', ['git@host:octo/lib']],
    ['../lib', 'git@host:models.git', ['git@host:lib']],
    ['git@host:octo/lib.git', 'https://host/octo/models.git', ['git@host:octo/lib.git', 'https://host/octo/lib.git']],
    ['ssh://git@host/octo/lib', 'https://token@host/octo/models', ['ssh://git@host/octo/lib', 'https://host/octo/lib']],
    ['git@elsewhere:octo/lib.git', 'https://host/octo/models.git', ['git@elsewhere:octo/lib.git']],
  ])('%s beside %s', (url, parent, addresses) => {
    expect(addressesOf(url, parent)).toEqual(addresses);
  });
});

describe('globReach', () => {
  it('tells a pattern that matches from one that may match below', () => {
    const reach = (pattern: string, path: string) => globReach(pattern, 'inputs')(path);
    expect(reach('vendor/**', 'vendor/lib')).toBe('matches');
    expect(reach('vendor/lib/src/*.py', 'vendor/lib')).toBe('below');
    expect(reach('**/*.py', 'vendor/lib')).toBe('below');
    expect(reach('{bench,vendor}/lib/x', 'vendor/lib')).toBe('below');
    expect(reach('bench/**', 'vendor/lib')).toBe('none');
    expect(reach('vendor/li', 'vendor/lib')).toBe('none');
  });
});
