import type { BigIntStats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { digestInMemory } from '../records/file-in-memory.ts';
import { errorCode } from './disk.ts';

/**
 * How the files of a folder are, without their bytes where these need not be read: whatever writes one, replaces one or adds one
 * changes it, since no program can set the time at which an inode changed. Empty where there is no
 * folder.
 */
export const stampOf = (folder: string): Promise<string> => stamped(folder, () => true);

/**
 * The same of files that are not in the store yet. Files that other artefacts share do not count by
 * the time of their change, which another link to them sets: they are looked at in their own place.
 * The manifest does not count.
 */
export const stagedStampOf = (folder: string, manifest: string): Promise<string> =>
  stamped(folder, (name, { nlink }) => (name === manifest ? null : nlink === 1n));

const stamped = async (folder: string, byChange: (name: string, stats: BigIntStats) => boolean | null): Promise<string> => {
  const stamps: string[] = [];
  try {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      const name = relative(folder, path);
      const stats = await lstat(path, { bigint: true });
      const counts = byChange(name, stats);
      if (counts === null) continue;
      const changed = counts ? `${stats.mode} ${stats.ctimeNs}` : 'shared';
      const file = `${stats.ino} ${stats.size} ${stats.mtimeNs} ${digestInMemory(path, stats)}`;
      stamps.push(entry.isDirectory() ? `${name} folder` : `${name} ${file} ${changed}`);
    }
  } catch (thrown) {
    if (errorCode(thrown) !== 'ENOENT') throw thrown;
  }
  return stamps.sort().join('\n');
};

/** The folders in a folder; none where there is none. */
export const foldersIn = async (folder: string): Promise<readonly string[]> => {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ parentPath, name }) => join(parentPath, name));
  } catch (thrown) {
    if (errorCode(thrown) !== 'ENOENT') throw thrown;
    return [];
  }
};
