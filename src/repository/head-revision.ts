import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { headCommit } from './commits.ts';
import type { Git } from './git.ts';
import { reached } from './on-disk.ts';
import { submodulesAt } from './submodules.ts';

/**
 * The commit that is checked out, and whether files on disk differ from it: those of submodules that
 * are checked out too, and theirs.
 * @param besides paths relative to the root that do not count
 * @param gitAt opens git in a folder
 */
export const headRevision = async (
  folder: string,
  besides: readonly string[],
  gitAt: (folder: string) => Git,
): Promise<{ readonly commit: string; readonly dirty: boolean }> => {
  const git = gitAt(folder);
  const commit = await headCommit(git);
  return { commit, dirty: (await isEdited(git, besides)) || (await hasEditedSubmodule(folder, commit, besides, gitAt)) };
};

const isEdited = async (git: Git, besides: readonly string[]): Promise<boolean> => {
  const excluded = besides.map((path) => `:(exclude,top,literal)${path}`);
  const status = await git.read(
    ['status', '--porcelain=v1', '-z', '--untracked-files=normal', '--ignore-submodules=all', '--', ':(top)', ...excluded],
    {
      environment: { GIT_LITERAL_PATHSPECS: '0' },
    },
  );
  return status.length > 0;
};

/** Each is asked by itself: git would ask it without the settings that the gate gives. */
const hasEditedSubmodule = async (
  folder: string,
  commit: string,
  besides: readonly string[],
  gitAt: (folder: string) => Git,
): Promise<boolean> => {
  for (const { path, commit: pinned } of await submodulesAt(gitAt(folder), commit)) {
    const inside = join(folder, path);
    if (!existsSync(join(inside, '.git'))) {
      if ((reached(() => readdirSync(inside)) ?? []).length > 0) return true;
      continue;
    }
    const own = besides.flatMap((each) => (each.startsWith(`${path}/`) ? [each.slice(path.length + 1)] : []));
    const revision = await headRevision(inside, own, gitAt);
    if (revision.commit !== pinned || revision.dirty) return true;
  }
  return false;
};
