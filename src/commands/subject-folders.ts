import { access, constants, copyFile, link, lstat, mkdir, mkdtemp, readdir, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { asDiskError } from '../records/disk-error.ts';
import { thisProcess } from '../records/owner.ts';
import type { ArtefactRef } from '../records/protocol.ts';
import { listRegularFiles } from '../store/disk.ts';
import { manifestName } from '../store/manifest.ts';
import { isAbandoned } from '../store/staging.ts';

/** The folders that code under test is given, so that it is told no path of the store. */
export interface SubjectFolders {
  /** Holds all of them. */
  readonly root: string;
  /** An empty folder to write into. */
  empty(): Promise<string>;
  /**
   * The files of an artefact, for one side, under names outside of the store: clones where the file
   * system has them, else hard links, else copies.
   */
  view(artefact: ArtefactRef, side: 'head' | 'base'): Promise<ArtefactRef>;
  discard(folder: string): Promise<void>;
  /** Removes them, as far as that is allowed. */
  release(): Promise<void>;
}

const beginning = 'gate-subject-';
const ownerName = 'owner.json';

/** Removes what killed runs left, and makes a folder for this one, where possible in the file system of the store. */
export const openSubjectFolders = async (storeRoot: string): Promise<SubjectFolders> => {
  const place = await placeFor(storeRoot);
  const onDisk = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (thrown) {
      throw asDiskError(thrown, { path: place, noun: 'folder for temporary files' }) ?? thrown;
    }
  };
  const root = await onDisk(async () => {
    await removeLeft(place);
    const made = await mkdtemp(join(place, beginning));
    await writeFile(join(made, ownerName), JSON.stringify(thisProcess()));
    return made;
  });
  const empty = (): Promise<string> => onDisk(() => mkdtemp(join(root, 'files-')));
  const views = new Map<string, Promise<ArtefactRef>>();
  const show = async (artefact: ArtefactRef): Promise<ArtefactRef> => {
    const folder = await empty();
    await onDisk(async () => {
      for (const path of await listRegularFiles(artefact.folder)) {
        if (path === manifestName) continue;
        await mkdir(dirname(join(folder, path)), { recursive: true });
        await showFile(join(artefact.folder, path), join(folder, path));
      }
    });
    return { ...artefact, folder };
  };
  return {
    root,
    empty,
    view: (artefact, side) => {
      const name = `${side} ${artefact.folder}`;
      const view = views.get(name) ?? show(artefact);
      views.set(name, view);
      return view;
    },
    discard: (folder) => rm(folder, { recursive: true, force: true }),
    release: () => rm(root, { recursive: true, force: true }).catch(() => {}),
  };
};

/** The folder for temporary files, or that of the store where only there files need not be copied. */
const placeFor = async (storeRoot: string): Promise<string> => {
  const temporary = resolve(tmpdir());
  const beside = dirname(await realpath(storeRoot));
  const [one, other] = await Promise.all([stat(temporary), stat(storeRoot)]);
  if (one.dev === other.dev) return temporary;
  const usable = (await stat(beside)).dev === other.dev && (await access(beside, constants.W_OK | constants.X_OK).then(...outcome));
  return usable ? beside : temporary;
};

const outcome = [(): boolean => true, (): boolean => false] as const;

const removeLeft = async (place: string): Promise<void> => {
  for (const name of await readdir(place)) {
    const folder = join(place, name);
    if (!name.startsWith(beginning) || (await lstat(folder).catch(() => null))?.isDirectory() !== true) continue;
    // Another user's cannot be read or removed: it is theirs to remove.
    if (await isAbandoned(join(folder, ownerName))) await rm(folder, { recursive: true, force: true }).catch(() => {});
  }
};

/** Costs no room where the file system can help it. Read-only in any case, as the files of the store are. */
const showFile = async (from: string, to: string): Promise<void> => {
  const ways = [
    () => copyFile(from, to, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL),
    () => link(from, to),
    () => copyFile(from, to, constants.COPYFILE_EXCL),
  ];
  for (const [at, way] of ways.entries())
    try {
      return await way();
    } catch (thrown) {
      if (at === ways.length - 1) throw thrown;
    }
};
