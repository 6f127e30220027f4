import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, lstat, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { GateError } from '../errors.ts';

/** Runs file work; a full disk or quota becomes `disk-full`. */
export const onDisk = async <T>(where: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (thrown) {
    const code = errorCode(thrown);
    if (code === 'ENOSPC' || code === 'EDQUOT')
      throw new GateError('disk-full', 'there is no room left on the device', { where, cause: thrown });
    throw thrown;
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

/** sha256 of a file's bytes, lower-case hex. */
export const fileDigest = async (path: string): Promise<string> => {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
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
      throw new GateError('build-no-output', `${JSON.stringify(path)} is not a regular file`, { where: folder });
  }
  return found.sort();
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
