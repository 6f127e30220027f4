import { closeSync, constants, openSync, readSync } from 'node:fs';
import { GateError } from '../errors.ts';

const firstLine = 'version https://git-lfs.github.com/spec/v1';
/** Longest pointer that Git LFS writes or reads, bytes. */
const longest = 1024;

/**
 * Whether the whole content of a file is a Git LFS pointer: what git stores in place of the file
 * itself.
 */
export const isLfsPointer = (content: Uint8Array): boolean =>
  content.length <= longest && /^[^\r\n]*/.exec(Buffer.from(content).toString('latin1'))?.[0] === firstLine;

/**
 * The same of a file on disk, of which no more than a pointer's length is read; false for what
 * cannot be read.
 */
export const isLfsPointerFile = (path: string): boolean => {
  try {
    const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const start = new Uint8Array(longest + 1);
      return isLfsPointer(start.subarray(0, readSync(file, start)));
    } finally {
      closeSync(file);
    }
  } catch {
    return false;
  }
};

/**
 * The error of a file whose place a pointer takes.
 * @param where the file, and the side where there is one
 * @param said what Git LFS printed when it was asked for the file
 */
export const lfsPointer = (where: string, said = ''): GateError =>
  new GateError(
    'lfs-pointer',
    `This file was read. Expected the file itself, got a Git LFS pointer to it.${said === '' ? '' : ` Git LFS said: ${said.slice(-1000)}`}`,
    {
      where,
    },
  );
