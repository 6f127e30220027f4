import { chmodSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asDiskError } from '../records/disk-error.ts';
import { type HeldLock, takeLock } from '../records/lock-file.ts';
import type { Owner } from '../records/owner.ts';
import type { CommandContext } from './context.ts';

/** A lock, and how long it was waited for. */
export interface MachineLock extends HeldLock {
  readonly waitedSeconds: number;
}

/**
 * Waits, as long as it takes, for a lock that all users of this machine share, by its name. `busy`:
 * what a message calls the holder. Throws `store-locked` after the signal, and where the folder for
 * temporary files holds another user's folder of this name that is closed to others.
 */
export const takeMachineLock = async (context: CommandContext, name: string, busy: string): Promise<MachineLock> => {
  const folder = join(tmpdir(), 'optimization-gate');
  openToAll(folder);
  const { log } = context.host;
  const began = context.clock();
  let waits = false;
  const lock = await takeLock(join(folder, `${name}.lock`), {
    clock: () => context.now().getTime(),
    waitSeconds: Number.POSITIVE_INFINITY,
    onWait: (holder: Owner | null) => {
      waits = true;
      log.info(`Waiting for another ${busy}${holder === null ? '' : ` (process ${holder.pid})`}.`);
    },
    signal: context.signal,
  }).catch((thrown: unknown) => {
    throw asDiskError(thrown, { path: folder, noun: 'folder for temporary files' }) ?? thrown;
  });
  const waitedSeconds = waits ? Math.round((context.clock() - began) / 100) / 10 : 0;
  if (waits) log.info(`Waited ${waitedSeconds} s for another ${busy}.`);
  return { release: lock.release, waitedSeconds };
};

/** Anybody may take a lock, and break that of a dead process: with the usual mode only the first user of the machine could. */
const openToAll = (folder: string): void => {
  try {
    mkdirSync(folder);
    // The mode that `mkdir` is given is cut by the user's mask.
    chmodSync(folder, 0o777);
  } catch {
    // It is there, or cannot be made: taking the lock says what is wrong.
  }
};
