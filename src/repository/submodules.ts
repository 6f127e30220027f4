import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { asSentence, GateError } from '../errors.ts';
import { type Checkout, type NeededFiles, withoutFilters } from './filters.ts';
import { type Git, gitError } from './git.ts';
import { globReach } from './glob.ts';
import { soleRemote } from './remote.ts';
import { cloneSubmodule, keptRepository, modulesOf } from './submodule-clone.ts';
import { addressesOf, type SubmoduleSection, submoduleSections } from './submodule-sections.ts';

/** A submodule as a commit pins it. */
export interface Submodule {
  /** Relative to the root of the repository that pins it. */
  readonly path: string;
  readonly commit: string;
}

/** The submodules that a commit pins, in the order of their paths. */
export const submodulesAt = async (git: Git, commit: string): Promise<readonly Submodule[]> =>
  (await git.read(['ls-tree', '-r', '-z', '--full-tree', commit]))
    .toString('utf8')
    .split('\0')
    .flatMap((entry) => {
      const [, pinned, path] = /^160000 commit ([0-9a-f]+)\t(.*)$/s.exec(entry) ?? [];
      return pinned === undefined || path === undefined ? [] : [{ path, commit: pinned }];
    });

/** A submodule that was checked out in a worktree, beside the checkout that it is like. */
export interface CheckedOutSubmodule {
  readonly worktree: Checkout;
  /** The checkout's own copy of it; of a submodule that the checkout does not have, what pins it there. */
  readonly like: Checkout;
  /** Path of its root from the root of the whole tree, with a `/` at the end. */
  readonly below: string;
  /** The same of `like`: another path where the checkout does not have the submodule. */
  readonly likeBelow: string;
  release(): Promise<void>;
}

/** A submodule that a worktree lacks: its folder there is empty. */
export interface LackingSubmodule {
  /** Path of its root from the root of the whole tree. */
  readonly path: string;
  readonly error: GateError;
}

export interface Submodules {
  readonly checkedOut: readonly CheckedOutSubmodule[];
  /** Those that only an undeclared read can want, and that cannot be had. */
  readonly lacking: readonly LackingSubmodule[];
}

/** A repository in base's tree, whose submodules are checked out. */
interface Place extends Omit<CheckedOutSubmodule, 'release'> {
  readonly commit: string;
  /** Folder in which the checkout keeps its submodules' repositories; null where it has none. */
  readonly modules: string | null;
}

/** Whether the checkout has the repository too. */
const isShared = ({ below, likeBelow }: Place): boolean => below === likeBelow;

/**
 * Checks out, in a worktree, the submodules of its commit that are checked out in the checkout
 * `like`, and theirs, and those that a pattern may reach into and that the checkout lacks because
 * its tree no longer pins them. The objects are those of the checkout; what it lacks is fetched.
 * Throws `submodule-missing` where that fails and a pattern may reach into the submodule. What a
 * clone without submodules cannot have is only refused where a declared pattern may reach into it.
 * @param gitAt opens git in a folder
 */
export const checkOutSubmodules = async (
  worktree: Checkout,
  like: Checkout,
  commit: string,
  needed: Pick<NeededFiles, 'declared' | 'possible'>,
  gitAt: (folder: string) => Git,
): Promise<Submodules> => {
  const lacking: LackingSubmodule[] = [];
  const reached = (patterns: readonly string[], path: string): boolean =>
    patterns.some((pattern) => globReach(pattern, 'inputs')(path) !== 'none');
  const within = async (place: Place): Promise<readonly CheckedOutSubmodule[]> => {
    const pinned = await submodulesAt(place.worktree.git, place.commit);
    if (pinned.length === 0) return [];
    const sections = await submoduleSections(place.worktree.git);
    const parentAddress = await addressOfRepository(place);
    const checkedOut: CheckedOutSubmodule[] = [];
    for (const { path, commit: wanted } of pinned) {
      const section = sections.find((each) => each.path === path) ?? null;
      const inTree = `${place.below}${path}`;
      const folder = join(place.worktree.folder, path);
      const to: Checkout = { ...place.worktree, git: gitAt(folder), folder };
      const addresses = section === null ? [] : addressesOf(section.url, parentAddress);
      const source = isShared(place) ? await sourceOf(place.like, section?.name ?? null, path) : null;
      // A submodule is wanted as a whole, with its own.
      const reach = !isShared(place) || reached([...needed.declared, ...needed.possible], inTree);
      const add = async (added: Omit<CheckedOutSubmodule, 'worktree' | 'below'>, modules: string | null): Promise<void> => {
        const one = { ...added, worktree: to, below: `${inTree}/` };
        checkedOut.push(one, ...(await within({ ...one, commit: wanted, modules })));
      };
      const missing = (whose: string, failure: string): GateError => {
        const message = `A submodule of ${place.worktree.name} was to be checked out. Expected its commit ${wanted}, which ${whose}. ${asSentence(failure)}`;
        return new GateError('submodule-missing', message, { where: `${inTree} of ${place.worktree.name}` });
      };
      if (source !== null) {
        const from: Checkout = { ...place.like, git: gitAt(source), folder: source };
        const failure = await addSubmodule(from.git, folder, wanted, addresses);
        if (failure !== null && reach) throw missing('the checkout under review has', failure);
        if (failure !== null) continue;
        const release = async (): Promise<void> => {
          await from.git.run(['worktree', 'remove', '--force', '--force', folder]);
        };
        await add({ like: from, likeBelow: `${inTree}/`, release }, await modulesOf(from.git));
        continue;
      }
      if (section === null || !section.updated || !reach || (await leftOutToo(place, section))) continue;
      const kept = keptRepository(place.modules, section.name);
      // Of a submodule that the checkout has kept, it has kept what was checked out in it.
      if (!isShared(place) && place.modules !== null && kept === null) continue;
      const failure = await cloneSubmodule(to, { commit: wanted, addresses, kept, parent: place.like.git });
      // A checkout without any submodule may be one that never had any; what a submodule pins is checked out by few.
      const expected = kept !== null || (await hasSubmodules(place)) || (place.below === '' && reached(needed.declared, inTree));
      if (failure !== null) {
        const error = missing('the tree under review does not', failure);
        if (expected) throw error;
        lacking.push({ path: inTree, error });
        continue;
      }
      const { like: pinning, likeBelow } = place;
      await add({ like: pinning, likeBelow, release: async () => {} }, kept === null ? null : join(kept, 'modules'));
    }
    return checkedOut;
  };
  const checkedOut = await within({ worktree, like, commit, below: '', likeBelow: '', modules: await modulesOf(like.git) });
  return { checkedOut, lacking };
};

/** Paths of the submodules that a checkout's tree pins now. */
const pinnedNow = async ({ git }: Checkout): Promise<readonly string[]> =>
  (await git.read(['ls-files', '-z', '--stage', '--full-name']))
    .toString('utf8')
    .split('\0')
    .flatMap((entry) => /^160000 [^\t]*\t(.*)$/s.exec(entry)?.[1] ?? []);

const hasSubmodules = async (place: Place): Promise<boolean> =>
  isShared(place) && (await pinnedNow(place.like)).some((path) => existsSync(join(place.like.folder, path, '.git')));

/**
 * Whether the checkout's own tree has a submodule that is not checked out there, and does not itself
 * keep it from being: then the user leaves it out, on both sides.
 */
const leftOutToo = async (place: Place, { name, path }: SubmoduleSection): Promise<boolean> => {
  if (!isShared(place)) return false;
  const { like } = place;
  const pinned = await pinnedNow(like);
  const sections = (await submoduleSections(like.git)).filter((each) => pinned.includes(each.path));
  const there = sections.find((each) => each.path === path) ?? sections.find((each) => each.name === name);
  return there?.updated === true;
};

/** Address of the repository that a place is a checkout of. */
const addressOfRepository = async (place: Place): Promise<string> => {
  const { git, folder } = isShared(place) ? place.like : place.worktree;
  const remote = await soleRemote(git);
  return (remote === null ? null : await git.line(['config', '--get', `remote.${remote.address}.url`])) ?? folder;
};

/**
 * The repository of a submodule where it is checked out: at its path, or where the checkout has
 * moved it. Null: it is not.
 */
const sourceOf = async (like: Checkout, name: string | null, path: string): Promise<string | null> => {
  const named = join(like.folder, path);
  if (existsSync(join(named, '.git'))) return named;
  const moved = (await submoduleSections(like.git)).find((each) => each.name === name);
  return moved !== undefined && existsSync(join(like.folder, moved.path, '.git')) ? join(like.folder, moved.path) : null;
};

/**
 * Null when it is done, else what went wrong.
 * @param addresses where base has the submodule from: the change may take it from elsewhere
 */
const addSubmodule = async (git: Git, folder: string, commit: string, addresses: readonly string[]): Promise<string | null> => {
  const known = async (): Promise<boolean> =>
    (await git.line(['rev-parse', '--verify', '--quiet', '--end-of-options', `${commit}^{commit}`])) !== null;
  const remote = (await git.line(['remote']))?.split('\n')[0] ?? '';
  let failure: string | null = null;
  for (const from of [remote, ...addresses]) {
    if (from === '' || (await known())) continue;
    const fetched = await git.run(['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--end-of-options', from, commit], {
      network: true,
    });
    failure ??= gitError(['fetch'], fetched).message;
  }
  if (!(await known())) return failure ?? 'there is no remote to fetch it from';
  // What a killed run left: its folder is gone with the worktree around it.
  await git.run(['worktree', 'prune', '--expire=1.hour.ago']);
  const args = ['worktree', 'add', '--quiet', '--force', '--detach', folder, commit];
  const added = await git.run(args, { environment: await withoutFilters(git) });
  return added.status === 'exited' && added.code === 0 ? null : gitError(args, added).message;
};
