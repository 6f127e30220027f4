import { closeSync, constants, lstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { systemProgram } from '../../processes/confinement.ts';
import { toolEnvironment } from '../../processes/environment.ts';
import { runCommand } from '../../processes/run-command.ts';
import { entryAt, reached } from '../../repository/on-disk.ts';

/** Files whose next read will be noticed; of a folder, the next listing. */
export interface ReadWatch {
  /** Those of the files that were read since the watch began. */
  read(): readonly string[];
}

/**
 * An access time that any read makes younger, also where a file system records only the first read
 * after a change (`relatime`).
 */
const longAgo = '200001010000';
const longAgoNs = BigInt(Date.UTC(2000, 0, 1)) * 1_000_000n;
/** Paths of one call of `touch`: far below the length that a command line may have. */
const batch = 500;

/**
 * Sets the access times of files back, and tells later which were read since; links count by
 * themselves. Contents and times of change stay. A file of this user that keeps its reads from being
 * recorded (`chattr +A`), where those of others are, or its time from being set (`chattr +i`), counts
 * as read. Another user's file is left out. Returns null where nothing can be told: a file system that
 * records no reads, or none of the files is there, or this user's.
 */
export const watchReads = async (all: readonly string[], environment: Readonly<Record<string, string>>): Promise<ReadWatch | null> => {
  const isAllowed = await setBack(all, environment);
  const isRefused = (path: string): boolean => accessTime(path) !== null && accessTime(path) !== longAgoNs;
  const refused = all.filter(isRefused);
  // The system keeps no such times.
  if (isAllowed && refused.length > 0) return null;
  const closed = refused.filter(isOwn);
  const paths = all.filter((path) => !refused.includes(path));
  const before = paths.map(accessTime);
  if (all.length > 0 && closed.length === 0 && before.every((time) => time === null)) return null;
  const tried = paths.map(hasRead);
  const isRecorded = paths.map((path, index) => accessTime(path) !== before[index]);
  const recording = new Set(paths.filter((_, index) => isRecorded[index]).map(deviceOf));
  const unrecorded = paths.filter((_, index) => tried[index] === true && isRecorded[index] === false);
  if (unrecorded.some((path) => !recording.has(deviceOf(path)))) return null;
  const hidden = new Set(unrecorded);
  // All of them: what was tried may be a link to another.
  await setBack(paths, environment);
  if (paths.some(isRefused)) return null;
  const times = new Map(paths.map((path) => [path, accessTime(path)]));
  return { read: () => [...closed, ...paths.filter((path) => hidden.has(path) || accessTime(path) !== times.get(path))] };
};

/** Whether no file refused it; the others are set back all the same. */
const setBack = async (paths: readonly string[], environment: Readonly<Record<string, string>>): Promise<boolean> => {
  const tools = { ...toolEnvironment(environment), TZ: 'UTC' };
  let isAllowed = true;
  for (let at = 0; at < paths.length; at += batch) {
    const argv = [systemProgram('touch') ?? 'touch', '-a', '-c', '-h', '-t', longAgo, '--', ...paths.slice(at, at + batch)];
    const { status, code } = await runCommand({ argv, cwd: '/', environment: tools, timeoutSeconds: 60, maxOutputBytes: 1024 });
    isAllowed &&= status === 'exited' && code === 0;
  }
  return isAllowed;
};

const isOwn = (path: string): boolean => entryAt(path)?.uid === process.geteuid?.() || process.geteuid?.() === 0;

const deviceOf = (path: string): number | undefined => entryAt(path)?.dev;

/** Null for a file that is gone. */
const accessTime = (path: string): bigint | null => reached(() => lstatSync(path, { bigint: true }).atimeNs);

/** Whether some byte of a file, or the list of a folder, was read. */
const hasRead = (path: string): boolean => {
  try {
    if (lstatSync(path).isDirectory()) return readdirSync(path).length > 0;
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return readSync(file, new Uint8Array(1)) > 0;
    } finally {
      closeSync(file);
    }
  } catch {
    // A link that leads nowhere: its own access time changed when it was followed.
    return false;
  }
};
