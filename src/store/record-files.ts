import { constants } from 'node:fs';
import { mkdir, open, readdir, rm, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { GateError } from '../errors.ts';
import { decodeDocument, digestOf, encodeDocument } from '../records/decode.ts';
import { type Immutable, type Json, jsonValue, nounId, sha256 } from '../records/words.ts';
import { errorCode, inStore, writeAtomically } from './disk.ts';

/** Who wrote a record, and so who believes it: docs/store.md has the table. */
export const recordParts = ['default-branch', 'changes', 'local'] as const;
export type RecordPart = (typeof recordParts)[number];

/** The parts that travel in the workflow cache. `local` is that of a developer's own machine. */
export const cachedParts = ['default-branch', 'changes'] as const satisfies readonly RecordPart[];

const maxRecordBytes = 16 * 1024 * 1024;
const envelope = z.strictObject({ kind: nounId, key: sha256, value: jsonValue });
export type RecordFile = Immutable<z.infer<typeof envelope>> & {
  readonly path: string;
  readonly bytes: number;
  /** When it was written, in milliseconds since the epoch. */
  readonly written: number;
};

/** A record, and where it belongs. */
export interface PlacedRecord {
  readonly part: RecordPart;
  readonly kind: string;
  readonly key: string;
  readonly value: Json;
}

/** The path of its file below the root of a store, with `/` on every system. */
export const recordName = ({ part, kind, key }: Omit<PlacedRecord, 'value'>): string => `records/${part}/${kind}/${key}.json`;

export const recordFolder = (root: string, part: RecordPart): string => join(root, 'records', part);

/** Where a record stands. Throws `internal` for a kind or key that is none: both become names. */
const recordPath = (root: string, part: RecordPart, kind: string, key: string): string => {
  if (!nounId.safeParse(kind).success || !sha256.safeParse(key).success)
    throw new GateError('internal', `${JSON.stringify([kind, key]).slice(0, 100)} cannot name a record.`);
  return join(recordFolder(root, part), kind, `${key}.json`);
};

/**
 * Writes a record; the last writer wins. Throws `disk-full` and `store-unwritable`.
 * @param written when it was written first, in milliseconds since the epoch; else now
 */
export const writeRecord = async (
  root: string,
  part: RecordPart,
  kind: string,
  key: string,
  value: Json,
  written: number | null = null,
): Promise<void> => {
  const path = recordPath(root, part, kind, key);
  await inStore(root, async () => {
    for (let tries = 1; ; tries += 1)
      try {
        await mkdir(dirname(path), { recursive: true });
        await writeAtomically(path, encodeDocument({ kind, key, value }));
        if (written !== null) await utimes(path, written / 1000, written / 1000);
        return;
      } catch (thrown) {
        // Another job that shares the store begins, and removes the folder.
        if (errorCode(thrown) !== 'ENOENT' || tries === 10) throw thrown;
      }
  });
};

/** All records of a part that can be read. What is damaged, a link, or named otherwise counts as absent. */
export const readRecords = async (root: string, part: RecordPart): Promise<readonly RecordFile[]> => {
  const found: RecordFile[] = [];
  for (const kind of await namesIn(recordFolder(root, part)))
    for (const name of await namesIn(join(recordFolder(root, part), kind))) {
      const record = await readRecord(join(recordFolder(root, part), kind, name));
      if (record !== null && record.kind === kind && `${record.key}.json` === name) found.push(record);
    }
  return found;
};

/** A digest of records, in whatever order they come. */
export const digestOfRecords = (records: Iterable<PlacedRecord>): string =>
  digestOf(
    [...records]
      .map(({ part, kind, key, value }) => JSON.stringify([part, kind, key, value]))
      .sort()
      .join('\n'),
  );

/** The same of all records that travel in the workflow cache, as they lie below a store's `root`. */
export const digestOfCached = async (root: string): Promise<string> => {
  const records = await Promise.all(cachedParts.map(async (part) => (await readRecords(root, part)).map((each) => ({ ...each, part }))));
  return digestOfRecords(records.flat());
};

/** Removes all records of a part. */
export const removeRecords = (root: string, part: RecordPart): Promise<void> =>
  inStore(root, () => rm(recordFolder(root, part), { recursive: true, force: true }));

const namesIn = async (folder: string): Promise<readonly string[]> => {
  try {
    return (await readdir(folder)).sort();
  } catch (thrown) {
    if (errorCode(thrown) === 'ENOENT' || errorCode(thrown) === 'ENOTDIR') return [];
    throw thrown;
  }
};

const readRecord = async (path: string): Promise<RecordFile | null> => {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(() => null);
  if (file === null) return null;
  try {
    const stats = await file.stat();
    if (!stats.isFile() || stats.size > maxRecordBytes) return null;
    const decoded = decodeDocument(envelope, await file.readFile('utf8'), path, maxRecordBytes);
    return { ...decoded, path, bytes: stats.size, written: stats.mtimeMs };
  } catch (thrown) {
    if (thrown instanceof GateError) return null;
    throw thrown;
  } finally {
    await file.close();
  }
};
