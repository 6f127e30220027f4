import { link, mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { sha256 } from '../records/words.ts';
import { errorCode, exists, listRegularFiles, seal } from './disk.ts';
import { findDamage, manifestName, readManifest, type StoredId } from './manifest.ts';
import { digestOfRecords, type PlacedRecord, type RecordPart, readRecords, recordName, recordParts } from './record-files.ts';

/** A part of a store that can be kept elsewhere: an artefact (`artefacts/DIGEST/CONTENT`), or a record (`records/PART/KIND/KEY.json`). */
export interface StoredItem {
  readonly name: string;
  readonly kind: 'artefact' | 'record';
  readonly bytes: number;
  /** When it was used last, or written, seconds since the epoch. */
  readonly used: number;
  /** Paths of its files below the root of the store. */
  readonly files: readonly string[];
}

const namesIn = async (folder: string): Promise<readonly string[]> => {
  try {
    return (await readdir(folder)).sort();
  } catch (thrown) {
    if (errorCode(thrown) === 'ENOENT' || errorCode(thrown) === 'ENOTDIR') return [];
    throw thrown;
  }
};

/** What a store holds, by name. What cannot be read, or vanishes meanwhile, is left out. */
export const listItems = async (root: string): Promise<readonly StoredItem[]> => {
  const items: StoredItem[] = [];
  for (const id of await artefactsIn(root)) {
    const name = `artefacts/${id.digest}/${id.content}`;
    const folder = join(root, name);
    const manifest = await readManifest(folder).catch(() => null);
    const facts = await stat(folder).catch(() => null);
    if (manifest === null || facts === null) continue;
    const files = [manifestName, ...manifest.files.map(({ path }) => path)].map((path) => `${name}/${path}`);
    items.push({ name, kind: 'artefact', bytes: manifest.bytes, used: facts.mtimeMs / 1000, files });
  }
  for (const part of recordParts)
    for (const { kind, key, bytes, written } of await readRecords(root, part)) {
      const name = recordName({ part, kind, key });
      items.push({ name, kind: 'record', bytes, used: written / 1000, files: [name] });
    }
  return items;
};

const artefactsIn = async (root: string): Promise<readonly StoredId[]> => {
  const found: StoredId[] = [];
  for (const digest of await namesIn(join(root, 'artefacts')))
    for (const content of await namesIn(join(root, 'artefacts', digest)))
      if (sha256.safeParse(digest).success && sha256.safeParse(content).success) found.push({ digest, content });
  return found;
};

/** Puts items of a store into an empty folder of the same file system, from which `takeItems` takes them: the same files by another name. */
export const stageItems = async (items: readonly StoredItem[], root: string, folder: string): Promise<void> => {
  for (const { name, kind, used, files } of items) {
    for (const path of files) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await link(join(root, path), join(folder, path));
    }
    if (kind === 'artefact') await utimes(join(folder, name), used, used);
  }
};

export interface TakenItems {
  /** Names of what the store holds now, whether it held it before or not. */
  readonly taken: readonly string[];
  /** The records among them. */
  readonly records: readonly PlacedRecord[];
  /** Paths of what was no item, or not what its manifest says, and was left behind. */
  readonly refused: readonly string[];
}

/**
 * Moves the items below a folder of the store's own file system into it: artefacts of which every byte is as the manifest says, and the
 * records of one part, if `digest` is that of all of them. An artefact that the store holds already stays as it is.
 */
export const takeItems = async (folder: string, root: string, part: RecordPart, digest: string | null): Promise<TakenItems> => {
  const taken: string[] = [];
  const refused: string[] = [];
  // A link could name what lies elsewhere, and a pipe would never end.
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() || entry.isDirectory()) continue;
    const path = join(entry.parentPath, entry.name);
    await rm(path, { force: true });
    refused.push(relative(folder, path));
  }
  for (const id of await artefactsIn(folder)) {
    const name = `artefacts/${id.digest}/${id.content}`;
    const [from, to] = [join(folder, name), join(root, name)];
    if ((await findDamage(from, id)) !== null) {
      refused.push(name);
      await rm(from, { recursive: true });
      continue;
    }
    const { mtime } = await stat(from);
    await seal(from, await listRegularFiles(from));
    await utimes(from, mtime, mtime);
    await mkdir(dirname(to), { recursive: true });
    if (await exists(to)) await rm(from, { recursive: true });
    else await rename(from, to);
    taken.push(name);
  }
  const found = (await readRecords(folder, part)).map((record) => ({ ...record, part }));
  const records = digestOfRecords(found) === digest ? found : [];
  for (const record of records) {
    const name = recordName(record);
    await mkdir(dirname(join(root, name)), { recursive: true });
    await rename(join(folder, name), join(root, name));
    taken.push(name);
  }
  refused.push(...(await listRegularFiles(folder)));
  return { taken, records, refused };
};
