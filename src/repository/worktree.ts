import { mkdtemp, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { removeClosedFolder } from '../processes/closed-folder.ts';
import type { CommandResult } from '../processes/run-command.ts';
import { type Owner, owner, ownerLives, thisProcess } from '../records/owner.ts';
import { withoutFilters } from './filters.ts';
import { type Git, type GitOptions, gitError } from './git.ts';

/** How the folders around worktrees begin. */
export const worktreePrefix = 'optimization-gate-tree-';
const ownerFile = 'owner.json';
/** Milliseconds between attempts; about two seconds in all. */
const pauses = [10, 30, 90, 270, 600, 1000] as const;
const halfWritten = /worktrees\/[^/\n]+\/(commondir|gitdir|HEAD|locked)/;

const succeeded = (result: CommandResult): boolean => result.status === 'exited' && result.code === 0;

/** Runs `git worktree`, again while it meets an entry that another job is just writing or removing: git does not lock that list. */
const worktreeCommand = async (git: Git, args: readonly string[], options: GitOptions = {}): Promise<CommandResult> => {
  const command = ['worktree', ...args];
  for (const pause of pauses) {
    const result = await git.run(command, options);
    if (succeeded(result) || !halfWritten.test(result.stderr)) return result;
    await sleep(pause);
  }
  return git.run(command, options);
};

const requireWorktreeCommand = async (git: Git, args: readonly string[], options: GitOptions = {}): Promise<CommandResult> => {
  const result = await worktreeCommand(git, args, options);
  if (!succeeded(result)) throw gitError(['worktree', ...args], result);
  return result;
};

/** A commit checked out in a folder of its own. */
export interface Worktree {
  readonly folder: string;
  /** Removes the folder and what git knows of it; safe to call twice. */
  release(): Promise<void>;
}

/**
 * Checks out a commit in a new temporary folder, without submodules and without running hooks or
 * filters: what lies there is what git stores, with the line endings of the attributes. Concurrent
 * jobs get folders of their own. What processes that are dead by now left behind is removed first.
 */
export const addWorktree = async (git: Git, commit: string, temporary: string): Promise<Worktree> => {
  await removeAbandoned(git);
  const holder = await mkdtemp(join(temporary, worktreePrefix));
  // Git knows a worktree by the last part of its path: one of its own, so that concurrent jobs never write the same entry.
  const folder = join(holder, basename(holder));
  const release = (): Promise<void> => removeWorktree(git, folder, holder);
  try {
    await writeFile(join(holder, ownerFile), JSON.stringify(thisProcess()));
    await requireWorktreeCommand(git, ['add', '--quiet', '--detach', folder, commit], { environment: await withoutFilters(git) });
  } catch (thrown) {
    await release();
    throw thrown;
  }
  return { folder, release };
};

const removeAbandoned = async (git: Git): Promise<void> => {
  // Without `-z`, which releases before 2.36 lack: the gate's own folders have no names that git would quote.
  const { stdout } = await requireWorktreeCommand(git, ['list', '--porcelain']);
  const listed = stdout.toString('utf8').split('\n');
  for (const line of listed) {
    const folder = line.startsWith('worktree ') ? line.slice('worktree '.length) : '';
    const holder = join(folder, '..');
    if (basename(folder) !== basename(holder) || !basename(holder).startsWith(worktreePrefix)) continue;
    const known = await readOwner(join(holder, ownerFile));
    if (known === null || ownerLives(known) !== false) continue;
    await removeWorktree(git, folder, holder);
  }
  await worktreeCommand(git, ['prune', '--expire=1.hour.ago']);
};

/** Prunes only what could not be removed: pruning may take an entry that another job is just writing. */
const removeWorktree = async (git: Git, folder: string, holder: string): Promise<void> => {
  const removed = await worktreeCommand(git, ['remove', '--force', '--force', folder]);
  await removeClosedFolder(holder);
  if (!succeeded(removed)) await worktreeCommand(git, ['prune']);
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
