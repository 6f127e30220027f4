import { closeSync, openSync, readSync } from 'node:fs';

const headerBytes = 64;
const segmentBytes = 56;
const entryBytes = 16;
/** Far above what any library has; a damaged file may say more. */
const largestTable = 4 * 2 ** 20;

/** Types of segments, and tags of entries, as in `elf.h`. */
const types = { load: 1, dynamic: 2 } as const;
const tags = { needed: 1n, strings: 5n, stringBytes: 10n } as const;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly bytes: number;
}

/**
 * Names of the libraries that the system's loader loads with a library or a program (`DT_NEEDED`), such
 * as `libm.so.6`. None of a file that is not ELF of 64 bits, little-endian, or that is not there.
 */
export const neededLibraries = (path: string): readonly string[] => {
  try {
    const file = openSync(path, 'r');
    try {
      return neededIn((position, bytes) => read(file, position, bytes));
    } finally {
      closeSync(file);
    }
  } catch {
    return [];
  }
};

type Read = (position: number, bytes: number) => Buffer;

const read = (file: number, position: number, bytes: number): Buffer => {
  const buffer = Buffer.alloc(Math.min(bytes, largestTable));
  return buffer.subarray(0, readSync(file, buffer, 0, buffer.length, position));
};

const neededIn = (at: Read): readonly string[] => {
  const header = at(0, headerBytes);
  if (header.toString('latin1', 0, 6) !== '\x7fELF\x02\x01') return [];
  const segments = segmentsOf(at(Number(header.readBigUInt64LE(32)), header.readUInt16LE(56) * segmentBytes));
  const dynamic = segments.find(({ type }) => type === types.dynamic);
  if (dynamic === undefined) return [];
  const entries = entriesOf(at(dynamic.offset, dynamic.bytes));
  const numberAt = (tag: bigint): number => Number(entries.find((entry) => entry.tag === tag)?.value ?? 0n);
  const address = numberAt(tags.strings);
  const loaded = segments.find((each) => each.type === types.load && address >= each.address && address < each.address + each.bytes);
  if (loaded === undefined) return [];
  const strings = at(loaded.offset + address - loaded.address, numberAt(tags.stringBytes));
  return entries.flatMap(({ tag, value }) => {
    if (tag !== tags.needed) return [];
    const begin = Number(value);
    return [strings.toString('latin1', begin, strings.indexOf(0, begin))];
  });
};

const segmentsOf = (table: Buffer): readonly Segment[] =>
  Array.from({ length: Math.floor(table.length / segmentBytes) }, (_, index) => {
    const at = index * segmentBytes;
    const wide = (offset: number): number => Number(table.readBigUInt64LE(at + offset));
    return { type: table.readUInt32LE(at), offset: wide(8), address: wide(16), bytes: wide(32) };
  });

const entriesOf = (table: Buffer): readonly { readonly tag: bigint; readonly value: bigint }[] =>
  Array.from({ length: Math.floor(table.length / entryBytes) }, (_, index) => ({
    tag: table.readBigUInt64LE(index * entryBytes),
    value: table.readBigUInt64LE(index * entryBytes + 8),
  }));
