import { createReadStream } from 'node:fs';
import { mkdir, open, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline, Readable } from 'node:stream';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { z } from 'zod';
import { CacheFailure } from './cache-failure.ts';

/**
 * The content of an entry: for each file one line of JSON and its bytes, then a line that says how many files there were; all of it
 * compressed with a check sum. Regular files only, so that reading one writes nothing but files below its folder.
 */
const fileLine = z.strictObject({
  path: z
    .string()
    .max(1024)
    .regex(/^(?!\/)(?!.*(?:^|\/)\.{0,2}(?:\/|$))[^\\\p{Cc}:]+$/u),
  bytes: z.int().nonnegative(),
  /** When it was used last, seconds since the epoch. */
  used: z.number().nonnegative().max(1e11),
});
const endLine = z.strictObject({ files: z.int().nonnegative() });
const line = z.union([fileLine, endLine]);

const MAX_LINE_BYTES = 4096;
const MAX_FILES = 100_000;
/** No entry that is saved comes near it: what unpacks to more is none. */
const MAX_BYTES = 4 * 2 ** 30;
/** What is sent at once. */
const PIECE_BYTES = 32 * 2 ** 20;
const NEWLINE = 0x0a;

/** A file to pack: its path below the folder, and when it was used last, seconds since the epoch. */
export interface PackedFile {
  readonly path: string;
  readonly used: number;
}

async function* packed(folder: string, files: readonly PackedFile[]): AsyncGenerator<Uint8Array> {
  for (const { path, used } of files) {
    const { size } = await stat(join(folder, path));
    yield Buffer.from(`${JSON.stringify({ path, bytes: size, used: Math.max(0, used) })}\n`);
    let read = 0;
    // A file that grows meanwhile is cut, one that shrinks ends the packing: the line before it told its size.
    if (size > 0)
      for await (const part of createReadStream(join(folder, path), { end: size - 1, highWaterMark: 2 ** 20 })) {
        read += (part as Buffer).length;
        yield part as Buffer;
      }
    if (read !== size) throw new CacheFailure('refused', `${path} changed while it was read`);
  }
  yield Buffer.from(`${JSON.stringify({ files: files.length })}\n`);
}

/** The files below a folder as the pieces of an entry, 32 MiB each but the last. Throws what the operating system says. */
export async function* pack(folder: string, files: readonly PackedFile[]): AsyncGenerator<Uint8Array> {
  const compress = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 } });
  const stream = pipeline(Readable.from(packed(folder, files), { objectMode: false }), compress, () => {});
  let parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of stream as AsyncIterable<Buffer>) {
    parts.push(part);
    bytes += part.length;
    if (bytes < PIECE_BYTES) continue;
    yield Buffer.concat(parts);
    parts = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(parts);
}

/** Reads lines and counted bytes from a stream of parts. */
const readerOf = (parts: AsyncIterator<Buffer>) => {
  let rest: Buffer = Buffer.alloc(0);
  const more = async (): Promise<boolean> => {
    const next = await parts.next();
    if (next.done === true) return false;
    rest = rest.length === 0 ? next.value : Buffer.concat([rest, next.value]);
    return true;
  };
  return {
    line: async (): Promise<string> => {
      for (;;) {
        const end = rest.indexOf(NEWLINE);
        if (end >= 0 && end <= MAX_LINE_BYTES) {
          const text = rest.subarray(0, end).toString('utf8');
          rest = rest.subarray(end + 1);
          return text;
        }
        if (rest.length > MAX_LINE_BYTES || !(await more()))
          throw new CacheFailure('damaged', 'its content is not of the gate or is cut off');
      }
    },
    take: async (most: number): Promise<Buffer> => {
      if (rest.length === 0 && !(await more())) throw new CacheFailure('damaged', 'its content is cut off');
      const taken = rest.subarray(0, most);
      rest = rest.subarray(taken.length);
      return taken;
    },
    isAtEnd: async (): Promise<boolean> => rest.length === 0 && !(await more()),
  };
};

const decoded = (text: string): z.infer<typeof line> => {
  try {
    return line.parse(JSON.parse(text));
  } catch {
    throw new CacheFailure('damaged', 'its content is not of the gate');
  }
};

/** A passed-on failure of the transfer stays what it was. */
const asDamage = (error: unknown): unknown => {
  if (error instanceof CacheFailure) return error;
  const code = String((error as { code?: unknown }).code ?? '');
  const damage =
    /^(ERR_ZSTD|ZSTD_|Z_|ERR_STREAM_PREMATURE_CLOSE)/.test(code) || /zstd|unexpected end/i.test(String((error as Error).message));
  return damage ? new CacheFailure('damaged', 'its content does not unpack', { cause: error }) : error;
};

/**
 * Writes the files of an entry below an empty folder. Throws a `CacheFailure` of kind `damaged` where the bytes are not what was packed
 * (cut off, changed, of something else), that of the transfer, or what the operating system says.
 */
export const unpack = async (content: AsyncIterable<Uint8Array>, folder: string): Promise<void> => {
  const stream = pipeline(Readable.from(content, { objectMode: false }), createZstdDecompress(), () => {});
  const reader = readerOf((stream as AsyncIterable<Buffer>)[Symbol.asyncIterator]());
  let files = 0;
  let total = 0;
  try {
    for (;;) {
      const next = decoded(await reader.line());
      if ('files' in next) {
        if (next.files !== files || !(await reader.isAtEnd())) throw new CacheFailure('damaged', 'its content is not whole');
        return;
      }
      files += 1;
      total += next.bytes;
      if (files > MAX_FILES || total > MAX_BYTES) throw new CacheFailure('damaged', 'its content is larger than any entry of the gate');
      const path = join(folder, next.path);
      await mkdir(dirname(path), { recursive: true });
      const file = await open(path, 'wx').catch((error: NodeJS.ErrnoException) => {
        throw ['EEXIST', 'ENOTDIR', 'EISDIR'].includes(error.code ?? '') ? new CacheFailure('damaged', 'it names a file twice') : error;
      });
      try {
        for (let left = next.bytes; left > 0; ) {
          const part = await reader.take(left);
          await file.writeFile(part);
          left -= part.length;
        }
      } finally {
        await file.close();
      }
      await utimes(path, next.used, next.used);
    }
  } catch (error) {
    throw asDamage(error);
  } finally {
    (stream as unknown as Readable).destroy();
  }
};
