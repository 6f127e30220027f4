import { GateError } from '../errors.ts';
import type { Git } from './git.ts';
import { type Remote, soleRemote } from './remote.ts';

/** A full commit id. */
export const fullId = /^[0-9a-f]{40}([0-9a-f]{24})?$/;

/** Options of every fetch: it changes no ref but those that are named. */
export const fetchOptions: readonly string[] = ['--quiet', '--no-tags', '--no-recurse-submodules', '--no-write-fetch-head'];

/** The commit that is checked out. Throws `git-failed` in a repository without one. */
export const headCommit = async (git: Git): Promise<string> => {
  const head = await git.line(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}']);
  if (head === null)
    throw new GateError(
      'git-failed',
      'The commit that is checked out was asked for. HEAD names none: the repository is empty or damaged.',
      { where: 'git' },
    );
  return head;
};

/** The commit that a name stands for in this clone; null where there is none. */
export const commitOf = (git: Git, name: string): Promise<string | null> =>
  git.line(['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`]);

/**
 * Parents of a commit, from the commit object itself: a shallow clone hides them from every other
 * command.
 */
export const parentsOf = async (git: Git, commit: string): Promise<readonly string[]> => {
  const text = (await git.read(['cat-file', 'commit', commit])).toString('latin1');
  const header = text.slice(0, text.indexOf('\n\n'));
  return [...header.matchAll(/^parent ([0-9a-f]+)$/gm)].map((match) => match[1] ?? '');
};

export const isShallow = async (git: Git): Promise<boolean> => (await git.line(['rev-parse', '--is-shallow-repository'])) === 'true';

/** A full commit is fetched into a shallow clone without its history; a whole clone stays whole. */
export const shallowDepth = async (git: Git): Promise<readonly string[]> => ((await isShallow(git)) ? ['--depth=1'] : []);

/** `shallow-clone` where history is cut off, else `base-not-found`. */
export const missing = async (git: Git, what: string): Promise<GateError> =>
  (await isShallow(git))
    ? new GateError('shallow-clone', `${what} The clone is shallow.`, { where: 'git' })
    : new GateError('base-not-found', what, { where: 'git' });

/** Whether a commit (a full id) is there, after fetching it where it is not. */
export const haveCommit = async (git: Git, commit: string, remote: Remote | null): Promise<boolean> => {
  if (!fullId.test(commit)) return false;
  if ((await commitOf(git, commit)) !== null) return true;
  if (remote === null) return false;
  await git.run(['fetch', ...fetchOptions, ...(await shallowDepth(git)), '--end-of-options', remote.address, commit], { network: true });
  return (await commitOf(git, commit)) !== null;
};

/**
 * Makes sure that a commit (a full id) is there, fetching it where it is not. Throws
 * `base-not-found` or `shallow-clone`.
 */
export const requireCommit = async (git: Git, commit: string, remote?: Remote | null): Promise<void> => {
  if (!fullId.test(commit))
    throw new GateError(
      'base-not-found',
      `The commit to compare with was looked for. Expected a full commit id, got ${JSON.stringify(commit)}.`,
      { where: 'git' },
    );
  if (await haveCommit(git, commit, remote === undefined ? await soleRemote(git) : remote)) return;
  throw await missing(git, `Commit ${commit} was looked for, to compare with. It is not in this clone and cannot be fetched.`);
};
