import { access, chmod, constants, copyFile, link, lstat, mkdir, mkdtemp, readdir, realpath, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { GateError } from '../errors.ts';
import { removeClosedFolder } from '../processes/closed-folder.ts';
import { asDiskError, type WrittenPlace } from '../records/disk-error.ts';
import { digestInMemory } from '../records/file-in-memory.ts';
import { type FolderWatch, foldersOf, watchFolders } from '../records/folder-watch.ts';
import { thisProcess } from '../records/owner.ts';
import type { ArtefactRef } from '../records/protocol.ts';
import { fileDigest, listRegularFiles } from '../store/disk.ts';
import { manifestName } from '../store/manifest.ts';
import { isAbandoned } from '../store/staging.ts';
import type { Sides } from './sides.ts';

/** The folders that code under test is given, so that it is told no path of the store. */
export interface SubjectFolders {
  /** Holds all of them. */
  readonly root: string;
  /** An empty folder to write into. */
  empty(): Promise<string>;
  /**
   * The files of an artefact, for one side, under names outside of the store: clones where the file
   * system has them. Else a built-in has hard links, and a user's own code copies: onnx refuses data
   * files that have several names. Made anew where something was replaced in it.
   */
  view(artefact: ArtefactRef, side: 'head' | 'base', code: 'built-in' | 'own'): Promise<ArtefactRef>;
  /** Throws `store-corrupt` where code under test replaced a file of a view: the other side may have read it. */
  requireIntact(): Promise<void>;
  /** The same, and reads all of them once more: what exchanges blocks of files leaves their times. */
  requireContents(): Promise<void>;
  discard(folder: string): Promise<void>;
  /** Removes them, as far as that is allowed. */
  release(): Promise<void>;
}

const beginning = 'gate-subject-';
const ownerName = 'owner.json';

/**
 * Removes what killed runs left, and makes a folder for this one, where possible in the file system
 * of the store. Another user, as whom the sides' code may run, can read what is shown there.
 */
export const openSubjectFolders = async (
  storeRoot: string,
  { isolated, admit }: Pick<Sides, 'isolated' | 'admit'>,
): Promise<SubjectFolders> => {
  const place = await placeFor(storeRoot);
  const onDisk = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (thrown) {
      throw asDiskError(thrown, place) ?? thrown;
    }
  };
  const holder = await onDisk(async () => {
    await removeLeft(place.path);
    const made = await mkdtemp(join(place.path, beginning));
    await writeFile(join(made, ownerName), JSON.stringify(thisProcess()));
    await mkdir(join(made, 'files'));
    if (isolated) for (const each of [made, join(made, 'files')]) await chmod(each, 0o711);
    return made;
  });
  const root = join(holder, 'files');
  // Nobody writes in a folder around another one: it only changes where that is moved.
  const around = watchFolders([holder, root]);
  admit(root);
  const empty = (): Promise<string> => onDisk(() => mkdtemp(join(root, 'files-')));
  const views = new Map<string, Promise<View>>();
  const show = async (artefact: ArtefactRef, ways: readonly Way[]): Promise<View> => {
    const outer = await empty();
    const folder = join(outer, 'model');
    return onDisk(async () => {
      await mkdir(folder);
      if (isolated) for (const each of [outer, folder]) await chmod(each, 0o755);
      for (const path of await listRegularFiles(artefact.folder)) {
        if (path === manifestName) continue;
        await mkdir(dirname(join(folder, path)), { recursive: true });
        await showFile(join(artefact.folder, path), join(folder, path), ways);
      }
      const stamps = await stampsOf(folder, artefact.folder);
      const files = [...stamps.keys()].map((path) => join(folder, path));
      return { artefact, shown: { ...artefact, folder }, stamps, places: watchFolders([outer, ...foldersOf(files, folder)]) };
    });
  };
  const intact = async (name: string, made: Promise<View>): Promise<boolean> => {
    const view = await made;
    if (around.moved().length + view.places.moved().length > 0) return false;
    const stamps = await stampsOf(view.shown.folder, view.artefact.folder).catch(() => null);
    if (stamps === null || !(await isIntact(view, stamps))) return false;
    if (views.get(name) === made) views.set(name, Promise.resolve({ ...view, stamps }));
    return true;
  };
  const requireEach = async (isSo: (name: string, made: Promise<View>) => Promise<boolean>): Promise<void> => {
    for (const [name, view] of views)
      if (!(await isSo(name, view)))
        throw new GateError(
          'store-corrupt',
          'The files of the model that both sides read were looked at. Code under test replaced one of them.',
          { where: name },
        );
  };
  return {
    root,
    empty,
    view: async (artefact, side, code) => {
      const name = `${side} ${code} ${artefact.folder}`;
      const known = views.get(name);
      if (known !== undefined && (await intact(name, known))) return (await known).shown;
      const view = show(artefact, code === 'own' ? [clone, copy] : [clone, link, copy]);
      views.set(name, view);
      return (await view).shown;
    },
    requireIntact: () => requireEach(intact),
    requireContents: () => requireEach(async (name, made) => (await intact(name, made)) && hasContents(await made)),
    discard: removeClosedFolder,
    release: () => removeClosedFolder(holder).catch(() => {}),
  };
};

interface View {
  readonly artefact: ArtefactRef;
  readonly shown: ArtefactRef;
  readonly stamps: Stamps;
  readonly places: FolderWatch;
}

/** By path: the file that it is, and when it was changed. */
type Stamps = ReadonlyMap<string, { readonly file: string; readonly changed: bigint }>;

/**
 * How the files of a view are. Another name of the store's own file says all: the store is looked at
 * itself. Else whatever writes a file or replaces it changes what is said.
 */
const stampsOf = async (folder: string, from: string): Promise<Stamps> => {
  const stamps = (await listRegularFiles(folder)).map(async (path) => {
    const [own, source] = await Promise.all([folder, from].map((each) => lstat(join(each, path), { bigint: true })));
    if (own === undefined || source === undefined) return [path, { file: 'gone', changed: 0n }] as const;
    const { dev, ino, size, mtimeNs, ctimeNs } = own;
    const bytes = digestInMemory(join(folder, path), own);
    const isShared = dev === source.dev && ino === source.ino;
    return [path, isShared ? { file: 'shared', changed: 0n } : { file: `${ino} ${size} ${mtimeNs} ${bytes}`, changed: ctimeNs }] as const;
  });
  return new Map(await Promise.all(stamps));
};

/**
 * Whether a view is as it was made. A link to a file, under which a build hands it on, changes it
 * without its bytes: these are read where nothing else tells.
 */
const isIntact = async ({ artefact, shown, stamps }: View, now: Stamps): Promise<boolean> => {
  if (now.size !== stamps.size) return false;
  for (const [path, { file, changed }] of now) {
    const was = stamps.get(path);
    if (was?.file !== file) return false;
    if (was.changed === changed) continue;
    if (!(await isSame({ artefact, shown }, path))) return false;
  }
  return true;
};

const isSame = async ({ artefact, shown }: Pick<View, 'artefact' | 'shown'>, path: string): Promise<boolean> => {
  const [own, source] = await Promise.all([shown.folder, artefact.folder].map((each) => fileDigest(join(each, path))));
  return own === source;
};

/** Whether all files of a view hold what those of the store do. */
const hasContents = async (view: View): Promise<boolean> => {
  for (const path of view.stamps.keys()) if (!(await isSame(view, path))) return false;
  return true;
};

/** The folder for temporary files, or that of the store where only there files need not be copied. */
const placeFor = async (storeRoot: string): Promise<WrittenPlace> => {
  const temporary = resolve(tmpdir());
  const beside = dirname(await realpath(storeRoot));
  const [one, other] = await Promise.all([stat(temporary), stat(storeRoot)]);
  const usual = { path: temporary, noun: 'folder for temporary files' } as const;
  if (one.dev === other.dev) return usual;
  const usable = (await stat(beside)).dev === other.dev && (await access(beside, constants.W_OK | constants.X_OK).then(...outcome));
  return usable ? { path: beside, noun: 'store' } : usual;
};

const outcome = [(): boolean => true, (): boolean => false] as const;

const removeLeft = async (place: string): Promise<void> => {
  for (const name of await readdir(place)) {
    const folder = join(place, name);
    if (!name.startsWith(beginning) || (await lstat(folder).catch(() => null))?.isDirectory() !== true) continue;
    // Another user's cannot be read or removed: it is theirs to remove.
    if (await isAbandoned(join(folder, ownerName))) await removeClosedFolder(folder).catch(() => {});
  }
};

type Way = (from: string, to: string) => Promise<void>;
const clone: Way = (from, to) => copyFile(from, to, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
const copy: Way = (from, to) => copyFile(from, to, constants.COPYFILE_EXCL);

/** By the first way that the file system has. Read-only in any case, as the files of the store are. */
const showFile = async (from: string, to: string, ways: readonly Way[]): Promise<void> => {
  for (const [at, way] of ways.entries())
    try {
      return await way(from, to);
    } catch (thrown) {
      if (at === ways.length - 1) throw thrown;
    }
};
