import { readFileSync } from 'node:fs';
import type { ProcessFacts } from '../records/sample.ts';

const readText = (file: string): string | null => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
};

const numberIn = (text: string | null, pattern: RegExp): number | null => {
  const found = text === null ? undefined : pattern.exec(text)?.[1];
  return found === undefined ? null : Number(found);
};

/**
 * What the operating system says of this process since it started: peak resident set (`VmHWM`, which unlike `maxRSS` does
 * not inherit the parent's), time on and waiting for a processor, and the pressure on the processors. Null where a file is
 * absent (not Linux, no `CONFIG_PSI`).
 */
export const processFacts = (seconds: number): ProcessFacts => {
  const hwm = numberIn(readText('/proc/self/status'), /^VmHWM:\s+(\d+) kB/m);
  const schedule = readText('/proc/self/schedstat');
  const { user, system } = process.cpuUsage();
  return {
    seconds,
    vmHwmBytes: hwm === null ? null : hwm * 1024,
    cpuSeconds: (user + system) / 1e6,
    runNs: numberIn(schedule, /^(\d+)/),
    waitNs: numberIn(schedule, /^\d+ (\d+)/),
    pressure: numberIn(readText('/proc/pressure/cpu'), /^some avg10=([\d.]+)/m),
    throttled: null,
  };
};
