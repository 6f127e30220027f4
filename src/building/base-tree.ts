import { lstatSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { GateError } from '../errors.ts';
import { foldersOf, watchFolders, watchRights } from '../records/folder-watch.ts';
import type { FilledWorktree } from '../repository/repository.ts';
import { filesAndFoldersBelow, filesBelow, onDisk, watchFiles } from './file-watch.ts';

/** Base's commit in a folder of its own, and what its files hold. */
export interface BaseTree extends FilledWorktree {
  /**
   * Throws `base-changed` where a file of the commit holds something else than base's own code left
   * in it, or where its rights or its time of writing are others, or the rights of a folder. Before
   * base's own code has run, and in launches, when both sides run, nothing may be done to them at all.
   * Files that base's programs wrote to are no longer looked at.
   */
  requireSame(): Promise<void>;
  /** The same, and reads all of them once more: what exchanges blocks of files leaves their times. */
  requireContents(): Promise<void>;
  /** Runs base's setup while no code of head's runs. Throws as `requireSame` does, before. */
  setUp<T>(work: () => Promise<T>): Promise<T>;
  /**
   * Runs code of base while none of head's runs; of a program, what it writes to in launches too is
   * learned from that. Throws as `requireSame` does, before.
   */
  alone<T>(program: RunProgram | null, work: () => Promise<T>): Promise<T>;
  /** Whether one more run of a program would tell nothing of where launches of it write. */
  isLearned(program: RunProgram | null): boolean;
  /** From now on both sides run at once. Throws as `requireSame` does. */
  beginLaunches(): Promise<void>;
}

/** A program that launches run too, and the folder that it is run in. */
export interface RunProgram {
  readonly name: string;
  readonly tree: string;
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
  /** When only base's own code writes, or nobody does. */
  let isUntouchable = true;
  // The folder around a worktree is the gate's own too: nobody writes there.
  const places = [...foldersOf(files, folder), dirname(folder)];
  /**
   * Program → the folders that it seemed to move in its first two runs, since it wrote to them and
   * around them. What only the first writes are caches: nobody writes there in launches. Between the
   * two, head's code may not run: it could remove the caches.
   */
  const runs = new Map<string, readonly (readonly string[])[]>();
  const runsOf = ({ name, tree }: RunProgram) => (`${tree}/`.startsWith(`${folder}/`) ? (runs.get(name) ?? []) : null);
  const isUsed = (path: string): boolean => [...runs.values()].some((each) => each.at(-1)?.includes(path) === true);
  let moves = watchFolders(places);
  let rights = watchRights(places);
  /** Folders whose rights a program of base changes, and will in launches. */
  const opened = new Set<string>();
  const moved = (): readonly string[] => moves.moved().filter((each) => !isUsed(each));
  const refuse = ([first]: readonly string[]): void => {
    if (first === undefined) return;
    const place = first === dirname(folder) ? 'the folder around it' : relative(folder, first).toWellFormed() || 'its root';
    const message = `The checkout of the base commit was looked at. Something wrote to ${place}: only base's own code may, and not while numbers are measured.`;
    throw new GateError('base-changed', message, { where: folder });
  };
  const requireSame = async (): Promise<void> => {
    const closed = rights.changed().filter((each) => !opened.has(each));
    const changed = [...(isUntouchable ? [...watch.touched(), ...moved()] : await watch.altered()), ...closed];
    if (changed.length === 0) moves = watchFolders(places);
    refuse(changed);
  };
  const requireContents = async (): Promise<void> => {
    await requireSame();
    refuse(await watch.reread());
  };
  const whileAlone = async <T>(work: () => Promise<T>): Promise<T> => {
    await requireSame();
    isUntouchable = false;
    list = () => files.filter((file) => !written.has(file) && lstatSync(onDisk(file), { throwIfNoEntry: false }) !== undefined);
    try {
      return await work();
    } finally {
      watch = await watch.again(list);
      rights = watchRights(places);
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
    alone: (program, work) =>
      whileAlone(async () => {
        try {
          return await work();
        } finally {
          const before = program === null ? null : runsOf(program);
          if (program !== null && before !== null) {
            for (const file of watch.touched()) written.add(file);
            for (const each of rights.changed()) opened.add(each);
            if (before.length < 2) runs.set(program.name, [...before, moves.moved()]);
          }
        }
      }),
    isLearned: (program) => {
      const known = program === null ? null : runsOf(program);
      return known === null || known.length > 1 || known[0]?.length === 0;
    },
    beginLaunches: async () => {
      await requireSame();
      watch = await watch.again(list);
      moves = watchFolders(places);
      isUntouchable = true;
    },
  };
};
