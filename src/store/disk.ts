import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, chmod, copyFile, lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { GateError } from '../errors.ts';
import { asDiskError } from '../records/disk-error.ts';

/** Runs file work in a store. What the file system refuses becomes `disk-full` or `store-unwritable`. */
export const inStore = async <T>(root: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (thrown) {
    throw asDiskError(thrown, { path: root, noun: 'store' }) ?? thrown;
  }
};

export const errorCode = (thrown: unknown): string | null =>
  thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : null;

/** Writes a file that is complete or absent for every reader, also after a crash. */
export const writeAtomically = async (path: string, text: string): Promise<void> => {
  const draft = join(dirname(path), `.${randomUUID()}.draft`);
  try {
    const file = await open(draft, 'wx');
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
};

const pieceBytes = 2 ** 20;

/** sha256 of a file's bytes, lower-case hex. All of it goes through one buffer: a store has gigabytes, and a stream leaves them to the collector. */
export const fileDigest = async (path: string): Promise<string> => {
  const hash = createHash('sha256');
  const piece = Buffer.allocUnsafe(pieceBytes);
  const file = await open(path, 'r');
  try {
    for (;;) {
      const { bytesRead } = await file.read(piece, 0, pieceBytes);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(piece.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
};

/** All regular files below a folder, relative with `/`, sorted. Throws `build-no-output` for links and special files. */
export const listRegularFiles = async (folder: string): Promise<readonly string[]> => {
  const found: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
      .slice(folder.length + 1)
      .replaceAll('\\', '/');
    if (entry.isFile()) found.push(path);
    else if (!entry.isDirectory())
      throw new GateError(
        'build-no-output',
        `The files of a build were taken over. Expected regular files, got ${JSON.stringify(path)}, which is none.`,
        { where: folder },
      );
  }
  return found.sort();
};

/**
 * Moves what lies in a folder into an empty one of this user. Within one file system nothing is
 * copied but the files of other users, who could write them later. Throws `build-no-output` for links
 * and special files, and for what this user may not read there.
 */
export const takeFolder = async (from: string, to: string): Promise<void> => {
  try {
    await moveFiles(from, to);
  } catch (thrown) {
    const code = errorCode(thrown);
    if ((code !== 'EACCES' && code !== 'EPERM') || !(await isWritable(to))) throw thrown;
    throw new GateError(
      'build-no-output',
      `The files of a build were taken over. The build left some that this user may not read or move (${code}).`,
      { where: from, cause: thrown },
    );
  }
};

const moveFiles = async (from: string, to: string): Promise<void> => {
  if (!(await lstat(from)).isDirectory())
    throw new GateError('build-no-output', 'The files of a build were taken over. Their folder is no longer there.', { where: from });
  const { uid } = await lstat(to);
  for (const path of await listRegularFiles(from)) {
    const [source, target] = [join(from, path), join(to, path)];
    await mkdir(dirname(target), { recursive: true });
    const isOwn = (await lstat(source)).uid === uid;
    if (!isOwn || !(await movedWithin(source, target)))
      await copyFile(source, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  }
  await rm(from, { recursive: true, force: true });
  // Again: a file may have been replaced since it was looked at.
  await listRegularFiles(to);
};

const isWritable = async (folder: string): Promise<boolean> => {
  try {
    await access(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** False where that would lead into another file system. */
const movedWithin = async (from: string, to: string): Promise<boolean> => {
  try {
    await rename(from, to);
    return true;
  } catch (thrown) {
    if (errorCode(thrown) === 'EXDEV') return false;
    throw thrown;
  }
};

/** Files become read-only and durable before the folder gets its final name. */
export const seal = async (folder: string, files: readonly string[]): Promise<void> => {
  for (const path of files) {
    const file = await open(join(folder, path), 'r');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    await chmod(join(folder, path), 0o444);
  }
};

export const exists = async (path: string): Promise<boolean> => {
  try {
    await lstat(path);
    return true;
  } catch {
    return false;
  }
};
