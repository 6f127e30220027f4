import { rm } from 'node:fs/promises';
import { z } from 'zod';
import { sha256 } from '../records/words.ts';
import { inStore } from './disk.ts';
import { type RecordFile, readRecords, recordParts } from './record-files.ts';
import type { Store, StoredEntry } from './store.ts';

export interface StoreLimits {
  /** Of artefacts and records together. */
  readonly maxBytes: number;
  /** What the file system has left for others. */
  readonly minFreeBytes: number;
}

export interface Evicted {
  /** Digests of the artefacts that were removed, in the order of their removal. */
  readonly removed: readonly string[];
  readonly records: readonly { readonly kind: string; readonly key: string }[];
  readonly freedBytes: number;
  readonly keptBytes: number;
}

/** A record that names an artefact: without that it is of no use. */
const namingRecord = z.looseObject({ artefact: sha256, content: sha256 });
const namedBy = ({ value }: RecordFile): string | null => {
  const named = namingRecord.safeParse(value);
  return named.success ? `${named.data.artefact} ${named.data.content}` : null;
};

/**
 * Removes what a store can do without until it keeps to its limits: artefacts that no record names,
 * then those that one does, with that record, then other records; in each the longest unused first.
 * What any running job uses stays.
 */
export const evict = (store: Store, { maxBytes, minFreeBytes }: StoreLimits): Promise<Evicted> =>
  store.alone(async () => {
    const records = (await Promise.all(recordParts.map((part) => readRecords(store.root, part)))).flat();
    const entries = await store.entries();
    let kept = [...records, ...entries].reduce((sum, { bytes }) => sum + bytes, 0);
    const before = kept;
    const isOver = async (): Promise<boolean> => kept > maxBytes || (await store.freeBytes()) < minFreeBytes;
    const left = new Set(records);
    const drop = async (some: Iterable<RecordFile>): Promise<void> => {
      for (const record of some) {
        await inStore(store.root, () => rm(record.path, { force: true }));
        left.delete(record);
        kept -= record.bytes;
      }
    };
    const naming = Map.groupBy(records, namedBy);
    const namesOf = ({ digest, content }: StoredEntry): readonly RecordFile[] => naming.get(`${digest} ${content}`) ?? [];
    const removed: string[] = [];
    for (const entry of entries.toSorted((a, b) => Number(namesOf(a).length > 0) - Number(namesOf(b).length > 0))) {
      if (!(await isOver())) break;
      if (!(await store.removeUnused(entry))) continue;
      kept -= entry.bytes;
      removed.push(entry.digest);
      await drop(namesOf(entry));
    }
    const here = new Set((await store.entries()).map(({ digest, content }) => `${digest} ${content}`));
    await drop([...left].filter((record) => namedBy(record) !== null && !here.has(namedBy(record) ?? '')));
    for (const record of [...left].filter((each) => namedBy(each) === null).toSorted((a, b) => a.written - b.written)) {
      if (!(await isOver())) break;
      await drop([record]);
    }
    const dropped = records.filter((record) => !left.has(record)).map(({ kind, key }) => ({ kind, key }));
    return { removed, records: dropped, freedBytes: before - kept, keptBytes: kept };
  });
