import { lstatSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { GateError } from '../errors.ts';
import type { FilledWorktree } from '../repository/repository.ts';
import { filesAndFoldersBelow, filesBelow, onDisk, watchFiles } from './file-watch.ts';
import { foldersOf, watchFolders } from './folder-watch.ts';

/** Base's commit in a folder of its own, and what its files hold. */
export interface BaseTree extends FilledWorktree {
  /**
   * Throws `base-changed` where a file of the commit holds something else than base's own code left
   * in it; in launches also where it was only written to, since both sides run then. Files that
   * base's programs wrote to are no longer looked at.
   */
  requireSame(): Promise<void>;
  /** The same, and reads all of them once more: what exchanges blocks of files leaves their times. */
  requireContents(): Promise<void>;
  /** Runs base's setup while no code of head's runs. Throws as `requireSame` does, before. */
  setUp<T>(work: () => Promise<T>): Promise<T>;
  /** Runs programs of base while none of head's run. Throws as `requireSame` does, before. */
  alone<T>(work: () => Promise<T>): Promise<T>;
  /** From now on both sides run at once. Throws as `requireSame` does. */
  beginLaunches(): Promise<void>;
}

/** @param worktree as it was checked out, before any code ran */
export const openBaseTree = async (worktree: FilledWorktree): Promise<BaseTree> => {
  const { folder } = worktree;
  const files = filesBelow(folder);
  // Before base's own code has run nothing is added either.
  let list = (): readonly string[] => filesAndFoldersBelow(folder);
  /** Files of the commit that base's programs write to, and will in launches. */
  const written = new Set<string>();
  let watch = await watchFiles(list);
  let launching = false;
  // The folder around a worktree is the gate's own too: nobody writes there.
  const places = [...foldersOf(files, folder), dirname(folder)];
  /** Folders that base's programs seem to move, since they write to them and around them. */
  const used = new Set<string>();
  let moves = watchFolders(places);
  const moved = (): readonly string[] => moves.moved().filter((each) => !used.has(each));
  const refuse = ([first]: readonly string[]): void => {
    if (first === undefined) return;
    const message = `The checkout of the base commit was looked at. Something wrote to ${relative(folder, first).toWellFormed() || 'its root'}: only base's own code may, and not while numbers are measured.`;
    throw new GateError('base-changed', message, { where: folder });
  };
  const requireSame = async (): Promise<void> => {
    const changed = launching ? [...watch.touched(), ...moved()] : await watch.changed();
    if (changed.length === 0) moves = watchFolders(places);
    refuse(changed);
  };
  const requireContents = async (): Promise<void> => {
    await requireSame();
    refuse(await watch.reread());
  };
  const whileAlone = async <T>(work: () => Promise<T>): Promise<T> => {
    await requireSame();
    list = () => files.filter((file) => !written.has(file) && lstatSync(onDisk(file), { throwIfNoEntry: false }) !== undefined);
    try {
      return await work();
    } finally {
      watch = await watch.again(list);
    }
  };
  return {
    ...worktree,
    requireSame,
    requireContents,
    setUp: async (work) => {
      await requireContents();
      return whileAlone(work);
    },
    alone: (work) =>
      whileAlone(async () => {
        try {
          return await work();
        } finally {
          for (const file of watch.touched()) written.add(file);
          for (const each of moves.moved()) used.add(each);
        }
      }),
    beginLaunches: async () => {
      await requireSame();
      watch = await watch.again(list);
      moves = watchFolders(places);
      launching = true;
    },
  };
};
