import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { entryAt } from '../repository/on-disk.ts';

/** Whether a path is a folder that holds nothing. */
export const isEmptyFolder = (path: string): boolean => entryAt(path)?.isDirectory() === true && readdirSync(path).length === 0;

/** An installation in place leaves it in the tree: it says what was installed, and is no code. */
export const isPackageMetadata = (path: string): boolean => path.split('/').some((name) => /\.(egg|dist)-info$/.test(name));

/** Whether two paths are links that lead to the same: one is not copied over the other where that is a folder. */
export const isSameLink = (one: string, other: string): boolean =>
  [one, other].every((path) => entryAt(path)?.isSymbolicLink() === true) && readlinkSync(one) === readlinkSync(other);

/** Whether two paths are regular files of equal bytes. */
export const sameContent = (one: string, other: string): boolean => {
  const [first, second] = [one, other].map(entryAt);
  if (first?.isFile() !== true || second?.isFile() !== true || first.size !== second.size) return false;
  return readFileSync(one).equals(readFileSync(other));
};
