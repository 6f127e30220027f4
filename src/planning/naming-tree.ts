import { posix } from 'node:path';
import type { TreePaths } from '../repository/tree-paths.ts';

/** The tree in which names are looked up; paths are relative to the root of the repository. */
export interface NamingTree {
  readonly paths: TreePaths;
  /** Texts of regular files, in the order of the paths; null where there is none. */
  readonly read: (paths: readonly string[]) => Promise<readonly (string | null)[]>;
  /** Folder that commands are started in. */
  readonly folder: string;
  /** Absolute path of the root: a command may name a file of the tree by it. */
  readonly root: string;
}

/** A path without detours; null where it leaves the repository, '' for its root. */
export const inside = (path: string): string | null => {
  const plain = posix.normalize(path).replace(/\/+$/, '');
  if (plain === '.' || plain === '') return '';
  return plain.startsWith('/') || plain === '..' || plain.startsWith('../') ? null : plain;
};
