import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { machineFacts } from '../../src/telemetry/machine.ts';
import { type GpuSample, listGpus, openGpuMeter, summarizeGpu } from '../../src/telemetry/nvidia-smi.ts';

const root = mkdtempSync(join(tmpdir(), 'telemetry-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let installs = 0;
/** A program of that name which prints what a driver printed; `unknown` are fields that it does not know. */
const install = (rows: Readonly<Record<string, string>>, unknown: readonly string[] = []): Record<string, string> => {
  installs += 1;
  const folder = join(root, `bin-${installs}`);
  mkdirSync(folder);
  const cases = Object.entries(rows).map(([field, value]) => `${field}) printf '%s' '${value}' ;;`);
  writeFileSync(
    join(folder, 'nvidia-smi'),
    `#!/bin/sh
loop=no; fields=
for argument in "$@"; do case "$argument" in --query-gpu=*) fields=\${argument#--query-gpu=} ;; --loop-ms=*) loop=yes ;; esac; done
row() { first=yes; for field in $(echo "$fields" | tr , ' '); do [ $first = yes ] || printf ', '; first=no
case $field in ${unknown.map((field) => `${field}) echo "Field \\"$field\\" is not a valid field to query."; exit 2 ;;`).join(' ')} ${cases.join(' ')} *) printf '[N/A]' ;; esac; done; echo; }
row
while [ $loop = yes ]; do sleep 0.02; row; done
`,
  );
  chmodSync(join(folder, 'nvidia-smi'), 0o755);
  return { PATH: `${folder}:/usr/bin:/bin` };
};

const driver = {
  name: 'NVIDIA H200',
  driver_version: '570.86.15',
  'memory.total': '143771',
  timestamp: '2026/01/02 03:04:05.678',
  'clocks.sm': '1980',
  'temperature.gpu': '41',
  'memory.used': '1024',
  'power.draw.instant': '120.55',
  'power.draw': '119.00',
  'clocks_event_reasons.active': '0x0000000000000001',
  'clocks_throttle_reasons.active': '0x0000000000000020',
};
const nothing = { PATH: root };

describe('listGpus', () => {
  it('reads what the driver prints', async () => {
    expect(await listGpus(install(driver))).toEqual([{ name: 'NVIDIA H200', driver: '570.86.15', memoryMiB: 143771 }]);
    expect(await listGpus(install({ ...driver, 'memory.total': '[N/A]' }))).toEqual([
      { name: 'NVIDIA H200', driver: '570.86.15', memoryMiB: null },
    ]);
  });

  it('is empty without the program, or when it fails', async () => {
    expect(await listGpus(nothing)).toEqual([]);
    expect(await listGpus(install(driver, ['name']))).toEqual([]);
  });
});

describe('openGpuMeter', () => {
  const firstSample = async (environment: Record<string, string>): Promise<GpuSample | undefined> => {
    const meter = await openGpuMeter(environment, 0, 20);
    const taken: GpuSample[] = [];
    await expect.poll(() => taken.push(...(meter?.take() ?? [])), { timeout: 20_000 }).toBeGreaterThan(2);
    await meter?.close();
    return taken[0];
  };
  const at = Date.parse('2026/01/02 03:04:05.678');

  it('samples with the fields that the driver knows, in either spelling', async () => {
    const sample = { at, smMHz: 1980, celsius: 41, memoryMiB: 1024 };
    expect(await firstSample(install(driver))).toEqual({ ...sample, watts: 120.55, reasons: 1 });
    expect(await firstSample(install(driver, ['power.draw.instant', 'clocks_event_reasons.active']))).toEqual({
      ...sample,
      watts: 119,
      reasons: 0x20,
    });
    const bare = ['power.draw.instant', 'power.draw', 'clocks_event_reasons.active', 'clocks_throttle_reasons.active'];
    expect(await firstSample(install(driver, bare))).toEqual({ ...sample, watts: null, reasons: null });
  });

  it('is null where nothing can be sampled', async () => {
    expect(await openGpuMeter(nothing, 0, 20)).toBeNull();
    expect(await openGpuMeter(install(driver, ['timestamp']), 0, 20)).toBeNull();
  });
});

describe('summarizeGpu', () => {
  const sample = (seconds: number, more: Partial<GpuSample>): GpuSample => ({
    at: seconds * 1000,
    watts: 100,
    smMHz: 1980,
    celsius: 40,
    memoryMiB: 1,
    reasons: 0,
    ...more,
  });

  it('tells heat and hardware slowdown from a power cap and from idling', () => {
    expect(summarizeGpu([sample(0, {}), sample(1, { reasons: 0x5, smMHz: 1200, celsius: 80 })])).toEqual({
      samples: 2,
      throttled: false,
      powerCapped: true,
      joules: 100,
      maxCelsius: 80,
      minSmMHz: 1200,
    });
    for (const reasons of [0x8, 0x20, 0x40, 0x80])
      expect(summarizeGpu([sample(0, { reasons })])).toMatchObject({ throttled: true, powerCapped: false });
    expect(summarizeGpu([sample(0, { reasons: 0x113 })]).throttled).toBe(false);
  });

  it('integrates power over uneven times, and knows nothing from nothing', () => {
    expect(
      summarizeGpu([sample(0, { watts: 100 }), sample(1, { watts: null }), sample(2, { watts: 300 }), sample(2.5, { watts: 300 })]).joules,
    ).toBe(550);
    expect(summarizeGpu([])).toEqual({ samples: 0, throttled: null, powerCapped: null, joules: null, maxCelsius: null, minSmMHz: null });
    expect(summarizeGpu([sample(0, { watts: null, reasons: null })])).toMatchObject({ throttled: null, joules: null });
  });
});

it('machineFacts names the GPU where there is one', async () => {
  expect(await machineFacts(install(driver))).toMatchObject({ gpu: 'NVIDIA H200', gpuDriver: '570.86.15', gpuMemoryMiB: 143771 });
  expect(await machineFacts(nothing)).toMatchObject({
    gpu: null,
    gpuDriver: null,
    gpuMemoryMiB: null,
    platform: `${process.platform}-${process.arch}`,
  });
});
