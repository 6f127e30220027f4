import { randomUUID } from 'node:crypto';
import { lstat, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { GateError } from '../../errors.ts';
import { asDiskError } from '../../records/disk-error.ts';
import { checkBaselineFiles, checkBaselinePath } from '../baseline-path.ts';
import type { BaselineChange, BaselineReader, Descends } from '../contract.ts';

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

const readerOf =
  (folder: string): BaselineReader =>
  async (path) => {
    const file = join(folder, checkBaselinePath(path));
    try {
      return await readFile(file, 'utf8');
    } catch (error) {
      if (isMissing(error)) return null;
      throw new GateError('baseline-invalid', `A file of baselines was read. It cannot be: ${(error as Error).message}`, {
        where: file,
        cause: error,
      });
    }
  };

/** A link in the place of the folder, or of one below it, could lead the write out of the working tree. */
const refuseLinks = async (folder: string, path: string): Promise<void> => {
  const parts = path.split('/');
  for (let depth = 0; depth < parts.length; depth += 1) {
    const at = join(folder, ...parts.slice(0, depth));
    const facts = await lstat(at).catch(() => null);
    if (facts?.isSymbolicLink())
      throw new GateError(
        'baseline-invalid',
        'Baselines were to be written. This is a symbolic link, and none is followed: put a folder or file in its place.',
        { where: at },
      );
  }
};

/** Whole or not at all: a reader never meets half a file. */
const replaceFile = async (file: string, content: string): Promise<void> => {
  const draft = `${file}.${randomUUID()}.tmp`;
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(draft, content, 'utf8');
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw (
      asDiskError(error, { path: file, noun: 'folder of baselines' }) ??
      new GateError('baseline-invalid', `A file of baselines was written. It cannot be: ${(error as Error).message}`, {
        where: file,
        cause: error,
      })
    );
  }
};

/**
 * Writes an update into `baselines/` of a working tree, each file whole or not at all; committing is the developer's.
 * `already` when no file would change. Throws `baseline-invalid` (paths, links, unreadable files), `folder-unwritable` and `disk-full`.
 */
export const writeBaselineFiles = async (root: string, change: BaselineChange, descends: Descends): Promise<'written' | 'already'> => {
  const folder = join(root, 'baselines');
  const read = readerOf(folder);
  let written = 0;
  for (const [path, content] of checkBaselineFiles(await change.files(read, descends))) {
    await refuseLinks(folder, path);
    if ((await read(path)) === content) continue;
    await replaceFile(join(folder, path), content);
    written += 1;
  }
  return written > 0 ? 'written' : 'already';
};
