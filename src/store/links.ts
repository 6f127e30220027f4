import { randomUUID } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { copyFile, lstat, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';

/** Where files of a store may have names. */
export interface OwnNames {
  readonly artefacts: string;
  readonly staging: string;
  /** Folders in which code under test sees artefacts. Only files of those count there. */
  readonly views: readonly string[];
}

/**
 * Gives every file of a folder that has a name (a hard link) elsewhere bytes of its own. What artefacts
 * share stays so: an optimization may take over gigabytes of weights without copying them.
 */
export const unshare = async (folder: string, files: readonly string[], { artefacts, staging, views }: OwnNames): Promise<void> => {
  const stats = await Promise.all(files.map(async (path) => ({ path: join(folder, path), ...inodeOf(await lstat(join(folder, path))) })));
  const shared = stats.filter(({ links }) => links > 1);
  if (shared.length === 0) return;
  const [stored, staged, shown] = [await namesBelow([artefacts]), await namesBelow([staging]), await namesBelow(views)];
  for (const { path, inode, links } of shared) {
    const isStored = stored.has(inode);
    const names = [stored, staged, ...(isStored ? [shown] : [])].reduce((sum, each) => sum + (each.get(inode) ?? 0), 0);
    if (names >= links) continue;
    const draft = join(folder, `.${randomUUID()}.draft`);
    await copyFile(path, draft, constants.COPYFILE_FICLONE);
    await rename(draft, path);
  }
};

/** How many names each file of several links has below some folders. */
const namesBelow = async (roots: readonly string[]): Promise<ReadonlyMap<string, number>> => {
  const names = new Map<string, number>();
  for (const root of roots)
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
      const found = entry.isFile() ? await lstat(join(entry.parentPath, entry.name)).catch(() => null) : null;
      if (found !== null && found.nlink > 1) names.set(inodeOf(found).inode, (names.get(inodeOf(found).inode) ?? 0) + 1);
    }
  return names;
};

const inodeOf = ({ dev, ino, nlink }: Stats): { readonly inode: string; readonly links: number } => ({
  inode: `${dev}:${ino}`,
  links: nlink,
});
