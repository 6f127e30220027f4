import { randomUUID } from 'node:crypto';
import { lstatSync, mkdirSync, readlinkSync, renameSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';

/** The folders above a file, and the links among them, as they stood when this was made. */
export interface FoldersAbove {
  /**
   * Puts back a folder or link in whose place something else lies, which is moved aside. Returns
   * whether there was one. Throws what the system says.
   */
  restore(): boolean;
}

/** A link can lead each process elsewhere (`/proc/self/cwd`): what this one reads behind it, the runner does not. */
export const openFoldersAbove = (file: string): FoldersAbove => {
  const known = above(file).map((path) => ({ path, entry: entryAt(path) }));
  return {
    restore: () => {
      let changed = false;
      // From the root on: below what was moved aside nothing is left.
      for (const { path, entry } of known) {
        const now = entryAt(path);
        if (entry === null || (entry.isFolder === now?.isFolder && entry.leadsTo === now.leadsTo)) continue;
        if (now !== null) renameSync(path, `${path}.${randomUUID()}`);
        if (entry.leadsTo === null) mkdirSync(path);
        else symlinkSync(entry.leadsTo, path);
        changed = true;
      }
      return changed;
    },
  };
};

/** The nearest last. */
const above = (path: string): readonly string[] => (dirname(path) === path ? [] : [...above(dirname(path)), dirname(path)]);

interface Entry {
  readonly isFolder: boolean;
  /** Of a link. */
  readonly leadsTo: string | null;
}

const entryAt = (path: string): Entry | null => {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return null;
  return { isFolder: stats.isDirectory(), leadsTo: stats.isSymbolicLink() ? readlinkSync(path) : null };
};
