import { link, mkdir, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { decodeDocument } from '../records/decode.ts';
import { nounId, sha256 } from '../records/words.ts';
import { errorCode, exists, listRegularFiles, seal } from './disk.ts';
import { findDamage, manifestName, readManifest } from './manifest.ts';

const maxRecordBytes = 16 * 1024 * 1024;

/** A part of a store that can be kept elsewhere: an artefact (`artefacts/DIGEST`), or a record (`records/KIND/KEY.json`). */
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
  for (const digest of await namesIn(join(root, 'artefacts'))) {
    if (!sha256.safeParse(digest).success) continue;
    const name = `artefacts/${digest}`;
    const folder = join(root, name);
    const manifest = await readManifest(folder).catch(() => null);
    const facts = await stat(folder).catch(() => null);
    if (manifest === null || facts === null) continue;
    const files = [manifestName, ...manifest.files.map(({ path }) => path)].map((path) => `${name}/${path}`);
    items.push({ name, kind: 'artefact', bytes: manifest.bytes, used: facts.mtimeMs / 1000, files });
  }
  for (const name of await recordsBelow(root, 'records')) {
    const facts = recordKey(name) === null ? null : await stat(join(root, name)).catch(() => null);
    if (facts?.isFile() === true) items.push({ name, kind: 'record', bytes: facts.size, used: facts.mtimeMs / 1000, files: [name] });
  }
  return items;
};

/** Paths of the files below the folders of records, however they are divided. */
const recordsBelow = async (root: string, folder: string): Promise<readonly string[]> => {
  const found = await Promise.all(
    (await namesIn(join(root, folder))).map((name) =>
      nounId.safeParse(name).success && !name.endsWith('.json') ? recordsBelow(root, `${folder}/${name}`) : [`${folder}/${name}`],
    ),
  );
  return found.flat();
};

/** The key that the path of a record holds; null for what is none. */
const recordKey = (path: string): string | null => {
  const [, key = ''] = /^records\/(?:[^/]+\/)+([^/]+)\.json$/.exec(path) ?? [];
  return sha256.safeParse(key).success ? key : null;
};

/** Whether a record is one, and of the key that its name says. What its value must be, its reader knows. */
const isRecord = async (path: string, key: string): Promise<boolean> => {
  try {
    decodeDocument(z.looseObject({ key: z.literal(key), value: z.unknown() }), await readFile(path, 'utf8'), path, maxRecordBytes);
    return true;
  } catch {
    return false;
  }
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
  /** Paths of what was no item, or not what its manifest says, and was left behind. */
  readonly refused: readonly string[];
}

/**
 * Moves the items below a folder of the store's own file system into it, each after every byte was checked against its manifest. What the
 * store holds already stays as it is.
 */
export const takeItems = async (folder: string, root: string): Promise<TakenItems> => {
  const taken: string[] = [];
  const refused: string[] = [];
  const move = async (name: string): Promise<void> => {
    await mkdir(dirname(join(root, name)), { recursive: true });
    if (!(await exists(join(root, name)))) await rename(join(folder, name), join(root, name));
    taken.push(name);
  };
  // A link could name what lies elsewhere, and a pipe would never end.
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() || entry.isDirectory()) continue;
    const path = join(entry.parentPath, entry.name);
    await rm(path, { force: true });
    refused.push(path.slice(folder.length + 1));
  }
  for (const part of await namesIn(folder)) if (part !== 'artefacts' && part !== 'records') refused.push(part);
  for (const digest of await namesIn(join(folder, 'artefacts'))) {
    const name = `artefacts/${digest}`;
    const from = join(folder, name);
    if (!sha256.safeParse(digest).success || (await findDamage(from, digest)) !== null) {
      refused.push(name);
      continue;
    }
    const { mtime } = await stat(from);
    await seal(from, await listRegularFiles(from));
    await utimes(from, mtime, mtime);
    await move(name);
  }
  for (const name of await recordsBelow(folder, 'records')) {
    const key = recordKey(name);
    if (key !== null && (await isRecord(join(folder, name), key))) await move(name);
    else refused.push(name);
  }
  return { taken, refused };
};
