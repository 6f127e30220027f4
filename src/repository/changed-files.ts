import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Git } from './git.ts';
import { submodulesAt } from './submodules.ts';

/**
 * Paths of all files in which the files on disk differ from a commit: changed, added, removed, and
 * untracked ones that are not ignored. The files of a submodule that is checked out count one by
 * one, below its path.
 * @param gitAt opens git in a folder
 */
export const changedFiles = async (folder: string, commit: string, gitAt: (folder: string) => Git): Promise<readonly string[]> => {
  const git = gitAt(folder);
  const names = async (args: readonly string[]): Promise<readonly string[]> =>
    (await git.read(args))
      .toString('utf8')
      .split('\0')
      .filter((name) => name !== '' && !name.endsWith('/'));
  const differing = await names(['diff', '--name-only', '-z', '--no-renames', '--no-ext-diff', '--ignore-submodules=all', commit, '--']);
  const untracked = await names(['ls-files', '-z', '--others', '--exclude-standard', '--full-name']);
  const below: string[] = [];
  for (const { path, commit: pinned } of await submodulesAt(git, commit)) {
    const inside = join(folder, path);
    if (!existsSync(join(inside, '.git'))) continue;
    const known = await gitAt(inside).line(['rev-parse', '--verify', '--quiet', '--end-of-options', `${pinned}^{commit}`]);
    if (known === null) continue;
    for (const each of await changedFiles(inside, pinned, gitAt)) below.push(`${path}/${each}`);
  }
  return [...new Set([...differing, ...untracked, ...below])];
};
