import { readFileSync } from 'node:fs';
import { freemem, loadavg } from 'node:os';
import { join } from 'node:path';

/** How this machine is at the moment, as far as it disturbs measuring. Null: the operating system does not say. */
export interface MachineState {
  readonly freeMemoryBytes: number;
  /** Mean number of processes that ran or waited over the last minute. */
  readonly load: number | null;
  /** Share of the last 10 s in which something waited for a processor, in percent (`/proc/pressure`). */
  readonly pressure: number | null;
  /** What the kernel reads time from, such as `tsc`. */
  readonly clockSource: string | null;
  /** How the first processor's frequency is chosen, such as `performance`. */
  readonly governor: string | null;
}

/** Reads the state. `root`: where `/proc` and `/sys` lie. Never fails. */
export const machineState = (root = '/'): MachineState => {
  const read = (file: string): string | null => {
    try {
      return readFileSync(join(root, file), 'latin1').trim();
    } catch {
      return null;
    }
  };
  const available = /^MemAvailable:\s+(\d+) kB/m.exec(read('proc/meminfo') ?? '')?.[1];
  const pressure = /^some avg10=([\d.]+)/m.exec(read('proc/pressure/cpu') ?? '')?.[1];
  return {
    freeMemoryBytes: available === undefined ? freemem() : Number(available) * 1024,
    load: process.platform === 'win32' ? null : (loadavg()[0] ?? null),
    pressure: pressure === undefined ? null : Number(pressure),
    clockSource: read('sys/devices/system/clocksource/clocksource0/current_clocksource'),
    governor: read('sys/devices/system/cpu/cpu0/cpufreq/scaling_governor'),
  };
};
