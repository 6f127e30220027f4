import { closeSync, constants, copyFileSync, linkSync, lstatSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { GateError } from '../errors.ts';

const codeOf = (cause: unknown): string => (cause instanceof Error && 'code' in cause ? String(cause.code) : '');

const refuse = (name: string, cause: unknown): GateError => {
  const shown = JSON.stringify(name);
  switch (codeOf(cause)) {
    case 'EEXIST':
      return new GateError('output-exists', `${shown} was to be written. It exists already in the output folder.`, { cause });
    case 'ENOSPC':
    case 'EDQUOT':
      return new GateError('disk-full', `${shown} was to be written. There is no room left for it on its disk.`, { cause });
    default:
      return new GateError(
        'build-failed',
        `${shown} was to be written. It cannot be: ${cause instanceof Error ? cause.message : String(cause)}`,
        {
          cause,
        },
      );
  }
};

const attempt = <T>(name: string, action: () => T): T => {
  try {
    return action();
  } catch (cause) {
    throw cause instanceof GateError ? cause : refuse(name, cause);
  }
};

/** Creates the folders above `location`, refusing links on the way. */
const makeParents = (folder: string, location: string): void => {
  const parts = location.split('/').slice(0, -1);
  parts.forEach((_, index) => {
    const path = join(folder, ...parts.slice(0, index + 1));
    attempt(location, () => {
      mkdirSync(path, { recursive: true });
      if (!lstatSync(path).isDirectory())
        throw new GateError('output-exists', `${JSON.stringify(location)} was to be written. A folder of this path is a link.`);
    });
  });
};

/** A new file that is appended to; never an existing one, never through a link. */
export interface NewFile {
  /** Bytes written so far. */
  readonly size: number;
  append(bytes: Uint8Array): void;
  close(): void;
}

/** Creates `folder/name`. Throws `output-exists`, `disk-full` or `build-failed`. */
export const createFile = (folder: string, name: string): NewFile => {
  // O_EXCL refuses an existing name, also when it is a dangling link.
  const descriptor = attempt(name, () => openSync(join(folder, name), 'wx', 0o644));
  let size = 0;
  return {
    get size() {
      return size;
    },
    append(bytes) {
      for (let at = 0; at < bytes.length; ) {
        at += attempt(name, () => writeSync(descriptor, bytes, at, Math.min(bytes.length - at, 1 << 28)));
      }
      size += bytes.length;
    },
    close: () => closeSync(descriptor),
  };
};

const isSameFile = (a: string, b: string): boolean => {
  const [left, right] = [lstatSync(a, { bigint: true }), lstatSync(b, { bigint: true })];
  return left.isFile() && left.dev === right.dev && left.ino === right.ino;
};

/**
 * Makes `folder/location` the same file as `source` (a path without links): a hard link, or a copy where the file system has no links.
 * A `location` that is that file already stays. Throws `output-exists` for any other file of that name.
 */
export const shareFile = (source: string, folder: string, location: string): void => {
  makeParents(folder, location);
  const target = join(folder, location);
  try {
    linkSync(source, target);
  } catch (cause) {
    if (codeOf(cause) !== 'EEXIST') {
      attempt(location, () => copyFileSync(source, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE));
    } else if (!isSameFile(target, source)) throw refuse(location, cause);
  }
};

/** Creates the output folder where it does not exist. */
export const makeFolder = (folder: string): void => {
  attempt(folder, () => mkdirSync(folder, { recursive: true }));
};
