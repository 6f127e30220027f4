import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { asDiskError } from '../records/disk-error.ts';

/** A temporary folder of its own for the programs of one side, or for one program. */
export interface TemporaryFolder {
  /** The variables that name it. */
  readonly environment: Readonly<Record<'TMPDIR' | 'TEMP' | 'TMP', string>>;
  /** Removes it, as far as that is allowed. */
  release(): Promise<void>;
}

export const openTemporaryFolder = async (): Promise<TemporaryFolder> => {
  // Absolute: each program would find a relative one from its own working directory. Short: the path
  // of a socket in it may have some hundred characters in all.
  const place = resolve(tmpdir());
  const folder = await mkdtemp(join(place, 'gate-')).catch((thrown: unknown) => {
    throw asDiskError(thrown, { path: place, noun: 'folder for temporary files' }) ?? thrown;
  });
  return {
    environment: { TMPDIR: folder, TEMP: folder, TMP: folder },
    release: () => rm(folder, { recursive: true, force: true }).catch(() => {}),
  };
};
