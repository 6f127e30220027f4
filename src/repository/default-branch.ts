import type { Git } from './git.ts';
import { soleRemote } from './remote.ts';

/**
 * Name of the default branch as this clone knows it, without asking a remote: the remote's recorded
 * one, else `main` or `master`, else the branch that is checked out, which may have no commit yet.
 * Null where nothing says it.
 */
export const defaultBranchName = async (git: Git): Promise<string | null> => {
  const remote = await soleRemote(git);
  const recorded = remote?.name == null ? null : await git.line(['symbolic-ref', '--quiet', `refs/remotes/${remote.name}/HEAD`]);
  const prefix = `refs/remotes/${remote?.name ?? ''}/`;
  if (recorded?.startsWith(prefix) === true) return recorded.slice(prefix.length);
  for (const name of ['main', 'master'])
    if ((await git.line(['rev-parse', '--verify', '--quiet', `refs/heads/${name}`])) !== null) return name;
  const current = await git.line(['symbolic-ref', '--quiet', 'HEAD']);
  return current?.startsWith('refs/heads/') === true ? current.slice('refs/heads/'.length) : null;
};
