import { isShallow, missing } from './commits.ts';
import type { Git } from './git.ts';
import { deepened } from './merge-base.ts';
import { soleRemote } from './remote.ts';

/** Versions of a file that are tried: what has been broken for longer is given up. */
const mostVersions = 50;

export interface EarlierVersion<T> {
  readonly commit: string;
  readonly value: T;
}

/**
 * The newest version of a file that `read` takes, on the commit's own line of first parents, or null
 * where there is none. A shallow clone is deepened as far as that needs. Throws `shallow-clone` where
 * it cannot be.
 * @param read what a version holds, or null where it does not do
 */
export const earlierVersion = async <T>(
  git: Git,
  commit: string,
  path: string,
  read: (commit: string) => Promise<T | null>,
): Promise<EarlierVersion<T> | null> => {
  const tried = new Set<string>();
  const found = await deepened(git, await soleRemote(git), [commit], async () => {
    const listed = await git.read(['log', '--first-parent', '--format=%H', `--max-count=${mostVersions}`, commit, '--', path]);
    for (const each of listed.toString('utf8').split('\n')) {
      if (each === '' || tried.has(each)) continue;
      tried.add(each);
      const value = await read(each);
      if (value !== null) return { commit: each, value };
    }
    return tried.size >= mostVersions ? 'none' : null;
  });
  if (found !== null) return found === 'none' ? null : found;
  if (await isShallow(git))
    throw await missing(
      git,
      `An earlier version of ${path} was looked for. The history of this clone does not reach one that can be read.`,
    );
  return null;
};
