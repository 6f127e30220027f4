import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GateError } from '../errors.ts';
import { type Owner, owner, ownerLives, thisProcess } from './owner.ts';

export interface LockOptions {
  /** Milliseconds since the epoch, as file times are. */
  readonly clock: () => number;
  /** How long to wait for another holder before giving up; infinite is allowed. */
  readonly waitSeconds: number;
  /** A lock is broken when its holder is dead and was silent for so long; twelve times as long when it is in another container and may live. */
  readonly staleSeconds?: number;
  /** Called once, when there is somebody to wait for; null: the holder cannot be read. */
  readonly onWait?: (holder: Owner | null) => void;
  readonly signal?: AbortSignal;
}

export interface HeldLock {
  /** Lets go; safe to call twice. */
  release(): void;
}

const defaultStaleSeconds = 5;
const patienceWithContainers = 12;
const pollMilliseconds = 25;

/**
 * Takes an exclusive lock that is a file, for processes of one machine (and containers that share the folder). The file names its holder and
 * is touched while it is held. Waiters poll. A lock whose holder is dead, or lives in another container and has been silent, is broken
 * in time. Throws `store-locked`, naming the holder, when the wait is over or aborted, and at once in a folder that this user may not write in.
 */
export const takeLock = async (path: string, options: LockOptions): Promise<HeldLock> => {
  const staleSeconds = options.staleSeconds ?? defaultStaleSeconds;
  permitted(path, () => mkdirSync(dirname(path), { recursive: true }));
  const deadline = options.clock() + options.waitSeconds * 1000;
  for (let round = 0; ; round += 1) {
    if (permitted(path, () => tryCreate(path))) return hold(path, staleSeconds, options.clock);
    if (isAbandoned(path, staleSeconds, options.clock)) {
      permitted(path, () => breakLock(path, staleSeconds, options.clock));
      continue;
    }
    if (round === 0) options.onWait?.(readHolder(path));
    if (options.clock() >= deadline || options.signal?.aborted === true) {
      const holder = readHolder(path);
      throw new GateError(
        'store-locked',
        `The lock was waited for. ${holder === null ? 'Another process' : `Process ${holder.pid}`} holds it.`,
        { where: path },
      );
    }
    await sleep(pollMilliseconds);
  }
};

/** A folder or lock that another user made cannot be written in: that is a lock, too, and waiting does not open it. */
const permitted = <T>(path: string, action: () => T): T => {
  try {
    return action();
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? thrown.code : null;
    if (code !== 'EACCES' && code !== 'EPERM' && code !== 'EROFS') throw thrown;
    throw new GateError(
      'store-locked',
      `The lock was to be taken. Its file cannot be written (${code}): the folder may belong to another user.`,
      {
        where: path,
        cause: thrown,
      },
    );
  }
};

/** Complete at once or not there: the content is written beside it and linked into place, which fails when it exists. */
const tryCreate = (path: string): boolean => {
  const draft = `${path}.${randomUUID()}`;
  writeFileSync(draft, JSON.stringify(thisProcess()));
  try {
    linkSync(draft, path);
    return true;
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIST') return false;
    throw thrown;
  } finally {
    rmSync(draft, { force: true });
  }
};

const hold = (path: string, staleSeconds: number, clock: () => number): HeldLock => {
  const inode = statSync(path).ino;
  const beat = setInterval(() => {
    try {
      if (statSync(path).ino === inode) utimesSync(path, clock() / 1000, clock() / 1000);
    } catch {
      // The folder was removed: there is nothing left to hold.
    }
  }, staleSeconds * 200);
  beat.unref();
  let held = true;
  return {
    release: () => {
      if (!held) return;
      held = false;
      clearInterval(beat);
      try {
        if (statSync(path).ino === inode) rmSync(path, { force: true });
      } catch {
        // Gone already.
      }
    },
  };
};

const isAbandoned = (path: string, staleSeconds: number, clock: () => number): boolean => {
  let silentSeconds: number;
  try {
    silentSeconds = (clock() - statSync(path).mtimeMs) / 1000;
  } catch {
    return false;
  }
  if (silentSeconds < staleSeconds) return false;
  const holder = readHolder(path);
  const lives = holder === null ? null : ownerLives(holder);
  return lives === false || (lives === null && silentSeconds >= staleSeconds * patienceWithContainers);
};

/** One breaker at a time, who looks again: else two could break, and the second would break the lock of the first. */
const breakLock = (path: string, staleSeconds: number, clock: () => number): void => {
  const guard = `${path}.break`;
  if (!tryCreate(guard)) {
    if (isAbandoned(guard, staleSeconds, clock)) rmSync(guard, { force: true });
    return;
  }
  try {
    if (isAbandoned(path, staleSeconds, clock)) rmSync(path, { force: true });
  } finally {
    rmSync(guard, { force: true });
  }
};

const readHolder = (path: string): Owner | null => {
  try {
    if (statSync(path).size > 4096) return null;
    const parsed = owner.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
};
