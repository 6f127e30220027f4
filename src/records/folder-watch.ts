import { accessSync, constants, lstatSync } from 'node:fs';
import { dirname } from 'node:path';

/** How some folders stood when it was made. */
export interface FolderWatch {
  /**
   * Those of the folders that may have been moved since, also when they lie where they were: files in
   * them show nothing of that. A folder that is moved changes, and so does the one around it. Where
   * only one of the two changed, something was written there.
   */
  moved(): readonly string[];
}

/** The folders, of some, with which something else may be done now: rights that were taken away or given. */
export interface RightsWatch {
  changed(): readonly string[];
}

const rightsOf = (folder: string): number | null => lstatSync(folder, { throwIfNoEntry: false })?.mode ?? null;

export const watchRights = (folders: Iterable<string>): RightsWatch => {
  const known = [...new Set(folders)].map((folder) => [folder, rightsOf(folder)] as const);
  return { changed: () => known.filter(([folder, rights]) => rightsOf(folder) !== rights).map(([folder]) => folder) };
};

/** Watches folders, not what lies in them. */
export const watchFolders = (folders: Iterable<string>): FolderWatch => {
  const known = new Map([...new Set(folders)].map((folder) => [folder, { own: stampOf(folder), around: entriesOf(dirname(folder)) }]));
  return {
    moved: () =>
      [...known].filter(([at, was]) => stampOf(at) !== was.own && entriesOf(dirname(at)) !== was.around).map(([folder]) => folder),
  };
};

/** The folders that files lie in, up to one that all lie below, and this one too. */
export const foldersOf = (files: readonly string[], top: string): ReadonlySet<string> => {
  const folders = new Set([top]);
  for (const file of files) for (let at = dirname(file); at.startsWith(`${top}/`) && !folders.has(at); at = dirname(at)) folders.add(at);
  return folders;
};

/** The folders above one that this user may move, and with them what lies in it. */
export const movableAbove = (folder: string): readonly string[] => {
  const above = dirname(folder);
  return above === folder ? [] : [...(mayMove(above) ? [above] : []), ...movableAbove(above)];
};

/** In a sticky folder only the owner of an entry may move it, or that of the folder. */
const mayMove = (folder: string): boolean => {
  const around = dirname(folder);
  const user = process.geteuid?.();
  try {
    accessSync(around, constants.W_OK);
    const [own, outer] = [lstatSync(folder), lstatSync(around)];
    return folder !== around && ((outer.mode & sticky) === 0 || user === 0 || [own.uid, outer.uid].includes(user ?? own.uid));
  } catch {
    return false;
  }
};

const sticky = 0o1000;

const stampOf = (folder: string): string => {
  const stats = lstatSync(folder, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? 'gone' : [stats.dev, stats.ino, stats.ctimeNs].join(' ');
};

/** Changes with what is added, removed and renamed in a folder. */
const entriesOf = (folder: string): string => {
  const stats = lstatSync(folder, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? 'gone' : [stats.dev, stats.ino, stats.mtimeNs, stats.ctimeNs].join(' ');
};
