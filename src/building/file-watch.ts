import { createHash } from 'node:crypto';
import { constants, lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { digestInMemory } from '../records/file-in-memory.ts';

/** What some files held when the watch began. */
export interface FileWatch {
  /**
   * Those of the files that hold something else now, are gone, or were added. Contents are read only
   * where something was done to a file since they were read last.
   */
  changed(): Promise<readonly string[]>;
  /**
   * The same, and those whose rights or time of writing are others: tools such as make decide by that
   * time. The time of the last read may be another one.
   */
  altered(): Promise<readonly string[]>;
  /** The same, and those that something was done to, whatever they hold now. Reads no file but those in memory. */
  touched(): readonly string[];
  /**
   * Those of the files that hold something else now, are gone, or were added. Reads all of them: some
   * file systems exchange blocks of two files, and leave all times of both.
   */
  reread(): Promise<readonly string[]>;
  /** A watch that begins now. */
  again(list: () => readonly string[]): Promise<FileWatch>;
}

interface Known {
  /** Changes with all that is done to the file: the system sets the time of the last change itself. */
  readonly signature: string;
  /** The same but for that time, which a new time of the last read changes too. */
  readonly standing: string;
  readonly digest: string;
}

/** @param list the files that there are, each time it is asked */
export const watchFiles = (list: () => readonly string[]): Promise<FileWatch> => watchSince(list, new Map());

/** @param earlier what is known of the files */
const watchSince = async (list: () => readonly string[], earlier: ReadonlyMap<string, Known>): Promise<FileWatch> => {
  const known = new Map<string, Known>();
  for (const file of list()) {
    const { signature, standing } = stateOf(file);
    const before = earlier.get(file);
    known.set(file, before?.signature === signature ? before : { signature, standing, digest: await digestOfFile(file) });
  }
  /** @param isOther whether a file counts, whatever it holds */
  const changedBy = async (isOther: (before: Known, standing: string) => boolean): Promise<readonly string[]> => {
    const now = list();
    const there = new Set(now);
    const changed = [...known.keys()].filter((file) => !there.has(file));
    for (const file of now) {
      const before = known.get(file);
      const { signature, standing } = stateOf(file);
      if (before?.signature === signature) continue;
      if (before === undefined || isOther(before, standing) || (await digestOfFile(file)) !== before.digest) changed.push(file);
      else known.set(file, { ...before, signature, standing });
    }
    return changed;
  };
  return {
    changed: () => changedBy(() => false),
    altered: () => changedBy((before, standing) => before.standing !== standing),
    touched: () => {
      const now = list();
      const there = new Set(now);
      const changed = [...known.keys()].filter((file) => !there.has(file));
      return [...changed, ...now.filter((file) => known.get(file)?.signature !== stateOf(file).signature)];
    },
    reread: async () => {
      const now = list();
      const there = new Set(now);
      const changed = [...known.keys()].filter((file) => !there.has(file));
      for (const file of now) if ((await digestOfFile(file)) !== known.get(file)?.digest) changed.push(file);
      return changed;
    },
    again: (next) => watchSince(next, known),
  };
};

const stateOf = (path: string): Pick<Known, 'signature' | 'standing'> => {
  const file = onDisk(path);
  const stats = lstatSync(file, { bigint: true, throwIfNoEntry: false });
  if (stats === undefined) return { signature: 'gone', standing: 'gone' };
  const { dev, ino, mode, size, mtimeNs, ctimeNs } = stats;
  // Git writes in its own folder.
  const isGits = basename(path) === '.git' && stats.isDirectory();
  const standing = (isGits ? [dev, ino, mode] : [dev, ino, mode, size, mtimeNs]).join(' ');
  return { standing, signature: isGits ? standing : [standing, ctimeNs, digestInMemory(file, stats)].join(' ') };
};

/** The runtime and Node itself are some 250 MB: in the chunks of a stream, of 64 KiB, reading them takes several times as long. */
const chunkBytes = 2 ** 20;

/** Of its kind, whether it may be run, and its content: for a link where it leads. */
const digestOfFile = async (path: string): Promise<string> => {
  const file = onDisk(path);
  const stats = lstatSync(file, { throwIfNoEntry: false });
  const hash = createHash('sha256');
  if (stats?.isSymbolicLink() === true) return hash.update('link ').update(readlinkSync(file, 'buffer')).digest('hex');
  if (stats?.isFile() !== true) return 'no file';
  hash.update(stats.mode & 0o111 ? 'program ' : 'file ');
  const opened = await openUnnoticed(file);
  try {
    const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, stats.size + 1));
    for (;;) {
      const { bytesRead } = await opened.read(chunk);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(chunk.subarray(0, bytesRead));
    }
  } finally {
    await opened.close();
  }
};

/** Without a new access time, which tells what the code under test has read; that takes its owner. */
const openUnnoticed = (file: string | Buffer): Promise<FileHandle> =>
  open(file, constants.O_RDONLY | (constants.O_NOATIME ?? 0)).catch(() => open(file, constants.O_RDONLY));

/**
 * All files and links below a folder, but for those in folders `.git`; none where there is no folder.
 * Of a name that is no UTF-8, each byte above 127 stands as U+DC00 plus the byte.
 */
export const filesBelow = (folder: string): readonly string[] =>
  entriesBelow(folder).flatMap(({ path, isFolder }) => (isFolder ? [] : [path]));

/** The same with all folders. */
export const filesAndFoldersBelow = (folder: string): readonly string[] => entriesBelow(folder).map(({ path }) => path);

const entriesBelow = (folder: string): readonly { readonly path: string; readonly isFolder: boolean }[] => {
  const at = onDisk(folder);
  const isThere = lstatSync(at, { throwIfNoEntry: false })?.isDirectory() === true;
  const entries = isThere ? readdirSync(at, { withFileTypes: true, encoding: 'buffer' }) : [];
  return entries.flatMap((entry) => {
    const name = nameOf(entry.name);
    const path = join(folder, name);
    const isFolder = entry.isDirectory();
    return [{ path, isFolder }, ...(isFolder && name !== '.git' ? entriesBelow(path) : [])];
  });
};

const escaped = 0xdc00;

const nameOf = (bytes: Buffer): string => {
  const text = bytes.toString('utf8');
  if (Buffer.from(text).equals(bytes)) return text;
  return bytes.toString('latin1').replaceAll(/[\x80-\xff]/g, (each) => String.fromCharCode(escaped + each.charCodeAt(0)));
};

/** Such a path as the system takes it. */
export const onDisk = (path: string): string | Buffer =>
  path.isWellFormed()
    ? path
    : Buffer.concat(
        [...path].map((each) => {
          const code = each.charCodeAt(0);
          return each.isWellFormed() ? Buffer.from(each) : Buffer.of(code - escaped);
        }),
      );
