import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type Owner, owner, ownerLives, thisProcess } from '../records/owner.ts';
import type { Git } from './git.ts';

const prefix = 'optimization-gate-tree-';
const ownerFile = 'owner.json';
const treeFolder = 'tree';

/** A commit checked out in a folder of its own. */
export interface Worktree {
  readonly folder: string;
  /** Removes the folder and what git knows of it; safe to call twice. */
  release(): Promise<void>;
}

/**
 * Checks out a commit in a new temporary folder, without submodules and without running hooks. Concurrent jobs get folders of their own.
 * What processes that are dead by now left behind is removed first.
 */
export const addWorktree = async (git: Git, commit: string, temporary: string): Promise<Worktree> => {
  await removeAbandoned(git);
  const holder = await mkdtemp(join(temporary, prefix));
  const folder = join(holder, treeFolder);
  const release = async (): Promise<void> => {
    await git.run(['worktree', 'remove', '--force', '--force', folder]);
    await rm(holder, { recursive: true, force: true });
    await git.run(['worktree', 'prune']);
  };
  try {
    await writeFile(join(holder, ownerFile), JSON.stringify(thisProcess()));
    await git.read(['worktree', 'add', '--quiet', '--detach', folder, commit]);
  } catch (thrown) {
    await release();
    throw thrown;
  }
  return { folder, release };
};

const removeAbandoned = async (git: Git): Promise<void> => {
  const listed = (await git.read(['worktree', 'list', '--porcelain', '-z'])).toString('utf8').split('\0');
  for (const line of listed) {
    const folder = line.startsWith('worktree ') ? line.slice('worktree '.length) : '';
    const holder = join(folder, '..');
    if (basename(folder) !== treeFolder || !basename(holder).startsWith(prefix)) continue;
    const known = await readOwner(join(holder, ownerFile));
    if (known === null || ownerLives(known) !== false) continue;
    await git.run(['worktree', 'remove', '--force', '--force', folder]);
    await rm(holder, { recursive: true, force: true });
  }
  await git.run(['worktree', 'prune', '--expire=1.hour.ago']);
};

const readOwner = async (path: string): Promise<Owner | null> => {
  try {
    if ((await stat(path)).size > 4096) return null;
    const parsed = owner.safeParse(JSON.parse(await readFile(path, 'utf8')));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
};
