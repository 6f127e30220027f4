import type { Git } from './git.ts';

/** A submodule as a commit pins it. */
export interface Submodule {
  /** Relative to the root of the repository that pins it. */
  readonly path: string;
  readonly commit: string;
}

/** The submodules that a commit pins, by the order of their paths. */
export const submodulesAt = async (git: Git, commit: string): Promise<readonly Submodule[]> =>
  (await git.read(['ls-tree', '-r', '-z', '--full-tree', commit]))
    .toString('utf8')
    .split('\0')
    .flatMap((entry) => {
      const [, pinned, path] = /^160000 commit ([0-9a-f]+)\t(.*)$/s.exec(entry) ?? [];
      return pinned === undefined || path === undefined ? [] : [{ path, commit: pinned }];
    });
