import { closeSync, openSync, readdirSync, readSync } from 'node:fs';

/** Bytes per page of `/proc/PID/statm`, from the kernel through the process's own numbers; see `pageBytes`. */
let knownPageBytes: number | null = null;

/** A process and when it started (clock ticks since boot): a pid alone can name another process later. */
export interface ProcessId {
  readonly pid: number;
  readonly startTicks: string;
}

interface Stat {
  readonly parent: number;
  readonly session: number;
  readonly startTicks: string;
  readonly state: string;
}

/** `/proc/PID/stat`, or null when there is no such process or no /proc. */
const readStat = (pid: number): Stat | null => {
  const text = readText(`/proc/${pid}/stat`);
  if (text === null) return null;
  // The name stands in brackets and may hold anything, so fields are counted from the last bracket.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', parent: Number(fields[1]), session: Number(fields[3]), startTicks: fields[19] ?? '' };
};

/** Who the process with this pid is now; null when there is none, or it is dead and only waits to be collected. */
export const identifyProcess = (pid: number): ProcessId | null => {
  const stat = readStat(pid);
  return stat === null || stat.state === 'Z' || stat.state === 'X' ? null : { pid, startTicks: stat.startTicks };
};

/** Whether a thread is alive and waits for something. */
export const isAtRest = (thread: number): boolean => ['S', 'D', 'I', 'T', 't'].includes(readStat(thread)?.state ?? '');

export const isSameProcess = (known: ProcessId): boolean => identifyProcess(known.pid)?.startTicks === known.startTicks;

/** A process and all that descend from it, by walking `/proc/PID/task/TID/children`; empty without a /proc. */
export const descendants = (root: number): readonly ProcessId[] => {
  const found: ProcessId[] = [];
  const queue = [root];
  const seen = new Set(queue);
  for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
    const id = identifyProcess(pid);
    if (id === null) continue;
    found.push(id);
    for (const child of childrenOf(pid)) {
      if (!seen.has(child)) queue.push(child);
      seen.add(child);
    }
  }
  return found;
};

/** All living processes of a session: also those whose parents have ended. One pass over /proc: not for frequent use. */
export const sessionMembers = (session: number): readonly ProcessId[] =>
  listPids().flatMap((pid) => {
    const stat = readStat(pid);
    return stat === null || stat.session !== session || stat.state === 'Z' ? [] : [{ pid, startTicks: stat.startTicks }];
  });

/** All living processes that have an entry `NAME=VALUE` in their environment. One pass over /proc. */
export const markedProcesses = (entry: string): readonly ProcessId[] =>
  listPids().flatMap((pid) => {
    const id = readText(`/proc/${pid}/environ`)?.split('\0').includes(entry) === true ? identifyProcess(pid) : null;
    return id === null ? [] : [id];
  });

/**
 * Seconds of processor time that each living thread of the processes has taken, by its id; empty
 * where the kernel does not tell. Those of a running thread are a scheduler's tick old at most.
 */
export const processorSeconds = (processes: readonly ProcessId[]): ReadonlyMap<number, number> =>
  new Map(
    processes.flatMap(({ pid }) =>
      threadsOf(pid).flatMap((thread): [number, number][] => {
        const nanoseconds = Number(readText(`/proc/${pid}/task/${thread}/schedstat`)?.split(' ')[0] ?? Number.NaN);
        return Number.isFinite(nanoseconds) ? [[Number(thread), nanoseconds / 1e9]] : [];
      }),
    ),
  );

/**
 * Bytes that the processes keep resident, or null without a /proc. Pages that they share count once per process, except when
 * that sum is above `limit`: then their proportional shares (dearer to read) are summed.
 */
export const residentBytes = (processes: readonly ProcessId[], limit: number): number | null => {
  let total = 0;
  let readable = 0;
  for (const { pid } of processes) {
    const pages = Number(readText(`/proc/${pid}/statm`)?.split(' ')[1] ?? Number.NaN);
    if (!Number.isFinite(pages)) continue;
    total += pages * pageBytes();
    readable += 1;
  }
  if (readable === 0) return null;
  if (total <= limit || readable === 1) return total;
  const shares = processes.map(({ pid }) => proportionalBytes(pid));
  return shares.every((share) => share !== null) ? shares.reduce((sum, share) => sum + share, 0) : total;
};

const proportionalBytes = (pid: number): number | null => {
  const match = /^Pss:\s+(\d+) kB/m.exec(readText(`/proc/${pid}/smaps_rollup`) ?? '');
  return match?.[1] === undefined ? null : Number(match[1]) * 1024;
};

/** Page size, found by comparing the two ways in which the kernel states this process's virtual size. */
const pageBytes = (): number => {
  if (knownPageBytes !== null) return knownPageBytes;
  const pages = Number(readText('/proc/self/statm')?.split(' ')[0]);
  const bytes = Number(/^VmSize:\s+(\d+) kB/m.exec(readText('/proc/self/status') ?? '')?.[1]) * 1024;
  const ratio = bytes / pages;
  knownPageBytes = Number.isFinite(ratio) && ratio > 0 ? 2 ** Math.round(Math.log2(ratio)) : 4096;
  return knownPageBytes;
};

const threadsOf = (pid: number): readonly string[] => {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
};

const childrenOf = (pid: number): readonly number[] =>
  threadsOf(pid).flatMap((thread) =>
    (readText(`/proc/${pid}/task/${thread}/children`) ?? '')
      .split(' ')
      .filter((one) => one !== '')
      .map(Number),
  );

const listPids = (): readonly number[] => {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
};

/** Takes what is read: the kernel does not say how long such a file is, and reading it as a whole would reserve 64 KiB each time. */
let space = Buffer.allocUnsafe(4096);

const readText = (path: string): string | null => {
  let file: number | null = null;
  try {
    file = openSync(path, 'r');
    let length = 0;
    for (let read = 1; read > 0; length += read) {
      if (length === space.length) space = Buffer.concat([space], 2 * length);
      read = readSync(file, space, length, space.length - length, null);
    }
    return space.toString('latin1', 0, length);
  } catch {
    return null;
  } finally {
    if (file !== null) closeSync(file);
  }
};
