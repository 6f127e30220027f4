import { expect, it } from 'vitest';
import type { CallPoint } from '../../src/records/metric.ts';
import type { LoadedModel } from '../../src/runtime/decoder.ts';
import { repeatAlone } from '../../src/worker/solo.ts';

const call: CallPoint = { id: 'decode', kind: 'call', phase: 'decode', length: 8, batch: 2, rounds: 1, warmUp: 0, arms: [] };
const facts = { seconds: 0, vmHwmBytes: 2 ** 30, cpuSeconds: 0, runNs: 0, waitNs: 0, pressure: 0, throttled: null };

/** A step takes 100 ms and `joules` of energy; null: no meter. */
const alone = async (joules: number | null, provider = 'cpu', vmHwmBytes: number | null = 2 ** 30) => {
  let [now, steps] = [0, 0];
  const model = {
    prepareCall: async () => async () => {
      now += 100;
      steps++;
    },
  } as unknown as LoadedModel;
  const point = { id: 'solo', kind: 'solo', of: 'decode', seconds: 5, launches: 3, arms: ['head'] } as const;
  const tools = {
    clock: { wall: () => now, cpu: () => now, thread: () => now },
    beat: () => undefined,
    energy: () => (joules === null ? null : { joules: () => joules * steps }),
    processFacts: () => ({ ...facts, vmHwmBytes }),
  };
  return { ...(await repeatAlone(point, call, model, { seed: 1, provider }, tools)), steps };
};

it('goes on for the seconds of the point where a meter counts', async () => {
  expect(await alone(3)).toEqual({ series: { 'peak-bytes': [2 ** 30], 'joules-per-token': [1.5] }, warnings: [], steps: 50 });
});

it('takes as many steps as the peak needs where there is no meter, and says so', async () => {
  expect(await alone(null)).toEqual({
    series: { 'peak-bytes': [2 ** 30] },
    warnings: ['no-meter: joules-per-token: no energy meter on this machine'],
    steps: 8,
  });
  expect((await alone(3, 'cpu', null)).warnings).toEqual(['no-meter: peak-bytes: this system does not tell the peak resident set']);
  expect((await alone(null, 'cpu', null)).warnings).toEqual([
    'no-meter: joules-per-token: no energy meter on this machine',
    'no-meter: peak-bytes: this system does not tell the peak resident set',
  ]);
});

it('has no numbers of the host for what runs on a device', async () => {
  expect(await alone(3, 'cuda')).toEqual({
    series: {},
    warnings: ['no-meter: *: memory and energy that a device uses for provider cuda are not read'],
    steps: 0,
  });
});
