import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Git } from './git.ts';
import { submodulesAt } from './submodules.ts';

/**
 * What git ignores in a working tree and in its submodules that are checked out, relative to the
 * tree; a folder whose files are all ignored ends in `/`.
 * @param gitAt opens git in a folder
 */
export const ignoredFiles = async (root: string, gitAt: (folder: string) => Git): Promise<readonly string[]> => {
  const git = gitAt(root);
  const listed = await git.read(['ls-files', '-z', '--others', '--ignored', '--exclude-standard', '--directory']);
  const own = listed
    .toString('utf8')
    .split('\0')
    .filter((path) => path !== '');
  const below: string[] = [];
  for (const { path } of await submodulesAt(git, 'HEAD')) {
    const inside = join(root, path);
    if (!existsSync(join(inside, '.git'))) continue;
    for (const each of await ignoredFiles(inside, gitAt)) below.push(`${path}/${each}`);
  }
  return [...own, ...below];
};
