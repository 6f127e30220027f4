import type { z } from 'zod';
import { GateError } from '../errors.ts';
import { decodeValue } from '../records/decode.ts';
import type { Immutable, Json } from '../records/words.ts';
import { cachedParts, type PlacedRecord, type RecordPart, readRecords, recordName, removeRecords, writeRecord } from './record-files.ts';

/** Whose records a run believes, the more trusted first, and where it writes its own. */
export interface RecordTrust {
  readonly reads: readonly RecordPart[];
  readonly writes: RecordPart;
}

/**
 * The records that a run believes. All of them are read when the book is opened, which is before any
 * code under test runs. From then on the files are an output: what else appears among them is never
 * read.
 */
export interface RecordBook {
  /** A record by kind and key; null where there is none, or it does not fit. */
  read<S extends z.ZodType>(kind: string, key: string, schema: S): Immutable<z.infer<S>> | null;
  /** All records of a kind that fit. */
  all<S extends z.ZodType>(kind: string, schema: S): readonly Immutable<z.infer<S>>[];
  /** Takes a record into the book and writes it. Throws `disk-full` and `store-unwritable`. */
  write(kind: string, key: string, value: Json): Promise<void>;
  /**
   * Replaces the files of the parts that travel in the workflow cache by what the book holds. To be
   * called once all code under test has ended. A developer's own files stay as they are.
   */
  restore(): Promise<void>;
  /** Gives up records, which the files do not hold any more. */
  forget(records: readonly { readonly kind: string; readonly key: string }[]): void;
  /** The records of a part that the book holds, by the names of their files below the store's root. */
  held(part: RecordPart): ReadonlyMap<string, PlacedRecord>;
}

interface Entry extends PlacedRecord {
  /** When it was written, in milliseconds since the epoch; null: by this run. */
  readonly written: number | null;
}

/** Reads the records below a store's `root`. */
export const openRecordBook = async (root: string, { reads, writes }: RecordTrust): Promise<RecordBook> => {
  const held = new Map<string, Entry>();
  for (const part of reads.toReversed())
    for (const { kind, key, value, written } of await readRecords(root, part))
      held.set(`${kind} ${key}`, { kind, key, part, value, written });
  return {
    read: (kind, key, schema) => {
      const entry = held.get(`${kind} ${key}`);
      return entry === undefined ? null : fitting(schema, entry.value);
    },
    all: (kind, schema) =>
      [...held.values()].flatMap((entry) => {
        const value = entry.kind === kind ? fitting(schema, entry.value) : null;
        return value === null ? [] : [value];
      }),
    write: async (kind, key, value) => {
      await writeRecord(root, writes, kind, key, value);
      held.set(`${kind} ${key}`, { kind, key, part: writes, value, written: null });
    },
    restore: async () => {
      if (writes === 'local') return;
      for (const part of cachedParts) await removeRecords(root, part);
      for (const { kind, key, part, value, written } of held.values()) await writeRecord(root, part, kind, key, value, written);
    },
    forget: (records) => {
      for (const { kind, key } of records) held.delete(`${kind} ${key}`);
    },
    held: (part) => new Map([...held.values()].filter((entry) => entry.part === part).map((entry) => [recordName(entry), entry])),
  };
};

const fitting = <S extends z.ZodType>(schema: S, value: Json): Immutable<z.infer<S>> | null => {
  try {
    return decodeValue(schema, value, 'record');
  } catch (thrown) {
    if (thrown instanceof GateError) return null;
    throw thrown;
  }
};
