import { lstatSync, readFileSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * What a look at the disk gives; null where there is nothing to look at, or nothing that can be reached:
 * below a file, behind a ring of links, in a folder that is closed to this user.
 */
export const reached = <Found>(look: () => Found): Found | null => {
  try {
    return look();
  } catch {
    return null;
  }
};

/** What a path itself names: a file, a folder, a link; null for nothing. */
export const entryAt = (path: string): Stats | null => reached(() => lstatSync(path));

/** The regular file that a path leads to; null where there is none. */
export const fileBehind = (path: string): Stats | null => {
  const stats = reached(() => statSync(path));
  return stats?.isFile() === true ? stats : null;
};

/** Its text; null where there is none. */
export const textBehind = (path: string): string | null => (fileBehind(path) === null ? null : reached(() => readFileSync(path, 'utf8')));

/** Whether a link is on the way to a path below a root. */
export const isBehindLink = (root: string, path: string): boolean => {
  const folder = dirname(path);
  return reached(() => realpathSync(join(root, folder)) !== join(realpathSync(root), folder)) === true;
};

/** What a path below a root names, where no link is on the way to it: behind one it would be something outside of the root. */
export const entryWithin = (root: string, path: string): Stats | null => {
  const folder = dirname(path);
  return reached(() => realpathSync(join(root, folder)) === join(realpathSync(root), folder)) === true ? entryAt(join(root, path)) : null;
};
