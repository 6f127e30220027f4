import { accessSync, constants, existsSync, lstatSync, mkdirSync, readdirSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { GateError } from '../errors.ts';
import { asDiskError } from '../records/disk-error.ts';
import { openRepository, type Repository } from '../repository/repository.ts';
import { storeFolders } from '../store/store.ts';

/** A folder in which the gate writes, replaces and removes files. */
export interface OwnFolder {
  readonly path: string;
  /** How a message calls it. */
  readonly noun: 'run folder' | 'store';
  /** The input of the action that moves it; the option is called the same. */
  readonly option: 'run-dir' | 'store';
}

const markName = 'optimization-gate.txt';
const markText = 'The files in this folder are those of optimization-gate, which replaces and removes them.\n';

/**
 * Throws `folder-refused` for a folder that cannot become the gate's own. It can be where it is
 * absent, empty, or was marked before, and holds no file of the repository. A link that lies in the
 * checkout is not followed, since a commit may bring it. `around`: a folder of the checkout; outside
 * of any checkout only the mark counts.
 */
export const requireOwnable = async (folder: OwnFolder, around: string): Promise<void> => {
  const repository = await repositoryAround(around);
  const why = whyForeign(folder.path, repository?.folder ?? null);
  if (why !== null) throw refusal(folder, why);
  const tracked = repository === null ? [] : await trackedIn(repository, folder.path);
  if (tracked.length > 0) throw refusal(folder, `it holds files of the repository: ${listed(tracked)}`);
};

const whyForeign = (path: string, checkout: string | null): string | null => {
  try {
    const link = linkOfCheckout(path, checkout);
    if (link !== null) return `${link} is a symbolic link in the checkout, which a commit may bring`;
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return null;
    if (!stats.isDirectory()) return 'it is a file';
    const names = readdirSync(path).sort();
    if (names.length > 0 && !isMarked(path) && !isStore(names)) return `it holds files that the gate did not make: ${listed(names)}`;
    const odd = names.find((name) => lstatSync(join(path, name)).isSymbolicLink());
    return odd === undefined ? null : `${odd} in it is a symbolic link, and the gate makes none`;
  } catch (thrown) {
    return `it cannot be read (${thrown instanceof Error ? thrown.message : String(thrown)})`;
  }
};

/**
 * Makes a folder the gate's own. Throws `folder-refused`; `disk-full` where there is no room for it;
 * `store-unwritable` or `folder-unwritable` where this user may not write there.
 */
export const claimFolder = async (folder: OwnFolder, around: string): Promise<void> => {
  await requireOwnable(folder, around);
  if (!isMarked(folder.path)) markOrRefuse(folder);
  else requireWritable(folder);
};

/** Throws `store-unwritable` or `folder-unwritable` where this user may not write in a folder, or make it. */
export const requireWritable = (folder: OwnFolder): void => {
  try {
    accessSync(nearestFolder(folder.path), constants.W_OK | constants.X_OK);
  } catch (thrown) {
    throw asDiskError(thrown, folder) ?? thrown;
  }
};

/** Makes the folder where it is not there, and says in it whose it is. Throws what the file system throws. */
export const markFolder = (path: string): void => {
  makeFolder(path);
  // First: a folder without it is refused.
  writeFileSync(join(path, markName), markText);
  writeFileSync(join(path, '.gitignore'), '*\n');
};

/** On a read-only disk, `mkdir` says of a path of several new folders that it is not there. */
const makeFolder = (path: string): void => {
  try {
    mkdirSync(path, { recursive: true });
  } catch (thrown) {
    accessSync(nearestFolder(path), constants.W_OK | constants.X_OK);
    throw thrown;
  }
};

const nearestFolder = (path: string): string => (existsSync(path) || dirname(path) === path ? path : nearestFolder(dirname(path)));

/** Whether a folder holds all that every store holds, and nothing else: so it is known without the mark, too. */
const isStore = (names: readonly string[]): boolean => names.join() === [...storeFolders].sort().join();

/** Whether a folder says that it is the gate's. */
export const isMarked = (folder: string): boolean => lstatSync(join(folder, markName), { throwIfNoEntry: false })?.isFile() === true;

const refusal = ({ path, noun, option }: OwnFolder, why: string): GateError =>
  new GateError('folder-refused', `The ${noun} cannot be this folder: ${why}.`, { where: `${option} ${path}` });

const repositoryAround = async (folder: string): Promise<Repository | null> => {
  try {
    return await openRepository(folder);
  } catch (thrown) {
    if (thrown instanceof GateError && thrown.code === 'not-a-repository') return null;
    throw thrown;
  }
};

const liesIn = (folder: string, path: string): boolean => {
  const inside = relative(folder, path);
  return inside !== '..' && !inside.startsWith(`..${sep}`) && !isAbsolute(inside);
};

/** The first link on the way of a path that lies in the checkout itself; null without one. */
const linkOfCheckout = (path: string, checkout: string | null): string | null => {
  let real = resolve('/');
  for (const name of relative(real, resolve(path)).split(sep)) {
    const next = join(real, name);
    const isLink = lstatSync(next, { throwIfNoEntry: false })?.isSymbolicLink() === true;
    if (isLink && checkout !== null && liesIn(checkout, next)) return next;
    real = isLink ? realpathSync(next) : next;
  }
  return null;
};

/** Files of the repository below a folder, which need not be there. */
const trackedIn = async (repository: Repository, path: string): Promise<readonly string[]> => {
  if (!existsSync(path)) return [];
  const real = realpathSync(path);
  return liesIn(repository.folder, real) ? repository.trackedBelow(relative(repository.folder, real).split(sep).join('/')) : [];
};

/** The first names of many. */
const listed = (names: readonly string[]): string =>
  `${names.slice(0, 3).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more` : ''}`;

const markOrRefuse = (folder: OwnFolder): void => {
  const { path, noun } = folder;
  try {
    markFolder(path);
  } catch (thrown) {
    throw (
      asDiskError(thrown, { path, noun }) ??
      refusal(folder, `it cannot be made (${thrown instanceof Error ? thrown.message : String(thrown)})`)
    );
  }
};
