import { lstatSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { Repository } from '../repository/repository.ts';

/** The files of a repository that a proposal may be made of. */
export interface RepositoryFiles {
  /** Paths relative to the root of the repository, with `/`, sorted; only plain names. */
  readonly paths: readonly string[];
  /** How many files were not looked at: names with unusual characters, or too many files. */
  readonly leftOut: number;
  /** Absolute path of a regular file that no link leads to; null for anything else. */
  file(path: string): string | null;
  /** Its text; null where it is no such file, too large, or one file too many. */
  text(path: string): string | null;
  /** Whether a file of this name lies in a folder (`''` is the root). */
  has(folder: string, name: string): boolean;
}

/** Characters that need no quotes in YAML, in a shell and in a glob, and begin no expression of a workflow. */
const plainPath = /^(?:[A-Za-z0-9_.][A-Za-z0-9_.+@-]*\/)*[A-Za-z0-9_.][A-Za-z0-9_.+@-]*$/;
/** Folders of packages that others wrote, where git does not ignore them. */
const installed = /(^|\/)(node_modules|site-packages|third_party|vendor)\//;
const mostFiles = 20_000;
const largestText = 256 * 1024;
const mostText = 64 * 1024 * 1024;

export const isPlainPath = (path: string): boolean => path.length <= 400 && plainPath.test(path) && !path.split('/').includes('..');

export const inFolder = (folder: string, name: string): string => (folder === '' ? name : `${folder}/${name}`);

/** `''` for a file at the root. */
export const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));

/** The same path as it is seen from a folder that it lies in. */
export const seenFrom = (folder: string, path: string): string => (folder === '' ? path : path.slice(folder.length + 1));

export const isBelow = (path: string, folder: string): boolean => folder === '' || path.startsWith(`${folder}/`);

/**
 * Lists the files of a repository that git tracks or does not ignore; of too many those below a
 * folder first. Throws `git-failed`.
 */
export const openFiles = async (repository: Repository, top: string): Promise<RepositoryFiles> => {
  const listed = (await repository.presentFiles()).filter((path) => !installed.test(path));
  // The folder that was asked for may have other characters: they are quoted where they have to be.
  const plain = listed.filter((path) => isPlainPath(isBelow(path, top) ? seenFrom(top, path) : path)).sort();
  const usable = [...plain.filter((path) => isBelow(path, top)), ...plain.filter((path) => !isBelow(path, top))].slice(0, mostFiles);
  const known = new Set(usable);
  const root = realpathSync(repository.folder);
  let left = mostText;
  const stateOf = (path: string): { readonly place: string; readonly size: number } | null => {
    const place = join(root, path);
    try {
      const stats = lstatSync(place);
      return stats.isFile() && realpathSync(place) === place ? { place, size: stats.size } : null;
    } catch {
      return null;
    }
  };
  return {
    paths: usable.filter((path) => stateOf(path) !== null),
    leftOut: listed.length - usable.length,
    file: (path) => stateOf(path)?.place ?? null,
    text: (path) => {
      const found = known.has(path) ? stateOf(path) : null;
      if (found === null || found.size > Math.min(largestText, left)) return null;
      left -= found.size;
      try {
        return readFileSync(found.place, 'utf8');
      } catch {
        return null;
      }
    },
    has: (folder, name) => known.has(inFolder(folder, name)),
  };
};
