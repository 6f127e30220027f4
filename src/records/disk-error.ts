import { type ErrorCode, GateError } from '../errors.ts';

/** A place where the gate writes, and how a message calls it. */
export interface WrittenPlace {
  readonly path: string;
  readonly noun: 'store' | 'run folder' | 'folder for temporary files';
}

/** The option, input or variable that moves a place. */
const movedBy: Readonly<Record<WrittenPlace['noun'], string>> = {
  store: '--store (input `store`)',
  'run folder': '--run-dir (input `run-dir`)',
  'folder for temporary files': 'the variable TMPDIR',
};

const full: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT']);
const refused: ReadonlySet<unknown> = new Set(['EROFS', 'EACCES', 'EPERM']);

/** What the file system says of a place that is full or may not be written in, as a coded error; null for anything else. */
export const asDiskError = (thrown: unknown, { path, noun }: WrittenPlace): GateError | null => {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : null;
  const options = { where: path, cause: thrown };
  if (full.has(code))
    return new GateError(
      'disk-full',
      `Writing into the ${noun} failed: the disk or the quota is full (${code}). Free space, or name a folder on a larger disk with ${movedBy[noun]}.`,
      options,
    );
  if (!refused.has(code)) return null;
  const unwritable: ErrorCode = noun === 'store' ? 'store-unwritable' : 'folder-unwritable';
  return new GateError(
    unwritable,
    `Writing into the ${noun} failed: this user may not write there (${code}). Let this user write there, or name another folder with ${movedBy[noun]}.`,
    options,
  );
};
