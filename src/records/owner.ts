import { readFileSync, readlinkSync } from 'node:fs';
import { z } from 'zod';
import type { Immutable } from './words.ts';

/** Which process holds something (a lock, a temporary folder), precise enough to tell it from a later one with its number. */
export const owner = z.strictObject({
  pid: z.int().positive(),
  /** Start of the process in clock ticks since boot; empty where the system does not say. */
  started: z.string().max(40),
  /** Id of the boot of the machine; empty where the system does not say. */
  boot: z.string().max(80),
  /** Namespace of process ids (a container has its own); empty where the system does not say. */
  namespace: z.string().max(80),
});
export type Owner = Immutable<z.infer<typeof owner>>;

/** This process as an owner. */
export const thisProcess = (): Owner => ({
  pid: process.pid,
  started: startTicks(process.pid) ?? '',
  boot: bootId(),
  namespace: pidNamespace(),
});

/**
 * Whether the owner still runs. Null: it cannot be told from here, because it belongs to another container of this machine.
 * An owner of another boot is dead. Without /proc a living process with the same number counts as the owner.
 */
export const ownerLives = (one: Owner): boolean | null => {
  if (one.boot !== bootId()) return false;
  if (one.namespace !== pidNamespace()) return null;
  if (one.started !== '') return startTicks(one.pid) === one.started;
  try {
    process.kill(one.pid, 0);
    return true;
  } catch (thrown) {
    return thrown instanceof Error && 'code' in thrown && thrown.code === 'EPERM';
  }
};

const bootId = (): string => readText('/proc/sys/kernel/random/boot_id')?.trim() ?? '';

const pidNamespace = (): string => {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
};

/** Null when there is no such process, it is dead and waits to be collected, or there is no /proc. */
const startTicks = (pid: number): string | null => {
  const text = readText(`/proc/${pid}/stat`);
  if (text === null) return null;
  // The name stands in brackets and may hold anything, so fields are counted from the last bracket.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[19] ?? null);
};

const readText = (path: string): string | null => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null;
  }
};
