import { constants } from 'node:fs';
import { access, mkdir, readdir, rename, rm, rmdir, stat, statfs, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { GateError } from '../errors.ts';
import { encodeDocument } from '../records/decode.ts';
import { type FolderWatch, watchFolders } from '../records/folder-watch.ts';
import { type HeldLock, takeLock } from '../records/lock-file.ts';
import { type Json, sha256 } from '../records/words.ts';
import { errorCode, exists, inStore, listRegularFiles, seal, takeFolder } from './disk.ts';
import { unshare } from './links.ts';
import { type ArtefactManifest, contentOf, describeFolder, findDamage, manifestName, readManifest, type StoredId } from './manifest.ts';
import { isAbandoned, newLease, newStaging, removeAbandoned } from './staging.ts';
import { foldersIn, stagedStampOf, stampOf } from './stamp.ts';

/** The folders of every store. */
export const storeFolders = ['artefacts', 'records', 'staging', 'leases', 'locks'] as const;

export interface StoreOptions {
  /** Milliseconds since the epoch, as file times are. */
  readonly clock: () => number;
  /** How long to wait for another job's lock; 600 unless told. */
  readonly waitSeconds?: number;
  /** After how long the lock of a dead process is broken; 5 unless told. */
  readonly staleSeconds?: number;
}

/** An artefact of a store, whoever uses it. */
export interface StoredEntry extends StoredId {
  readonly bytes: number;
  /** When it was used last, in milliseconds since the epoch. */
  readonly used: number;
}

/** Where the store lies unless told: `OPTIMIZATION_GATE_STORE`, else the runner's tool cache, else the user's cache folder; null without any of them. */
export const defaultStoreRoot = (environment: Readonly<Record<string, string | undefined>>): string | null => {
  const named = environment['OPTIMIZATION_GATE_STORE'];
  if (named !== undefined && named !== '') return named;
  const folders = [
    environment['RUNNER_TOOL_CACHE'],
    environment['XDG_CACHE_HOME'],
    environment['HOME'] === undefined ? '' : join(environment['HOME'], '.cache'),
  ];
  const found = folders.find((folder) => folder !== undefined && folder !== '');
  return found === undefined ? null : join(found, 'optimization-gate');
};

const removeAbandonedLeases = async (root: string): Promise<void> => {
  for (const name of await readdir(join(root, 'leases')))
    if (await isAbandoned(join(root, 'leases', name))) await rm(join(root, 'leases', name), { force: true });
};

/** Opens (and creates) a store, and removes what crashed processes left in it. Throws `store-unwritable` and `disk-full`. */
export const openStore = async (root: string, options: StoreOptions): Promise<Store> => {
  await inStore(root, async () => {
    for (const folder of storeFolders) {
      await mkdir(join(root, folder), { recursive: true });
      await access(join(root, folder), constants.W_OK | constants.X_OK);
    }
    await removeAbandoned(join(root, 'staging'));
    await removeAbandonedLeases(root);
  });
  return new Store(root, options);
};

/**
 * Folders of files, shared by all jobs of a machine. Each is named by what its files compute and by
 * the files themselves, so that what stands under a name is what was put there. An artefact is
 * complete or absent, read-only, and verified at its first use by this object. What this object
 * handed out is leased: no eviction removes it before `close` or the end of the process.
 */
export class Store {
  readonly root: string;
  readonly #options: StoreOptions;
  /** Name → how its files were when all their bytes were read. */
  readonly #verified = new Map<string, { readonly stamp: string; readonly places: FolderWatch }>();
  readonly #leases = new Map<string, Promise<string>>();

  constructor(root: string, options: StoreOptions) {
    this.root = root;
    this.#options = options;
  }

  /** An empty folder in the store's file system, for `addArtefact`; removed at the next opening when this process dies. */
  staging(): Promise<string> {
    return inStore(this.root, () => newStaging(join(this.root, 'staging')));
  }

  /**
   * Moves a folder that foreign code wrote into a staging folder of its own, which that code does
   * not know. Throws `build-no-output` for links and special files; `disk-full`.
   */
  async takeOver(folder: string): Promise<string> {
    const staging = await this.staging();
    try {
      await inStore(this.root, () => takeFolder(folder, staging));
      return staging;
    } catch (thrown) {
      await this.discard(staging).catch(() => {});
      throw thrown;
    }
  }

  /** Gives up a staging folder. */
  async discard(staging: string): Promise<void> {
    this.#requireStaging(staging);
    await rm(dirname(staging), { recursive: true, force: true });
  }

  /** Folder of an artefact, leased and verified; null when it is not here. Throws `store-corrupt` when it was damaged; it is removed then. */
  async artefact(id: StoredId): Promise<string | null> {
    const folder = this.#folder(id);
    const present = await this.#locked('leases', async () => {
      if (!(await exists(folder))) return false;
      await this.#lease(id);
      return true;
    });
    if (!present) return null;
    if (!this.#verified.has(nameOf(id))) await this.verify(id);
    await this.#touch(folder);
    return folder;
  }

  /** The contents that are here under a digest. */
  async contents(digest: string): Promise<readonly string[]> {
    const found = await readdir(join(this.root, 'artefacts', checked(digest))).catch(noneWhereAbsent);
    return found.filter((name) => sha256.safeParse(name).success);
  }

  /**
   * Reads every file of an artefact once more, whenever it was verified before: for after foreign code ran beside the store. Throws
   * `store-corrupt` when it is damaged or gone; what is damaged is removed.
   */
  async verify(id: StoredId): Promise<void> {
    // Before its bytes are read: what is written meanwhile changes it.
    const places = await this.#places(id);
    const stamp = await stampOf(this.#folder(id));
    const damage = await findDamage(this.#folder(id), id);
    if (damage !== null) await this.#refuse(id, damage);
    this.#verified.set(nameOf(id), { stamp, places });
  }

  /**
   * Throws `store-corrupt` where a file of a verified artefact was written, replaced or added since, or
   * a folder that it lies in was moved, if only for a moment. Bytes are read only where the file
   * system says that something changed.
   */
  async requireUnmodified(id: StoredId): Promise<void> {
    const known = this.#verified.get(nameOf(id));
    if (known !== undefined && known.places.moved().length > 0) await this.#refuse(id, 'a folder that it lies in was moved');
    if ((await stampOf(this.#folder(id))) !== known?.stamp) await this.verify(id);
  }

  /** The folders that an artefact lies in, below that of the store. */
  async #places(id: StoredId): Promise<FolderWatch> {
    const folder = this.#folder(id);
    return watchFolders([...(await foldersIn(folder)), folder, dirname(folder), dirname(dirname(folder))]);
  }

  /** Verifies every artefact that this run has used once more: what exchanges blocks of files leaves their times. */
  async requireContents(): Promise<void> {
    for (const name of [...this.#verified.keys()]) {
      const [digest = '', content = ''] = name.split('-');
      await this.verify({ digest, content });
    }
  }

  /** Manifest of an artefact that is here, else null. */
  async manifest(id: StoredId): Promise<ArtefactManifest | null> {
    const folder = await this.artefact(id);
    return folder === null ? null : readManifest(folder);
  }

  /**
   * Makes the files of a staging folder read-only, so that a digest may be computed from them. A file
   * that has a name (a hard link) outside the store is copied: under that name it could be changed.
   * Names below `views` do not count, since their files are looked at again. Returns how the files
   * are. Throws `build-no-output` for links and special files; `disk-full`.
   */
  async closeStaging(staging: string, views: readonly string[] = []): Promise<string> {
    this.#requireStaging(staging);
    return inStore(this.root, async () => {
      const files = await listRegularFiles(staging);
      await unshare(staging, files, { artefacts: join(this.root, 'artefacts'), staging: join(this.root, 'staging'), views });
      await seal(staging, files);
      return stagedStampOf(staging, manifestName);
    });
  }

  /**
   * Moves the files of a closed staging folder into the store under a digest that their maker
   * computed, with `about` in the manifest. When the artefact is here already the staged files are
   * dropped. Returns its content and folder, leased. Throws `build-no-output` for an empty folder, and
   * for files that are no longer as `closed` says; `disk-full`.
   */
  async addArtefact(
    staging: string,
    digest: string,
    about: Json,
    closed: string,
  ): Promise<Pick<StoredId, 'content'> & { readonly folder: string }> {
    this.#requireStaging(staging);
    return inStore(this.root, async () => {
      const manifest = await describeFolder(staging, checked(digest), about);
      if ((await stagedStampOf(staging, manifestName)) !== closed)
        throw new GateError(
          'build-no-output',
          'The files of a build were taken over. Something changed them after the build had said that it was done.',
          { where: staging },
        );
      const id = { digest, content: contentOf(manifest) };
      const folder = this.#folder(id);
      await writeFile(join(staging, manifestName), encodeDocument(manifest));
      await seal(staging, [manifestName]);
      await this.#locked('leases', () => this.#lease(id));
      const moved = await this.#moveIn(staging, folder);
      // What was written since the bytes were read, or lies here already, is read once more.
      if (!moved || (await stagedStampOf(folder, manifestName)) !== closed) await this.#replaceDamaged(staging, id);
      else this.#verified.set(nameOf(id), { stamp: await stampOf(folder), places: await this.#places(id) });
      await this.discard(staging);
      await this.#touch(folder);
      return { content: id.content, folder };
    });
  }

  /** All artefacts that are here, the longest unused first. */
  async entries(): Promise<readonly StoredEntry[]> {
    const found: StoredEntry[] = [];
    const digests = await readdir(join(this.root, 'artefacts')).catch(noneWhereAbsent);
    for (const digest of digests.filter((name) => sha256.safeParse(name).success))
      for (const content of await this.contents(digest)) {
        const folder = this.#folder({ digest, content });
        try {
          found.push({ digest, content, bytes: (await readManifest(folder)).bytes, used: (await stat(folder)).mtimeMs });
        } catch {
          // Without a readable manifest it is of no use to anybody: first to go.
          found.push({ digest, content, bytes: 0, used: 0 });
        }
      }
    return found.toSorted((a, b) => a.used - b.used);
  }

  /** Removes an artefact that nobody has leased. Whether it is gone by this. */
  removeUnused(id: StoredId): Promise<boolean> {
    return this.#locked('leases', async () => !(await this.#isLeased(id)) && (await this.#remove(id)));
  }

  /** One at a time among all jobs of the machine. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    return this.#locked('evict', work);
  }

  /** Free for this user on the device. */
  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.root);
    return bavail * bsize;
  }

  /** Gives up all leases, and those of processes that have ended, such as the ones that made what lies here. */
  async close(): Promise<void> {
    for (const name of [...this.#leases.keys()]) await this.#release(name);
    await removeAbandonedLeases(this.root);
  }

  #folder({ digest, content }: StoredId): string {
    return join(this.root, 'artefacts', checked(digest), checked(content));
  }

  async #refuse(id: StoredId, damage: string): Promise<never> {
    await this.#remove(id);
    await this.#release(nameOf(id));
    throw new GateError('store-corrupt', `The stored files ${id.digest.slice(0, 12)} were read. They are damaged: ${damage}.`, {
      where: this.#folder(id),
    });
  }

  #requireStaging(staging: string): void {
    if (dirname(dirname(staging)) !== join(this.root, 'staging'))
      throw new GateError('internal', 'A folder that is none of this store was to be taken over.', { where: staging });
  }

  async #isLeased(id: StoredId): Promise<boolean> {
    for (const name of await readdir(join(this.root, 'leases'))) {
      if (name.startsWith(nameOf(id)) && !(await isAbandoned(join(this.root, 'leases', name)))) return true;
    }
    return false;
  }

  async #lease(id: StoredId): Promise<void> {
    const name = nameOf(id);
    const lease = this.#leases.get(name) ?? newLease(join(this.root, 'leases'), name);
    this.#leases.set(name, lease);
    await lease;
  }

  async #release(name: string): Promise<void> {
    const lease = this.#leases.get(name);
    this.#leases.delete(name);
    if (lease !== undefined) await rm(await lease, { force: true });
  }

  /** Out of sight in one step, then removed. Whether it was there. */
  async #remove(id: StoredId): Promise<boolean> {
    this.#verified.delete(nameOf(id));
    const grave = await newStaging(join(this.root, 'staging'));
    try {
      await rename(this.#folder(id), join(grave, 'removed'));
      // Other contents of the digest may be here.
      await rmdir(dirname(this.#folder(id))).catch(() => {});
      return true;
    } catch (thrown) {
      if (errorCode(thrown) === 'ENOENT') return false;
      throw thrown;
    } finally {
      await this.discard(grave);
    }
  }

  /** False: there is such an artefact already. */
  async #moveIn(staging: string, folder: string): Promise<boolean> {
    for (;;) {
      await mkdir(dirname(folder), { recursive: true });
      try {
        await rename(staging, folder);
        return true;
      } catch (thrown) {
        if (errorCode(thrown) === 'ENOTEMPTY' || errorCode(thrown) === 'EEXIST') return false;
        // Another job removed the last content of this digest meanwhile.
        if (errorCode(thrown) !== 'ENOENT' || !(await exists(staging))) throw thrown;
      }
    }
  }

  /** Leaves an artefact as it is where it is whole; else puts the staged one in its place. */
  async #replaceDamaged(staging: string, id: StoredId): Promise<void> {
    if ((await findDamage(this.#folder(id), id)) !== null) {
      await this.#remove(id);
      if (await exists(staging)) await this.#moveIn(staging, this.#folder(id));
      await this.#locked('leases', () => this.#lease(id));
    }
    await this.verify(id);
  }

  async #touch(folder: string): Promise<void> {
    const seconds = this.#options.clock() / 1000;
    await utimes(folder, seconds, seconds).catch((error: unknown) => {
      // Another user's artefact can be used but not touched.
      if (errorCode(error) !== 'EPERM' && errorCode(error) !== 'ENOENT') throw error;
    });
  }

  async #locked<T>(name: string, work: () => Promise<T>): Promise<T> {
    const { clock, waitSeconds = 600, staleSeconds = 5 } = this.#options;
    const lock: HeldLock = await inStore(this.root, () =>
      takeLock(join(this.root, 'locks', `${name}.lock`), { clock, waitSeconds, staleSeconds }),
    );
    try {
      return await inStore(this.root, work);
    } finally {
      lock.release();
    }
  }
}

const nameOf = ({ digest, content }: StoredId): string => `${checked(digest)}-${checked(content)}`;

const noneWhereAbsent = (thrown: unknown): string[] => {
  if (errorCode(thrown) === 'ENOENT') return [];
  throw thrown;
};

/** Digests become file names: nothing else may. */
const checked = (value: string): string => {
  if (!sha256.safeParse(value).success)
    throw new GateError('internal', `${JSON.stringify(value.slice(0, 100))} cannot name anything in a store.`);
  return value;
};
