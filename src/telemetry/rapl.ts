import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Energy that the processor packages have used since the meter was opened. */
export interface EnergyMeter {
  /** Joules. The counters wrap (about once an hour under load): ask more often than that. */
  joules(): number;
}

/** A meter, or null where there is none: no powercap, or counters that only root may read. `root` is the folder of the kernel's zones. */
export const openEnergyMeter = (root = '/sys/class/powercap'): EnergyMeter | null => {
  try {
    const zones = readdirSync(root)
      .filter((name) => /^intel-rapl:\d+$/.test(name))
      .map((name) => {
        const file = join(root, name, 'energy_uj');
        return { file, range: readCounter(join(root, name, 'max_energy_range_uj')), last: readCounter(file) };
      });
    if (zones.length === 0) return null;
    let microjoules = 0;
    return {
      joules: () => {
        for (const zone of zones) {
          const now = readCounter(zone.file);
          microjoules += now >= zone.last ? now - zone.last : now + zone.range - zone.last;
          zone.last = now;
        }
        return microjoules / 1e6;
      },
    };
  } catch {
    return null;
  }
};

const readCounter = (file: string): number => {
  const text = readFileSync(file, 'latin1').trim();
  if (!/^\d+$/.test(text)) throw new Error(`no counter in ${file}`);
  return Number(text);
};
