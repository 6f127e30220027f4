import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { processFacts as schema } from '../../src/records/sample.ts';
import { processFacts } from '../../src/telemetry/process-facts.ts';
import { openEnergyMeter } from '../../src/telemetry/rapl.ts';
import { type ComparableFacts, runnerClass } from '../../src/telemetry/runner-class.ts';

const root = mkdtempSync(join(tmpdir(), 'machine-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('openEnergyMeter', () => {
  const zone = (name: string, energy: string, range = '1000000000'): void => {
    mkdirSync(join(root, name), { recursive: true });
    writeFileSync(join(root, name, 'energy_uj'), `${energy}\n`);
    writeFileSync(join(root, name, 'max_energy_range_uj'), `${range}\n`);
  };

  it('adds up the packages, from when it was opened, across a wrap of a counter', () => {
    zone('intel-rapl:0', '999000000');
    zone('intel-rapl:1', '5000000');
    zone('intel-rapl:0:0', '77');
    const meter = openEnergyMeter(root);
    expect(meter?.joules()).toBe(0);
    zone('intel-rapl:0', '3000000');
    zone('intel-rapl:1', '6500000');
    expect(meter?.joules()).toBe(5.5);
    expect(meter?.joules()).toBe(5.5);
  });

  it('is null without counters, or with something else in their place', () => {
    expect(openEnergyMeter(join(root, 'missing'))).toBeNull();
    mkdirSync(join(root, 'empty'));
    expect(openEnergyMeter(join(root, 'empty'))).toBeNull();
    zone('intel-rapl:2', 'garbage');
    expect(openEnergyMeter(root)).toBeNull();
  });
});

describe('processFacts', () => {
  it('fits its record and knows what the system tells', () => {
    const facts = processFacts(1.5);
    expect(schema.parse(facts)).toEqual(facts);
    expect(facts.seconds).toBe(1.5);
    expect(facts.vmHwmBytes !== null).toBe(existsSync('/proc/self/status'));
    expect(facts.pressure !== null).toBe(existsSync('/proc/pressure/cpu'));
    if (facts.vmHwmBytes !== null) expect(facts.vmHwmBytes).toBeGreaterThanOrEqual(process.memoryUsage.rss() * 0.5);
  });
});

describe('runnerClass', () => {
  const facts: ComparableFacts = {
    cpu: 'Intel(R) Xeon(R) CPU @ 2.20GHz',
    cores: 4,
    platform: 'linux-x64',
    gpu: null,
    provider: 'cpu',
    threads: 2,
    ort: '1.30.0',
  };

  it('is a readable folder name', () => {
    expect(runnerClass(facts)).toMatch(/^linux-x64-cpu-intel-xeon-cpu-2-20ghz-4c-[0-9a-f]{8}$/);
    expect(runnerClass({ ...facts, gpu: '2 × NVIDIA H200', provider: 'cuda' })).toMatch(/^linux-x64-cuda-2-nvidia-h200-4c-[0-9a-f]{8}$/);
    expect(runnerClass({ ...facts, cpu: '../../é'.repeat(40) })).toMatch(/^[a-z0-9][a-z0-9-]{0,99}$/);
  });

  it('differs with everything that numbers depend on, and with nothing else', () => {
    const changes: Partial<ComparableFacts>[] = [
      { cpu: 'x' },
      { cores: 8 },
      { platform: 'linux-arm64' },
      { gpu: 'y' },
      { provider: 'cuda' },
      { threads: 1 },
      { ort: '1.30.1' },
    ];
    expect(new Set([facts, ...changes.map((change) => ({ ...facts, ...change }))].map(runnerClass)).size).toBe(changes.length + 1);
    expect(runnerClass({ ...facts, release: '6.1', memoryBytes: 1 } as ComparableFacts)).toBe(runnerClass(facts));
  });
});
