import { expect, it } from 'vitest';
import type { CommandResult } from '../../src/processes/run-command.ts';
import { gitError } from '../../src/repository/git.ts';

const ended = (stderr: string): CommandResult => ({ status: 'exited', code: 128, stderr, truncated: false }) as CommandResult;

it('of git is one of the disk where git found no room, and else its own', () => {
  const full = gitError(['worktree', 'add'], ended('fatal: could not write to /tmp/tree: No space left on device'));
  expect([full.code, full.message]).toEqual(['disk-full', expect.stringContaining('TMPDIR')]);
  const other = gitError(['worktree', 'add'], ended('fatal: not a tree object'));
  expect([other.code, other.message]).toEqual([
    'git-failed',
    '`git worktree` was run. It ended with exit status 128. It said: fatal: not a tree object',
  ]);
});
