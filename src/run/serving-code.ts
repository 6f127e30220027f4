import { basename, dirname, join, relative } from 'node:path';
import { digestOf } from '../records/decode.ts';
import { textBehind } from '../repository/on-disk.ts';
import { programFiles } from './imported-files.ts';

/** What an optimization itself is: it runs in the arm's own process, and is part of the arm. */
export const isSubject = (path: string): boolean => /^(.*-)?subject\.[jt]s$/.test(basename(path));

/**
 * Digest of the code that serves and measures: the worker program with whatever it imports, but for the
 * code of the optimizations. Null where there is no such program.
 * @param entry the worker program, in the tree that `read` reads
 */
export const servingDigest = async (
  entry: string,
  read: (paths: readonly string[]) => Promise<readonly (string | null)[]>,
): Promise<string | null> => {
  const files = await programFiles(entry, read, isSubject);
  if (files.length === 0) return null;
  return digestOf(JSON.stringify(files.map(({ path, text }) => [relative(dirname(entry), path), text])));
};

/** That of a program on disk. */
export const servingDigestAt = async (program: string): Promise<string> => {
  const folder = dirname(program);
  const digest = await servingDigest(basename(program), async (paths) => paths.map((path) => textBehind(join(folder, path))));
  return digest ?? digestOf('');
};
