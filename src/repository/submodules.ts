import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { GateError } from '../errors.ts';
import { type Checkout, withoutFilters } from './filters.ts';
import { type Git, gitError } from './git.ts';
import { globReach } from './glob.ts';

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
export interface CheckedOut {
  readonly worktree: Checkout;
  readonly like: Checkout;
  /** Path of its root from the root of the whole tree, with a `/` at the end. */
  readonly below: string;
  release(): Promise<void>;
}

/**
 * Checks out, in a worktree, the submodules of its commit that are checked out in the checkout
 * `like`, and theirs. The objects are those of the checkout; what it lacks is fetched. Throws
 * `submodule-missing` where that fails and a pattern may reach into the submodule.
 * @param gitAt opens git in a folder
 */
export const checkOutSubmodules = async (
  worktree: Checkout,
  like: Checkout,
  commit: string,
  patterns: readonly string[],
  gitAt: (folder: string) => Git,
  below = '',
): Promise<readonly CheckedOut[]> => {
  const checkedOut: CheckedOut[] = [];
  for (const { path, commit: pinned } of await submodulesAt(like.git, commit)) {
    const source = await sourceOf(like, worktree, path);
    if (source === null) continue;
    const from: Checkout = { ...like, git: gitAt(source), folder: source };
    const to: Checkout = { ...worktree, git: gitAt(join(worktree.folder, path)), folder: join(worktree.folder, path) };
    const failure = await addSubmodule(from.git, to.folder, pinned);
    if (failure !== null) {
      if (patterns.every((pattern) => globReach(pattern, 'inputs')(`${below}${path}`) === 'none')) continue;
      const message = `expected commit ${pinned} of the submodule, which ${worktree.name} pins and the checkout under review has, got: ${failure}`;
      throw new GateError('submodule-missing', message, { where: `${below}${path} of ${worktree.name}` });
    }
    const name = `${below}${path}/`;
    checkedOut.push({
      worktree: to,
      like: from,
      below: name,
      release: async () => {
        await from.git.run(['worktree', 'remove', '--force', '--force', to.folder]);
      },
    });
    checkedOut.push(...(await checkOutSubmodules(to, from, pinned, patterns, gitAt, name)));
  }
  return checkedOut;
};

/**
 * The repository of a submodule where it is checked out: at its path, or where the checkout has
 * moved it. Null: it is not.
 */
const sourceOf = async (like: Checkout, worktree: Checkout, path: string): Promise<string | null> => {
  const named = join(like.folder, path);
  if (existsSync(join(named, '.git'))) return named;
  const name = await nameOf(worktree.git, 'path', path);
  const moved = name === null ? null : await like.git.line(['config', '--file', '.gitmodules', '--get', `submodule.${name}.path`]);
  return moved !== null && existsSync(join(like.folder, moved, '.git')) ? join(like.folder, moved) : null;
};

const nameOf = async (git: Git, key: string, value: string): Promise<string | null> => {
  const listed = (await git.line(['config', '-z', '--file', '.gitmodules', '--get-regexp', `\\.${key}$`])) ?? '';
  const found = listed.split('\0').find((entry) => entry.slice(entry.indexOf('\n') + 1) === value);
  return found === undefined ? null : (/^submodule\.(.*)\.[^.]+\n/s.exec(found)?.[1] ?? null);
};

/** Null when it is done, else what went wrong. */
const addSubmodule = async (git: Git, folder: string, commit: string): Promise<string | null> => {
  const known = (): Promise<string | null> => git.line(['rev-parse', '--verify', '--quiet', '--end-of-options', `${commit}^{commit}`]);
  if ((await known()) === null) {
    const remote = (await git.line(['remote']))?.split('\n')[0] ?? '';
    const fetched = await git.run(['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--end-of-options', remote, commit], {
      network: true,
    });
    if ((await known()) === null) return gitError(['fetch'], fetched).message;
  }
  // What a killed run left: its folder is gone with the worktree around it.
  await git.run(['worktree', 'prune', '--expire=1.hour.ago']);
  const args = ['worktree', 'add', '--quiet', '--force', '--detach', folder, commit];
  const added = await git.run(args, { environment: await withoutFilters(git) });
  return added.status === 'exited' && added.code === 0 ? null : gitError(args, added).message;
};
