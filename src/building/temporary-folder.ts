import { mkdtemp } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { removeClosedFolder } from '../processes/closed-folder.ts';
import { asDiskError } from '../records/disk-error.ts';

/** A temporary folder of its own for the programs of one side, or for one program. */
export interface TemporaryFolder {
  readonly folder: string;
  /** The variables that name it. */
  readonly environment: Readonly<Record<string, string>>;
  /** Removes it, as far as that is allowed. */
  release(): Promise<void>;
}

/** @param around the folder to make it in */
export const openTemporaryFolder = async (around: string): Promise<TemporaryFolder> => {
  // Absolute: each program would find a relative one from its own working directory. Short: the path
  // of a socket in it may have some hundred characters in all.
  const place = resolve(around);
  const folder = await mkdtemp(join(place, 'gate-')).catch((thrown: unknown) => {
    throw asDiskError(thrown, { path: place, noun: 'folder for temporary files' }) ?? thrown;
  });
  return {
    folder,
    environment: { TMPDIR: folder, TEMP: folder, TMP: folder },
    release: () => removeClosedFolder(folder).catch(() => {}),
  };
};
