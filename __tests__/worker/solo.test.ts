import { expect, it } from 'vitest';
import { readAbsence } from '../../src/records/absence.ts';
import type { CallPoint, OperatingPoint } from '../../src/records/metric.ts';
import type { LoadedModel } from '../../src/runtime/decoder.ts';
import type { LaunchTools } from '../../src/worker/launch-tools.ts';
import { repeatAlone } from '../../src/worker/solo.ts';

const call: CallPoint = { id: 'quick', kind: 'call', phase: 'decode', length: 8, batch: 2, rounds: 1, warmUp: 0, arms: ['head'] };
const point: Extract<OperatingPoint, { kind: 'solo' }> = { id: 'solo', kind: 'solo', of: 'quick', seconds: 1, launches: 3, arms: ['head'] };
const model = { prepareCall: async () => async () => undefined } as unknown as LoadedModel;

const alone = (vmHwmBytes: number | null, metered: boolean) => {
  let now = 0;
  const tools = {
    clock: { wall: () => (now += 100) },
    beat: () => undefined,
    energy: () => (metered ? { joules: () => now / 10 } : null),
    processFacts: () => ({ vmHwmBytes }),
  } as unknown as LaunchTools;
  return repeatAlone(point, call, model, 1, tools);
};

it.each([
  [1e8, true, ['joules-per-token', 'peak-bytes'], []],
  [1e8, false, ['peak-bytes'], ['joules-per-token']],
  [null, true, ['joules-per-token'], ['peak-bytes']],
  [null, false, [], ['joules-per-token', 'peak-bytes']],
] as const)('says of each series that it cannot give why (peak %s, meter %s)', async (peak, metered, given, lacking) => {
  const { series, warnings } = await alone(peak, metered);
  expect(Object.keys(series).toSorted()).toEqual(given);
  const absences = warnings.map(readAbsence);
  expect(absences.map((absence) => absence?.series)).toEqual(lacking);
  for (const absence of absences) expect(absence?.reason).toMatch(absence?.series === 'peak-bytes' ? /peak resident set/ : /energy meter/);
});
