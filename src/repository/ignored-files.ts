import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Git } from './git.ts';
import { submodulesAt } from './submodules.ts';

/**
 * What git ignores in a working tree and in its submodules that are checked out, relative to the
 * tree; a folder whose files are all ignored ends in `/`.
 * @param gitAt opens git in a folder
 */
export const ignoredFiles = (root: string, gitAt: (folder: string) => Git): Promise<readonly string[]> => inTree(root, gitAt, ignored);

/**
 * Files of a working tree that are not under review, listed like `ignoredFiles`:
 * what git ignores, and repositories that are no submodules. With `committed` a commit is under
 * review, and so everything that git does not track counts.
 */
export const strayFiles = (root: string, committed: boolean, gitAt: (folder: string) => Git): Promise<readonly string[]> =>
  inTree(root, gitAt, async (git) => {
    if (committed) return untracked(git, ['--directory']);
    // Git lists a repository in the place of its files.
    const repositories = (await untracked(git, ['--exclude-standard'])).filter((path) => path.endsWith('/'));
    return [...repositories, ...(await ignored(git))];
  });

type List = (git: Git) => Promise<readonly string[]>;

const ignored: List = (git) => untracked(git, ['--ignored', '--exclude-standard', '--directory']);

const untracked = async (git: Git, options: readonly string[]): Promise<readonly string[]> =>
  (await git.read(['ls-files', '-z', '--others', ...options]))
    .toString('utf8')
    .split('\0')
    .filter((path) => path !== '');

const inTree = async (root: string, gitAt: (folder: string) => Git, list: List): Promise<readonly string[]> => {
  const git = gitAt(root);
  const own = await list(git);
  const below: string[] = [];
  for (const { path } of await submodulesAt(git, 'HEAD')) {
    const inside = join(root, path);
    if (!existsSync(join(inside, '.git'))) continue;
    for (const each of await inTree(inside, gitAt, list)) below.push(`${path}/${each}`);
  }
  return [...own, ...below];
};
