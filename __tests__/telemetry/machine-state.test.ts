import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { machineState } from '../../src/telemetry/machine-state.ts';
import { testFolder } from '../testkit/folder.ts';

describe('machineState', () => {
  it('reads what the kernel says', () => {
    const root = testFolder();
    const files = {
      'proc/meminfo': 'MemTotal:  8000 kB\nMemFree: 10 kB\nMemAvailable:    3000 kB\n',
      'proc/pressure/cpu': 'some avg10=12.50 avg60=1.00 avg300=0.10 total=9\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n',
      'sys/devices/system/clocksource/clocksource0/current_clocksource': 'tsc\n',
      'sys/devices/system/cpu/cpu0/cpufreq/scaling_governor': 'powersave\n',
    };
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      writeFileSync(join(root, name), text);
    }
    expect(machineState(root)).toMatchObject({ freeMemoryBytes: 3000 * 1024, pressure: 12.5, clockSource: 'tsc', governor: 'powersave' });
  });

  it('says null where there is nothing to read', () => {
    const { freeMemoryBytes, ...rest } = machineState(testFolder());
    expect(freeMemoryBytes).toBeGreaterThan(0);
    expect(rest).toMatchObject({ pressure: null, clockSource: null, governor: null });
  });
});
