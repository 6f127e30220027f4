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
/** Paths of one call of `touch`: far below the length that a command line may have. */
const batch = 500;

/**
 * Sets the access times of files back, and tells later which were read since; links count by
 * themselves. Contents and times of change stay. A file whose owner keeps its reads from being
 * recorded (`chattr +A`), where those of others are, counts as read. Returns null where nothing can
 * be told: another owner, a file system that records no reads, or none of the files is there.
 */
export const watchReads = async (paths: readonly string[], environment: Readonly<Record<string, string>>): Promise<ReadWatch | null> => {
  if (!(await setBack(paths, environment))) return null;
  const before = paths.map(accessTime);
  if (paths.length > 0 && before.every((time) => time === null)) return null;
  const tried = paths.map(hasRead);
  const isRecorded = paths.map((path, index) => accessTime(path) !== before[index]);
  const recording = new Set(paths.filter((_, index) => isRecorded[index]).map(deviceOf));
  const unrecorded = paths.filter((_, index) => tried[index] === true && isRecorded[index] === false);
  if (unrecorded.some((path) => !recording.has(deviceOf(path)))) return null;
  const hidden = new Set(unrecorded);
  // All of them: what was tried may be a link to another.
  if (!(await setBack(paths, environment))) return null;
  const times = new Map(paths.map((path) => [path, accessTime(path)]));
  return { read: () => paths.filter((path) => hidden.has(path) || accessTime(path) !== times.get(path)) };
};

const setBack = async (paths: readonly string[], environment: Readonly<Record<string, string>>): Promise<boolean> => {
  const tools = toolEnvironment(environment);
  for (let at = 0; at < paths.length; at += batch) {
    const argv = [systemProgram('touch') ?? 'touch', '-a', '-c', '-h', '-t', longAgo, '--', ...paths.slice(at, at + batch)];
    const { status, code } = await runCommand({ argv, cwd: '/', environment: tools, timeoutSeconds: 60, maxOutputBytes: 1024 });
    if (status !== 'exited' || code !== 0) return false;
  }
  return true;
};

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
