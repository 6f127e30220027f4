import { branchTip } from './branch-tip.ts';
import { commitOf, fetchOptions, fullId, haveCommit, missing, requireCommit, shallowDepth } from './commits.ts';
import type { Git } from './git.ts';
import { askRef, type Remote } from './remote.ts';

/** Where the names that a person gives are looked up. */
export interface NamePlace {
  readonly remote: Remote | null;
  /** Whether the remote is asked first where a branch stands, or this clone is believed. */
  readonly asked: boolean;
}

/** A name in terms of the commit that is checked out: it means the same in every clone. */
const ofHead = /^(HEAD|@)([~^]\d*)*$/;

/**
 * Name of the branch of the remote that is meant, also by `origin/main`; null for other revisions.
 */
const branchNamed = async (git: Git, name: string, remote: Remote | null): Promise<string | null> => {
  if (name.includes('@{') || (await git.line(['check-ref-format', '--branch', name])) === null) return null;
  const prefix = `${remote?.name ?? ''}/`;
  return remote?.name != null && name.startsWith(prefix) ? name.slice(prefix.length) : name;
};

/** Commit of a branch as this clone knows it: its own, unless that of the remote is named. */
const branchHere = async (git: Git, name: string, branch: string, remote: Remote | null): Promise<string | null> => {
  const own = name === branch ? await commitOf(git, `refs/heads/${branch}`) : null;
  return own ?? (remote?.name == null ? null : commitOf(git, `refs/remotes/${remote.name}/${branch}`));
};

/** Commit of a tag, or of another ref by its whole name, as the remote says; null where it has none. */
const askedRef = async (git: Git, name: string, remote: Remote): Promise<string | null> => {
  const object = await askRef(git, remote, name.startsWith('refs/') ? name : `refs/tags/${name}`);
  return object !== null && (await haveCommit(git, object, remote)) ? commitOf(git, object) : null;
};

/** Commit of a ref after fetching it into the branches that this clone tracks; null where there is none. */
const fetched = async (git: Git, name: string, remote: Remote): Promise<string | null> => {
  if ((await git.line(['check-ref-format', '--allow-onelevel', name])) === null) return null;
  const target = `refs/remotes/${remote.name}/${name.replace(/^refs\/(heads|tags)\//, '')}`;
  await git.run(['fetch', ...fetchOptions, ...(await shallowDepth(git)), '--end-of-options', remote.address, `+${name}:${target}`], {
    network: true,
  });
  return commitOf(git, target);
};

/**
 * The commit of a name that a person gave: a commit, branch or tag. A branch comes before a tag of
 * the same name. In a clone of a fork the names are those of the repository itself. Throws
 * `base-not-found` or `shallow-clone`.
 */
export const resolveNamed = async (git: Git, name: string, { remote, asked }: NamePlace): Promise<string> => {
  if (fullId.test(name)) {
    await requireCommit(git, name, remote);
    return (await commitOf(git, name)) ?? name;
  }
  const branch = await branchNamed(git, name, remote);
  const tip = branch === null ? null : asked ? await branchTip(git, branch, remote) : await branchHere(git, name, branch, remote);
  if (tip !== null) return tip;
  const ofFork = remote !== null && remote.name === null;
  const known = ofFork && !ofHead.test(name) ? null : await commitOf(git, name);
  if (known !== null) return known;
  const found = remote === null ? null : ofFork ? await askedRef(git, name, remote) : await fetched(git, name, remote);
  if (found !== null) return found;
  throw await missing(
    git,
    `${JSON.stringify(name)} was looked for, to compare with. It names no commit in this clone, and none that can be fetched.`,
  );
};
