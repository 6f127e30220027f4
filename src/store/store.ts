import { mkdir, readdir, readFile, rename, rm, stat, statfs, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { GateError } from '../errors.ts';
import { decodeDocument, decodeValue, encodeDocument } from '../records/decode.ts';
import { type HeldLock, takeLock } from '../records/lock-file.ts';
import { type Immutable, type Json, nounId, sha256 } from '../records/words.ts';
import { errorCode, exists, listRegularFiles, onDisk, seal, unshare, writeAtomically } from './disk.ts';
import { type ArtefactManifest, describeFolder, findDamage, manifestName, readManifest } from './manifest.ts';
import { isAbandoned, newLease, newStaging, removeAbandoned } from './staging.ts';

/** The folders of every store. */
export const storeFolders = ['artefacts', 'records', 'staging', 'leases', 'locks'] as const;

const maxRecordBytes = 16 * 1024 * 1024;

export interface StoreOptions {
  /** Milliseconds since the epoch, as file times are. */
  readonly clock: () => number;
  /** How long to wait for another job's lock; 600 unless told. */
  readonly waitSeconds?: number;
  /** After how long the lock of a dead process is broken; 5 unless told. */
  readonly staleSeconds?: number;
}

export interface Evicted {
  readonly removed: readonly string[];
  readonly freedBytes: number;
  /** Bytes of artefacts that stay. */
  readonly keptBytes: number;
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

/** Opens (and creates) a store, and removes what crashed processes left in it. */
export const openStore = async (root: string, options: StoreOptions): Promise<Store> => {
  await onDisk(root, async () => {
    for (const folder of storeFolders) await mkdir(join(root, folder), { recursive: true });
    await removeAbandoned(join(root, 'staging'));
    for (const name of await readdir(join(root, 'leases'))) {
      if (await isAbandoned(join(root, 'leases', name))) await rm(join(root, 'leases', name), { force: true });
    }
  });
  return new Store(root, options);
};

/**
 * Folders of files named by a digest, and small records named by a key, shared by all jobs of a machine. An artefact is complete
 * or absent, read-only, and verified at its first use by this object. What this object handed out is leased: no
 * eviction removes it before `close` or the end of the process.
 */
export class Store {
  readonly root: string;
  readonly #options: StoreOptions;
  readonly #verified = new Set<string>();
  readonly #leases = new Map<string, string>();

  constructor(root: string, options: StoreOptions) {
    this.root = root;
    this.#options = options;
  }

  /** An empty folder in the store's file system, for `addArtefact`; removed at the next opening when this process dies. */
  staging(): Promise<string> {
    return onDisk(this.root, () => newStaging(join(this.root, 'staging')));
  }

  /** Gives up a staging folder. */
  async discard(staging: string): Promise<void> {
    this.#requireStaging(staging);
    await rm(dirname(staging), { recursive: true, force: true });
  }

  /** Folder of an artefact, leased and verified; null when it is not here. Throws `store-corrupt` when it was damaged; it is removed then. */
  async artefact(digest: string): Promise<string | null> {
    const folder = this.#folder(digest);
    const present = await this.#locked('leases', async () => {
      if (!(await exists(folder))) return false;
      await this.#lease(digest);
      return true;
    });
    if (!present) return null;
    if (!this.#verified.has(digest)) {
      const damage = await findDamage(folder, digest);
      if (damage !== null) await this.#refuse(digest, damage);
      this.#verified.add(digest);
    }
    await this.#touch(folder);
    return folder;
  }

  /**
   * Reads every file of an artefact once more, whenever it was verified before: for after foreign code ran beside the store. Throws
   * `store-corrupt` when it is damaged or gone; what is damaged is removed.
   */
  async verify(digest: string): Promise<void> {
    const damage = await findDamage(this.#folder(digest), digest);
    if (damage !== null) await this.#refuse(digest, damage);
  }

  /** Manifest of an artefact that is here, else null. */
  async manifest(digest: string): Promise<ArtefactManifest | null> {
    const folder = await this.artefact(digest);
    return folder === null ? null : readManifest(folder);
  }

  /**
   * Moves the files of a staging folder into the store under a digest that their maker computed, with `about` in the manifest. When
   * the artefact is here already the staged files are dropped. A file that has a name (a hard link) outside the store is
   * copied: under that name it could be changed. Returns its folder, leased. Throws `build-no-output` for
   * an empty folder, links and special files; `disk-full`.
   */
  async addArtefact(staging: string, digest: string, about: Json): Promise<string> {
    this.#requireStaging(staging);
    const folder = this.#folder(digest);
    return onDisk(this.root, async () => {
      await unshare(staging, await listRegularFiles(staging), [join(this.root, 'artefacts'), join(this.root, 'staging')]);
      const manifest = await describeFolder(staging, digest, about);
      await writeFile(join(staging, manifestName), encodeDocument(manifest));
      await seal(staging, [...manifest.files.map((file) => file.path), manifestName]);
      await this.#locked('leases', () => this.#lease(digest));
      while (!(await this.#moveIn(staging, folder))) {
        if (this.#verified.has(digest) || (await findDamage(folder, digest)) === null) break;
        await this.#remove(digest);
      }
      this.#verified.add(digest);
      await this.discard(staging);
      await this.#touch(folder);
      return folder;
    });
  }

  /** A record of some kind (`build`, `evaluation`, …), or null when there is none or it does not fit: then it is removed. */
  async record<S extends z.ZodType>(kind: string, key: string, schema: S): Promise<Immutable<z.infer<S>> | null> {
    const path = this.#recordPath(kind, key);
    const envelope = z.strictObject({ key: z.literal(key), value: z.unknown() });
    try {
      return decodeValue(schema, decodeDocument(envelope, await readFile(path, 'utf8'), path, maxRecordBytes).value, path);
    } catch (thrown) {
      if (thrown instanceof GateError) await rm(path, { force: true });
      else if (errorCode(thrown) !== 'ENOENT') throw thrown;
      return null;
    }
  }

  /** Writes a record; the last writer wins. */
  async putRecord(kind: string, key: string, value: Json): Promise<void> {
    const path = this.#recordPath(kind, key);
    await onDisk(this.root, async () => {
      await mkdir(dirname(path), { recursive: true });
      await writeAtomically(path, encodeDocument({ key, value }));
    });
  }

  /**
   * Removes artefacts that nobody has leased, the longest unused first, until they take at most `maxBytes` and the file system has at
   * least `minFreeBytes` free.
   */
  async evict(limits: { readonly maxBytes: number; readonly minFreeBytes: number }): Promise<Evicted> {
    return this.#locked('evict', async () => {
      const entries = await this.#entries();
      let kept = entries.reduce((sum, entry) => sum + entry.bytes, 0);
      let freed = 0;
      const removed: string[] = [];
      for (const entry of entries.toSorted((a, b) => a.used - b.used)) {
        const { bavail, bsize } = await statfs(this.root);
        if (kept <= limits.maxBytes && bavail * bsize >= limits.minFreeBytes) break;
        const gone = await this.#locked('leases', async () => !(await this.#isLeased(entry.digest)) && (await this.#remove(entry.digest)));
        if (!gone) continue;
        kept -= entry.bytes;
        freed += entry.bytes;
        removed.push(entry.digest);
      }
      return { removed, freedBytes: freed, keptBytes: kept };
    });
  }

  /** Gives up all leases. */
  async close(): Promise<void> {
    for (const digest of [...this.#leases.keys()]) await this.#release(digest);
  }

  #folder(digest: string): string {
    return join(this.root, 'artefacts', checked(sha256, digest));
  }

  async #refuse(digest: string, damage: string): Promise<never> {
    await this.#remove(digest);
    await this.#release(digest);
    throw new GateError('store-corrupt', `artefact ${digest.slice(0, 12)}: ${damage}`, { where: this.#folder(digest) });
  }

  #recordPath(kind: string, key: string): string {
    return join(this.root, 'records', checked(nounId, kind), `${checked(sha256, key)}.json`);
  }

  #requireStaging(staging: string): void {
    if (dirname(dirname(staging)) !== join(this.root, 'staging'))
      throw new GateError('internal', 'not a staging folder of this store', { where: staging });
  }

  async #entries(): Promise<readonly { readonly digest: string; readonly bytes: number; readonly used: number }[]> {
    const found: { digest: string; bytes: number; used: number }[] = [];
    for (const digest of await readdir(join(this.root, 'artefacts'))) {
      if (!sha256.safeParse(digest).success) continue;
      const folder = this.#folder(digest);
      try {
        found.push({ digest, bytes: (await readManifest(folder)).bytes, used: (await stat(folder)).mtimeMs });
      } catch {
        // Without a readable manifest it is of no use to anybody: first to go.
        found.push({ digest, bytes: 0, used: 0 });
      }
    }
    return found;
  }

  async #isLeased(digest: string): Promise<boolean> {
    for (const name of await readdir(join(this.root, 'leases'))) {
      if (name.startsWith(digest) && !(await isAbandoned(join(this.root, 'leases', name)))) return true;
    }
    return false;
  }

  async #lease(digest: string): Promise<void> {
    if (this.#leases.has(digest)) return;
    const holder = await newLease(join(this.root, 'leases'), digest);
    this.#leases.set(digest, holder);
  }

  async #release(digest: string): Promise<void> {
    const path = this.#leases.get(digest);
    this.#leases.delete(digest);
    if (path !== undefined) await rm(path, { force: true });
  }

  /** Out of sight in one step, then removed. Whether it was there. */
  async #remove(digest: string): Promise<boolean> {
    this.#verified.delete(digest);
    const grave = await newStaging(join(this.root, 'staging'));
    try {
      await rename(this.#folder(digest), join(grave, 'removed'));
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
    try {
      await rename(staging, folder);
      return true;
    } catch (thrown) {
      if (errorCode(thrown) === 'ENOTEMPTY' || errorCode(thrown) === 'EEXIST') return false;
      throw thrown;
    }
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
    const lock: HeldLock = await onDisk(this.root, () =>
      takeLock(join(this.root, 'locks', `${name}.lock`), { clock, waitSeconds, staleSeconds }),
    );
    try {
      return await work();
    } finally {
      lock.release();
    }
  }
}

/** Keys and digests become file names: nothing else may. */
const checked = (schema: z.ZodType<string>, value: string): string => {
  if (!schema.safeParse(value).success)
    throw new GateError('internal', `${JSON.stringify(value.slice(0, 100))} cannot name anything in a store`);
  return value;
};
