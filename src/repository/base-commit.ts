import { GateError } from '../errors.ts';
import type { ChangeBase, ChangeEvent, DefaultBranchEvent, HostEvent } from '../records/event.ts';
import { branchTip, developerDefaultBranch, remoteDefaultBranch } from './branch-tip.ts';
import { type CheckedOutCommit, isMergeOf, requireCheckout } from './checkout.ts';
import { haveCommit, headCommit, parentsOf, requireCommit } from './commits.ts';
import type { Git } from './git.ts';
import { landedFiles } from './landed-files.ts';
import { commonAncestor } from './merge-base.ts';
import { type NamePlace, resolveNamed } from './named-commit.ts';
import { type Remote, remoteFor, soleRemote } from './remote.ts';

export interface BaseRequest {
  readonly event: HostEvent;
  /** The commit, branch or tag of `--base` or of the action's input; null, or a commit of zeros: base is found. */
  readonly named: string | null;
}

export interface BaseCommit {
  readonly commit: string;
  /**
   * `named`; `host`: the base of a merge group, or what was there before a push; the first parent
   * of the host's `merge-commit`; `merge-base`: the best common ancestor with the base branch;
   * `payload`: where the base branch stood when the event came; `parent`: of head; `head` itself.
   */
  readonly from: 'named' | 'host' | 'merge-commit' | 'merge-base' | 'payload' | 'parent' | 'head';
  /** What is measured: a change, or the default branch, of which head is a part then. */
  readonly event: 'change' | 'default-branch';
  /** Which base was taken in place of another one, and why: for the log and the report. */
  readonly warnings: readonly string[];
}

type Found = Omit<BaseCommit, 'event'>;

/** What GitHub says was there before the first push of a branch. */
const noCommit = /^0{40}(0{24})?$/;

/**
 * The commit that head is compared with (docs/verdict.md, "What is compared"). Throws
 * `checkout-mismatch` for a checkout that is not the event's, `usage-bad-value` for a named base
 * that is the change itself, `base-not-found`, or `shallow-clone` when history is missing and
 * cannot be fetched.
 */
export const findBase = async (git: Git, { event, named: given }: BaseRequest): Promise<BaseCommit> => {
  const named = given === null || noCommit.test(given) ? null : given;
  const commit = await headCommit(git);
  const checkedOut = { commit, parents: await parentsOf(git, commit) };
  if (event.kind !== 'developer') requireCheckout(event.checkout, checkedOut);
  switch (event.kind) {
    case 'developer':
      return { ...(await ofDeveloper(git, checkedOut, event.measures, named)), event: event.measures };
    case 'change':
      return { ...(await ofChange(git, checkedOut, event, named)), event: 'change' };
    case 'default-branch':
      return ofDefaultBranch(git, checkedOut, event, named);
  }
};

const short = (commit: string): string => commit.slice(0, 12);

const namedBase = async (git: Git, named: string, place: NamePlace): Promise<Found> => ({
  commit: await resolveNamed(git, named, place),
  from: 'named',
  warnings: [],
});

/**
 * A checkout that a host's ref of a pull request names has the base branch as its first parent; any
 * other is a developer's branch.
 */
const ofDeveloper = async (
  git: Git,
  head: CheckedOutCommit,
  measures: 'change' | 'default-branch',
  named: string | null,
): Promise<Found> => {
  if (named !== null) return namedBase(git, named, { remote: await soleRemote(git), asked: false });
  if (measures === 'default-branch') return { commit: head.commit, from: 'head', warnings: [] };
  const [first] = head.parents;
  const names = (
    await git.read(['for-each-ref', '--points-at', head.commit, '--format=%(refname)', 'refs/remotes/pull', 'refs/pull'])
  ).toString('utf8');
  if (first !== undefined && head.parents.length > 1 && /^refs\/(remotes\/)?pull\/\d+\/merge$/m.test(names)) {
    await requireCommit(git, first);
    return { commit: first, from: 'merge-commit', warnings: [] };
  }
  const tip = await developerDefaultBranch(git);
  if (tip === null)
    throw new GateError(
      'base-not-found',
      'The default branch was looked for, to compare with. Expected origin/HEAD, main or master, found none.',
      { where: 'git' },
    );
  return ancestor(git, head, tip, await soleRemote(git), 'the default branch');
};

const ancestor = async (git: Git, head: CheckedOutCommit, tip: string, remote: Remote | null, branch: string): Promise<Found> => {
  const { commit, count } = await commonAncestor(git, head.commit, tip, remote);
  const several = `Head and ${branch} have merged each other: of ${count} common ancestors, ${short(commit)} is base.`;
  return { commit, from: commit === head.commit ? 'head' : 'merge-base', warnings: count > 1 ? [several] : [] };
};

const ofChange = async (git: Git, head: CheckedOutCommit, event: ChangeEvent, named: string | null): Promise<Found> => {
  if (event.checkout.kind !== 'off-base')
    return named === null ? ofEvent(git, head, event) : namedFor(git, head, event, named, () => ofEvent(git, head, event));
  const found = await ofEvent(git, head, event);
  if (found.commit === head.commit)
    throw new GateError(
      'checkout-mismatch',
      `The checkout was held against the event, a pull request. Expected its head or merge commit, got ${head.commit}, which the base branch holds already.`,
      { where: 'checkout' },
    );
  return named === null ? found : namedFor(git, head, event, named, async () => found);
};

/**
 * A named base, which must not be the change itself unless that is none: there is nothing to
 * compare then.
 */
const namedFor = async (
  git: Git,
  head: CheckedOutCommit,
  { checkout, repository }: Pick<ChangeEvent, 'checkout' | 'repository'>,
  named: string,
  otherwise: () => Promise<Found>,
): Promise<Found> => {
  const given = await namedBase(git, named, { remote: await remoteFor(git, repository), asked: true });
  if (given.commit !== head.commit && !(checkout.kind === 'commit' && given.commit === checkout.head)) return given;
  const found = await otherwise();
  if (found.commit === head.commit) return found;
  throw new GateError(
    'usage-bad-value',
    `${JSON.stringify(named)} was named to compare with. Expected an earlier commit, such as ${short(found.commit)}, got ${short(given.commit)}, which is the change itself.`,
    { where: 'base' },
  );
};

const ofEvent = async (git: Git, head: CheckedOutCommit, event: ChangeEvent): Promise<Found> => {
  const remote = await remoteFor(git, event.repository);
  if (event.base.kind === 'branch') return ofBranch(git, head, event, event.base, remote);
  await requireCommit(git, event.base.commit, remote);
  return { commit: event.base.commit, from: 'host', warnings: [] };
};

type Branch = Extract<ChangeBase, { readonly kind: 'branch' }>;

const branchWords = ({ name }: Branch): string => (name === null ? 'the default branch' : `branch ${name}`);

const ofBranch = async (
  git: Git,
  head: CheckedOutCommit,
  { checkout }: ChangeEvent,
  base: Branch,
  remote: Remote | null,
): Promise<Found> => {
  const branch = branchWords(base);
  const merge = checkout.kind === 'commit' && checkout.merge === head.commit;
  const [first] = head.parents;
  // Whoever made another merge commit chose its parents: for it the merge base counts, which is the
  // same parent in good faith.
  if (checkout.kind === 'commit' && isMergeOf(head, checkout.head) && first !== undefined && (merge || first === base.commit)) {
    await requireCommit(git, first, remote);
    return { commit: first, from: 'merge-commit', warnings: [] };
  }
  const tip = await tipOf(git, base, remote);
  const notes = base.instead === null ? [] : [base.instead];
  const found = tip === null ? null : await ancestor(git, head, tip, remote, branch);
  if (tip !== null && found !== null && (found.commit !== head.commit || base.commit === null))
    return withNotes(found, [...notes, ...(await landedNote(git, head, found, tip, branch))]);
  if (base.commit === null) throw notFound(branch);
  // What the branch became with the change in it is no base: where it stood when the event came is
  // one.
  await requireCommit(git, base.commit, remote);
  const earlier = await ancestor(git, head, base.commit, remote, branch);
  const why = found === null ? `${capital(branch)} cannot be fetched` : `${capital(branch)} holds ${short(head.commit)} already`;
  const report = `${why}: base is ${short(earlier.commit)}, found from ${short(base.commit)}, where the branch stood when the event came.`;
  return withNotes({ ...earlier, from: earlier.commit === base.commit ? 'payload' : earlier.from }, [...notes, report]);
};

const notFound = (branch: string): GateError =>
  new GateError('base-not-found', `${capital(branch)} was looked for, to compare with. It is not in this clone and cannot be fetched.`, {
    where: 'git',
  });

/** A branch that was merged by a squash, and went on, brings its first part a second time. */
const landedNote = async (git: Git, head: CheckedOutCommit, { commit }: Found, tip: string, branch: string): Promise<readonly string[]> => {
  const [first, ...others] = commit === head.commit || commit === tip ? [] : await landedFiles(git, commit, head.commit, tip);
  if (first === undefined) return [];
  const files = others.length === 0 ? first : `${first} and ${others.length} more files`;
  return [
    `${capital(branch)} has changes of head already, by a squash or a pick (${files}), but base is ${short(commit)}, from before them. What they gained counts for head. Rebase head, or check out the merge commit of the pull request.`,
  ];
};

const capital = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

const withNotes = (found: Found, notes: readonly string[]): Found => ({ ...found, warnings: [...notes, ...found.warnings] });

const tipOf = async (git: Git, { name }: Branch, remote: Remote | null): Promise<string | null> => {
  if (name !== null) return branchTip(git, name, remote);
  return remote === null ? developerDefaultBranch(git) : remoteDefaultBranch(git, remote);
};

/** What is not part of the default branch is a change, whatever started the run. */
const ofDefaultBranch = async (git: Git, head: CheckedOutCommit, event: DefaultBranchEvent, named: string | null): Promise<BaseCommit> => {
  const remote = await remoteFor(git, event.repository);
  const base: Branch = { kind: 'branch', name: event.branch, commit: null, instead: null };
  const tip = head.commit === event.commit ? head.commit : await tipOf(git, base, remote);
  if (tip === null) throw notFound(branchWords(base));
  const common = await ancestor(git, head, tip, remote, branchWords(base));
  if (common.commit !== head.commit) {
    const found = named === null ? common : await namedFor(git, head, event, named, async () => common);
    const note = `${short(head.commit)} is not a commit of ${branchWords(base)}: it is judged as a change, and no baseline comes of it.`;
    return { ...withNotes(found, [note]), event: 'change' };
  }
  if (named !== null) return { ...(await namedBase(git, named, { remote, asked: true })), event: 'default-branch' };
  return { ...(await before(git, head, event.before, remote)), event: 'default-branch' };
};

const before = async (git: Git, head: CheckedOutCommit, commit: string | null, remote: Remote | null): Promise<Found> => {
  if (commit === null) return { commit: head.commit, from: 'head', warnings: [] };
  if (await haveCommit(git, commit, remote)) return { commit, from: 'host', warnings: [] };
  const [first] = head.parents;
  const gone = `Commit ${short(commit)}, which the push replaced, is not in this clone and cannot be fetched`;
  if (first === undefined || !(await haveCommit(git, first, remote)))
    return { commit: head.commit, from: 'head', warnings: [`${gone}: head is compared with itself.`] };
  return { commit: first, from: 'parent', warnings: [`${gone}: base is ${short(first)}, the first parent of head.`] };
};
