import { existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path';
import { reached } from './on-disk.ts';

/** The nearest folder above that holds a `.git`, or the folder itself where none does. Asks no git, which is yet to be found. */
const checkoutAround = (folder: string): string => {
  const at = reached(() => realpathSync(folder)) ?? resolve(folder);
  const up = (path: string): string | null => (existsSync(join(path, '.git')) ? path : dirname(path) === path ? null : up(dirname(path)));
  return up(at) ?? at;
};

/**
 * A search path with what lies in the checkout around a folder behind all else: a commit can bring a
 * program there that is called like git, or like one that git starts. Relative parts lie there too.
 */
export const checkoutLast = (searchPath: string, folder: string): string => {
  const checkout = checkoutAround(folder);
  const isInside = (part: string): boolean => {
    const real = reached(() => realpathSync(resolve(folder, part))) ?? resolve(folder, part);
    return !isAbsolute(part) || `${real}/`.startsWith(`${checkout}/`);
  };
  const parts = searchPath.split(delimiter);
  return [...parts.filter((part) => !isInside(part)), ...parts.filter(isInside)].join(delimiter);
};
