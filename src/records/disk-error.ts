import { GateError } from '../errors.ts';

/** A place where the gate writes. */
export interface WrittenPlace {
  readonly path: string;
  readonly noun: 'store' | 'run folder' | 'folder for temporary files' | 'folder of baselines' | 'folder of the runtime' | 'repository';
}

/** The input, option or variable that moves a place, if there is one. */
const elsewhere: Readonly<Record<WrittenPlace['noun'], string>> = {
  store: ' The input `store` (`--store`) names another one.',
  'run folder': ' The input `run-dir` (`--run-dir`) names another one.',
  'folder for temporary files': ' The variable TMPDIR names another one.',
  'folder of baselines': '',
  repository: '',
  'folder of the runtime': ' The input `ort-path` (`--ort-path`) names another one.',
};

const full: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT']);
const refused: ReadonlySet<unknown> = new Set(['EROFS', 'EACCES', 'EPERM']);

/** What the file system says of a place that is full or may not be written in, as a coded error; null for anything else. */
export const asDiskError = (thrown: unknown, { path, noun }: WrittenPlace): GateError | null => {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : null;
  const options = { where: path, cause: thrown };
  if (full.has(code) || code === 'disk-full')
    return new GateError(
      'disk-full',
      `The ${noun} was written to. There is no room left on its disk, or a quota is used up.${elsewhere[noun]}`,
      options,
    );
  if (!refused.has(code)) return null;
  return new GateError(
    noun === 'store' ? 'store-unwritable' : 'folder-unwritable',
    `The ${noun} was written to. The user of this job may not write there (${code}).${elsewhere[noun]}`,
    options,
  );
};

/** Whether a program says, in its last words, that it found no room on a disk. */
export const saysDiskFull = (text: string): boolean => /No space left on device|Disk quota exceeded|\bENOSPC\b|\bEDQUOT\b/.test(text);
