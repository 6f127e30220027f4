import { closeSync, openSync, readSync, realpathSync, type Stats, statSync } from 'node:fs';
import { isAbsolute, join, posix, relative, sep, win32 } from 'node:path';
import { GateError } from '../errors.ts';
import { isLfsPointerFile, lfsPointer } from '../records/lfs-pointer.ts';
import type { TensorProto } from './proto/onnx_pb.js';

const externalLocation = 1;

/** Where the bytes of a tensor lie outside its graph; offset and length in bytes. */
export interface ExternalRange {
  /** Relative to the folder of the graph, with `/`; one way of writing it per file. */
  readonly location: string;
  /** The location as it stands in the graph. */
  readonly written: string;
  readonly offset: number;
  readonly length: number;
}

export const isExternal = (tensor: TensorProto): boolean => tensor.dataLocation === externalLocation;

/**
 * What ONNX says of external data. ONNX Runtime refuses other keys but `prepacked…`, under which it finds weights that it computes
 * with in place of the tensor's own.
 */
const knownKeys: ReadonlySet<string> = new Set(['location', 'offset', 'length', 'checksum']);

const refuse = (label: string, message: string, cause?: unknown): GateError =>
  new GateError('onnx-external-data', `The external data of tensor ${JSON.stringify(label)} was read. It is not valid: ${message}.`, {
    cause,
  });

const wholeNumber = (text: string, key: string, label: string): number => {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw refuse(label, `external ${key} ${JSON.stringify(text.slice(0, 40))} is not a byte count`);
  return value;
};

/**
 * The external reference of a tensor that needs `bytes` bytes. A missing offset is 0, a missing length is `bytes` (onnx ExternalData.md).
 * Throws `onnx-external-data` when the location is no relative path inside the folder, or the length is another than the shape says.
 */
export const externalRange = (tensor: TensorProto, bytes: number, label: string = tensor.name): ExternalRange => {
  const entries = new Map(tensor.externalData.map((entry) => [entry.key, entry.value]));
  if (entries.size !== tensor.externalData.length) throw refuse(label, 'an external key is given twice');
  const other = tensor.externalData.find(({ key }) => !knownKeys.has(key));
  if (other !== undefined)
    throw refuse(label, `external key ${JSON.stringify(other.key.slice(0, 40))} where one of ${[...knownKeys].join(', ')} is expected`);
  const written = entries.get('location') ?? '';
  const location = plainLocation(written, label);
  const offset = wholeNumber(entries.get('offset') ?? '0', 'offset', label);
  const length = wholeNumber(entries.get('length') ?? String(bytes), 'length', label);
  if (length !== bytes) throw refuse(label, `external length ${length} where the shape needs ${bytes} bytes`);
  return { location, written, offset, length };
};

/** The path without `.`, empty parts and `a/..`, which name the same file for the runtime. */
const plainLocation = (location: string, label: string): string => {
  const shown = JSON.stringify(location.slice(0, 200));
  if (location === '') throw refuse(label, 'external data without a location');
  // `*/…` is how ONNX Runtime marks addresses in its own memory: such a location must never reach it.
  if (/[\0\\*]/.test(location)) throw refuse(label, `external location ${shown} holds a character that no location may have`);
  if (!location.isWellFormed()) throw refuse(label, `external location ${shown} is not UTF-8: rename the data file`);
  if (isAbsolute(location) || win32.isAbsolute(location) || /^[a-z]:/i.test(location)) {
    throw refuse(label, `external location ${shown} is an absolute path`);
  }
  const plain = posix.normalize(location);
  if (plain === '.' || plain.endsWith('/') || plain === '..' || plain.startsWith('../'))
    throw refuse(label, `external location ${shown} is not a file inside the folder of the model`);
  return plain;
};

/** A data file that was found inside the folder of its model. */
export interface DataFile {
  /** Without links. */
  readonly path: string;
  readonly size: number;
}

/**
 * The regular file behind a location. Links are followed only while they stay inside `folder`.
 * Throws `onnx-external-data` for a missing file, one outside the folder, one that is no regular file, and for a location that
 * goes up from behind a link: the system and whoever shortens the path find other files there. Throws `lfs-pointer` where Git LFS
 * left a pointer in its place.
 */
export const dataFile = (folder: string, { location, written }: Pick<ExternalRange, 'location' | 'written'>, label: string): DataFile => {
  const found = attempt(label, written, () => ({
    root: realpathSync.native(folder),
    path: realpathSync.native(join(folder, location)),
    // Not joined: that would shorten the path before the system sees it.
    opened: realpathSync.native(`${folder === '' ? '.' : folder}/${written}`),
  }));
  if (found.opened !== found.path) throw refuse(label, `external location ${JSON.stringify(written)} goes up from behind a link`);
  const inside = relative(found.root, found.path);
  if (inside === '' || inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
    throw refuse(label, `external file ${JSON.stringify(location)} lies outside the folder of the model`);
  }
  const stats: Stats = attempt(label, location, () => statSync(found.path));
  if (!stats.isFile()) throw refuse(label, `external file ${JSON.stringify(location)} is not a regular file`);
  if (isLfsPointerFile(found.path)) throw lfsPointer(location);
  return { path: found.path, size: stats.size };
};

const attempt = <T>(label: string, location: string, action: () => T): T => {
  try {
    return action();
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable';
    throw refuse(label, `external file ${JSON.stringify(location)} cannot be opened (${code})`, cause);
  }
};

/** Refuses a range that ends behind the end of its file. */
export const checkRange = (file: DataFile, range: ExternalRange, label: string): void => {
  if (range.offset + range.length > file.size) {
    throw refuse(label, `bytes ${range.offset} to ${range.offset + range.length} of ${range.location}, which has only ${file.size}`);
  }
};

/**
 * Reads a range in pieces of at most `pieceBytes` (1 MiB unless told), handing each to `visit` (the buffer is reused).
 * Throws `onnx-external-data` when the file is shorter than the range.
 */
export const visitRange = (
  folder: string,
  range: ExternalRange,
  label: string,
  visit: (piece: Uint8Array, at: number) => void,
  pieceBytes = 1 << 20,
): void => {
  const file = dataFile(folder, range, label);
  checkRange(file, range, label);
  const buffer = new Uint8Array(Math.min(pieceBytes, range.length));
  const descriptor = attempt(label, range.location, () => openSync(file.path, 'r'));
  try {
    for (let at = 0; at < range.length; ) {
      const wanted = Math.min(buffer.length, range.length - at);
      const got = attempt(label, range.location, () => readSync(descriptor, buffer, 0, wanted, range.offset + at));
      if (got === 0) throw refuse(label, `external file ${range.location} ended early`);
      visit(buffer.subarray(0, got), at);
      at += got;
    }
  } finally {
    closeSync(descriptor);
  }
};

const room = (length: number, label: string): Uint8Array => {
  try {
    return new Uint8Array(length);
  } catch (cause) {
    throw refuse(label, `${length} bytes are more than a process can hold at once`, cause);
  }
};

/** All bytes of a range, by positional reads (also beyond 2 GiB into the file). */
export const readRange = (folder: string, range: ExternalRange, label: string): Uint8Array => {
  // Before anything is allocated: a hostile length must not become an allocation.
  checkRange(dataFile(folder, range, label), range, label);
  const bytes = room(range.length, label);
  visitRange(folder, range, label, (piece, at) => bytes.set(piece, at), 1 << 24);
  return bytes;
};
