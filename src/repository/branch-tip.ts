import { commitOf, haveCommit } from './commits.ts';
import type { Git } from './git.ts';
import { askDefaultBranch, askRef, type Remote, soleRemote } from './remote.ts';

/**
 * Commit that a branch stands at: as the remote says, else as this clone knows it; null where
 * neither does. Only whole names of branches are looked up: a tag of the same name is something
 * else.
 */
export const branchTip = async (git: Git, name: string, remote: Remote | null): Promise<string | null> => {
  const ref = `refs/heads/${name}`;
  if (remote === null) return commitOf(git, ref);
  const asked = await askRef(git, remote, ref);
  if (asked !== null && (await haveCommit(git, asked, remote))) return asked;
  return remote.name === null ? null : commitOf(git, `refs/remotes/${remote.name}/${name}`);
};

/**
 * Commit of the default branch as the remote says which one that is; null where it cannot be asked.
 */
export const remoteDefaultBranch = async (git: Git, remote: Remote): Promise<string | null> => {
  const name = await askDefaultBranch(git, remote);
  return name === null ? null : branchTip(git, name, remote);
};

/**
 * Commit of the default branch for a developer's own run: as the clone recorded it (`origin/HEAD`),
 * else as the remote says, else the usual names; null where there is none of them.
 */
export const developerDefaultBranch = async (git: Git): Promise<string | null> => {
  const remote = await soleRemote(git);
  const recorded = remote === null ? null : await commitOf(git, `refs/remotes/${remote.name}/HEAD`);
  const known = recorded ?? (remote === null ? null : await remoteDefaultBranch(git, remote));
  if (known !== null) return known;
  const prefixes = [...(remote === null ? [] : [`refs/remotes/${remote.name}/`]), 'refs/heads/'];
  for (const name of prefixes.flatMap((prefix) => ['main', 'master'].map((each) => `${prefix}${each}`))) {
    const commit = await commitOf(git, name);
    if (commit !== null) return commit;
  }
  return null;
};
