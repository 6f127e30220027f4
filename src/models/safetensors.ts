import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { z } from 'zod';
import { GateError } from '../errors.ts';
import { isLfsPointerFile, lfsPointer } from '../records/lfs-pointer.ts';

const widths = { U8: 1, I8: 1, BOOL: 1, U16: 2, I16: 2, F16: 2, BF16: 2, U32: 4, I32: 4, F32: 4, I64: 8, F64: 8 } as const;
export type SafetensorsType = keyof typeof widths;

export interface SafetensorsEntry {
  readonly type: SafetensorsType;
  readonly dims: readonly number[];
  /** Byte range in the file. */
  readonly start: number;
  readonly end: number;
}

/** An open safetensors file: its table of tensors, and positional reads. Close it. */
export interface Safetensors {
  readonly path: string;
  readonly entries: ReadonlyMap<string, SafetensorsEntry>;
  /** The bytes of a tensor, in a fresh buffer. Throws `model-invalid` when the name is unknown or the file has shrunk. */
  read(name: string): Uint8Array;
  close(): void;
}

/** The largest header read: the format's own limit is 100 MB; the largest known real one is below 10 MB. */
const headerLimit = 64 * 1024 * 1024;

const count = z.int().nonnegative();
const entrySchema = z.strictObject({
  dtype: z.enum(Object.keys(widths) as [SafetensorsType, ...SafetensorsType[]]),
  shape: z.array(count).max(16),
  data_offsets: z.tuple([count, count]),
});

const readFully = (file: number, length: number, position: number, path: string): Uint8Array => {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const read = readSync(file, bytes, at, Math.min(length - at, 1 << 30), position + at);
    if (read === 0)
      throw new GateError('model-invalid', `The weights were read. The file ends at byte ${position + at}, ${length - at} bytes early.`, {
        where: path,
      });
    at += read;
  }
  return bytes;
};

const readTable = (file: number, path: string): ReadonlyMap<string, SafetensorsEntry> => {
  const invalid = (message: string): GateError =>
    new GateError('model-invalid', `The weights were read. The file is not a valid one: ${message}.`, { where: path });
  if (isLfsPointerFile(path)) throw lfsPointer(path);
  const size = fstatSync(file).size;
  if (size < 8) throw invalid('it is shorter than its length field');
  const headerSize = new DataView(readFully(file, 8, 0, path).buffer).getBigUint64(0, true);
  if (headerSize > BigInt(Math.min(headerLimit, size - 8))) throw invalid(`the header claims ${headerSize} bytes of a file of ${size}`);
  const base = 8 + Number(headerSize);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(readFully(file, Number(headerSize), 8, path)));
  } catch (thrown) {
    if (thrown instanceof GateError) throw thrown;
    throw invalid('the header is not JSON');
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) throw invalid('the header is not a JSON object');
  const entries = new Map<string, SafetensorsEntry>();
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const parsed = entrySchema.safeParse(value);
    if (!parsed.success) throw invalid(`tensor ${JSON.stringify(name)}: ${parsed.error.issues[0]?.message ?? 'malformed entry'}`);
    const {
      dtype,
      shape,
      data_offsets: [from, to],
    } = parsed.data;
    const bytes = shape.reduce((product, dim) => product * dim, widths[dtype]);
    if (!Number.isSafeInteger(bytes) || to - from !== bytes)
      throw invalid(`tensor ${JSON.stringify(name)}: ${dtype} [${shape}] does not fill bytes ${from} to ${to}`);
    if (to > size - base) throw invalid(`tensor ${JSON.stringify(name)} ends ${to - (size - base)} bytes after the file`);
    entries.set(name, { type: dtype, dims: shape, start: base + from, end: base + to });
  }
  const ordered = [...entries].sort(([, a], [, b]) => a.start - b.start || a.end - b.end);
  let reached = base;
  for (const [name, entry] of ordered) {
    if (entry.start < reached) throw invalid(`tensor ${JSON.stringify(name)} overlaps another`);
    reached = entry.end;
  }
  return entries;
};

/**
 * Opens a safetensors file (format: a little-endian u64 header length, a JSON table, the data). The file is taken as hostile:
 * header size, types, shapes and byte ranges are checked before anything is read, and no two tensors may share bytes.
 * Throws `model-invalid`, naming the tensor.
 */
export const openSafetensors = (path: string): Safetensors => {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (cause) {
    throw new GateError('model-invalid', 'The weights were read. The file cannot be opened.', { where: path, cause });
  }
  try {
    const entries = readTable(file, path);
    return {
      path,
      entries,
      read: (name) => {
        const entry = entries.get(name);
        if (entry === undefined)
          throw new GateError('model-invalid', `The weights were read. Expected a tensor ${JSON.stringify(name)}, found none.`, {
            where: path,
          });
        return readFully(file, entry.end - entry.start, entry.start, path);
      },
      close: () => closeSync(file),
    };
  } catch (thrown) {
    closeSync(file);
    if (thrown instanceof GateError) throw thrown;
    throw new GateError('model-invalid', 'The weights were read. The file cannot be read to its end.', { where: path, cause: thrown });
  }
};
