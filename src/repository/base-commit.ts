import { GateError } from '../errors.ts';
import type { Git } from './git.ts';

const depths: readonly string[] = ['--deepen=50', '--deepen=500', '--deepen=5000', '--unshallow'];

export interface BaseRequest {
  /** `change`: a pull request, a merge-queue group or a developer's tree; `default-branch`: a push to, or a scheduled run on, the default branch. */
  readonly event: 'change' | 'default-branch';
  /** A commit or ref that was named (`--base`, the base of a merge group, the commit before a push); null: found from the checkout. */
  readonly explicit: string | null;
}

export interface BaseCommit {
  readonly commit: string;
  /** How it was found: named; first parent of the checked-out merge; common ancestor with the default branch; head itself. */
  readonly from: 'explicit' | 'merge-commit' | 'merge-base' | 'head';
  readonly warnings: readonly string[];
}

/**
 * The commit that head is compared with (VERDICT.md, "What is compared"). A named one counts as it is. Otherwise it is the first parent when
 * the merge commit of a pull request is checked out, else the best common ancestor with the default branch: on the default
 * branch itself that is head, so that a developer's edits are compared with what they were made on. For `default-branch`
 * without a name it is head. A shallow clone is deepened.
 *
 * Throws `base-not-found`, or `shallow-clone` when history is missing and cannot be fetched.
 */
export const findBase = async (git: Git, request: BaseRequest): Promise<BaseCommit> => {
  const head = await headCommit(git);
  if (request.explicit !== null && !/^0+$/.test(request.explicit))
    return { commit: await resolveNamed(git, request.explicit), from: 'explicit', warnings: [] };
  if (request.event === 'default-branch') return { commit: head, from: 'head', warnings: [] };
  const parents = await parentsOf(git, head);
  const defaultBranch = await findDefaultBranch(git);
  const first = parents[0];
  if (first !== undefined && parents.length > 1 && (await isCheckedOutMerge(git, head, first, defaultBranch))) {
    await requireCommit(git, first);
    return { commit: first, from: 'merge-commit', warnings: [] };
  }
  if (defaultBranch === null) {
    throw new GateError('base-not-found', 'there is no default branch to compare with: no origin/HEAD, main or master', { where: 'git' });
  }
  const common = await mergeBase(git, head, defaultBranch);
  return { commit: common, from: common === head ? 'head' : 'merge-base', warnings: [] };
};

/** The commit that is checked out. Throws `git-failed` in a repository without one. */
export const headCommit = async (git: Git): Promise<string> => {
  const head = await git.line(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}']);
  if (head === null) throw new GateError('git-failed', 'HEAD names no commit: the repository is empty or damaged', { where: 'git' });
  return head;
};

/** Makes sure that a commit (a full id) is there, fetching it where it is not. Throws `base-not-found` or `shallow-clone`. */
export const requireCommit = async (git: Git, commit: string): Promise<void> => {
  if (!fullId.test(commit)) throw new GateError('base-not-found', `${JSON.stringify(commit)} is not a full commit id`, { where: 'git' });
  if ((await commitOf(git, commit)) !== null) return;
  const remote = await remoteName(git);
  if (remote !== null)
    await git.run(['fetch', ...fetchOptions, ...(await shallowDepth(git)), '--end-of-options', remote, commit], { network: true });
  if ((await commitOf(git, commit)) === null) throw await missing(git, `commit ${commit} is not in this clone and cannot be fetched`);
};

const fullId = /^[0-9a-f]{40}([0-9a-f]{24})?$/;

const fetchOptions: readonly string[] = ['--quiet', '--no-tags', '--no-recurse-submodules', '--no-write-fetch-head'];

const commitOf = (git: Git, name: string): Promise<string | null> =>
  git.line(['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`]);

/** As a full commit is fetched into a shallow clone without its history; a whole clone stays whole. */
const shallowDepth = async (git: Git): Promise<readonly string[]> => ((await isShallow(git)) ? ['--depth=1'] : []);

const isShallow = async (git: Git): Promise<boolean> => (await git.line(['rev-parse', '--is-shallow-repository'])) === 'true';

const remoteName = async (git: Git): Promise<string | null> => {
  const remotes = ((await git.line(['remote'])) ?? '').split('\n').filter((name) => name !== '');
  return remotes.includes('origin') ? 'origin' : remotes.length === 1 ? (remotes[0] ?? null) : null;
};

const missing = async (git: Git, what: string): Promise<GateError> =>
  (await isShallow(git))
    ? new GateError('shallow-clone', `${what} (the clone is shallow)`, { where: 'git' })
    : new GateError('base-not-found', what, { where: 'git' });

const resolveNamed = async (git: Git, name: string): Promise<string> => {
  const remote = await remoteName(git);
  const known = (await commitOf(git, name)) ?? (remote === null ? null : await commitOf(git, `refs/remotes/${remote}/${name}`));
  if (known !== null) return known;
  if (fullId.test(name)) {
    await requireCommit(git, name);
    return name;
  }
  if (remote !== null && (await git.line(['check-ref-format', '--allow-onelevel', name])) !== null) {
    const target = `refs/remotes/${remote}/${name.replace(/^refs\/(heads|tags)\//, '')}`;
    await git.run(['fetch', ...fetchOptions, ...(await shallowDepth(git)), '--end-of-options', remote, `+${name}:${target}`], {
      network: true,
    });
    const fetched = await commitOf(git, target);
    if (fetched !== null) return fetched;
  }
  throw await missing(git, `${JSON.stringify(name)} names no commit here, and none that can be fetched`);
};

/** From the commit object itself: a shallow clone hides parents from every other command. */
const parentsOf = async (git: Git, commit: string): Promise<readonly string[]> => {
  const text = (await git.read(['cat-file', 'commit', commit])).toString('latin1');
  const header = text.slice(0, text.indexOf('\n\n'));
  return [...header.matchAll(/^parent ([0-9a-f]+)$/gm)].map((match) => match[1] ?? '');
};

/**
 * Whether the merge commit that is checked out was made by the host for a pull request (its first parent is the base
 * branch), not by a developer who merged the base branch into their own.
 */
const isCheckedOutMerge = async (git: Git, head: string, first: string, defaultBranch: string | null): Promise<boolean> => {
  const names = (await git.read(['for-each-ref', '--points-at', head, '--format=%(refname)', 'refs/remotes', 'refs/pull'])).toString(
    'utf8',
  );
  if (/^refs\/(remotes\/)?pull\/\d+\/merge$/m.test(names)) return true;
  if ((await git.line(['symbolic-ref', '--quiet', 'HEAD'])) !== null) return false;
  if (defaultBranch === null || (await commitOf(git, first)) === null) return true;
  return (await git.run(['merge-base', '--is-ancestor', first, defaultBranch])).code === 0;
};

/** Commit of the default branch as far as this clone knows it, else as the remote says. */
const findDefaultBranch = async (git: Git): Promise<string | null> => {
  const remote = await remoteName(git);
  const remoteNames = remote === null ? [] : ['HEAD', 'main', 'master'].map((name) => `refs/remotes/${remote}/${name}`);
  for (const name of [...remoteNames, 'refs/heads/main', 'refs/heads/master']) {
    const commit = await commitOf(git, name);
    if (commit !== null) return commit;
  }
  if (remote === null) return null;
  const listed = await git.line(['ls-remote', '--symref', '--end-of-options', remote, 'HEAD'], { network: true });
  const branch = /^ref: refs\/heads\/(\S+)\tHEAD$/m.exec(listed ?? '')?.[1];
  return branch === undefined ? null : resolveNamed(git, `refs/heads/${branch}`).catch(() => null);
};

const mergeBase = async (git: Git, head: string, other: string): Promise<string> => {
  const common = await git.line(['merge-base', head, other]);
  if (common !== null) return common;
  const remote = await remoteName(git);
  for (const depth of depths) {
    if (remote === null || !(await isShallow(git))) break;
    // A developer's own commit is not known to the remote: then the history of what is known must do.
    let fetched = await git.run(['fetch', ...fetchOptions, depth, '--end-of-options', remote, head, other], { network: true });
    if (fetched.code !== 0) fetched = await git.run(['fetch', ...fetchOptions, depth, '--end-of-options', remote], { network: true });
    const found = await git.line(['merge-base', head, other]);
    if (found !== null) return found;
    if (fetched.code !== 0) break;
  }
  throw await missing(git, 'head and the default branch have no common ancestor');
};
