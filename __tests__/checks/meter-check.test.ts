import { expect, it } from 'vitest';
import { meterCheck } from '../../src/checks/meter-check.ts';

it('promises energy only where the counters that can be read count what an arm uses', () => {
  const said = (provider: string, counters: boolean, gpu: string | null = null) => {
    const { status, says } = meterCheck({ gpu }, provider, counters);
    return `${status}: ${says}`;
  };
  expect(said('cpu', true)).toBe('ok: RAPL counters of the processor');
  expect(said('cpu', true, 'H200')).toBe('ok: RAPL counters of the processor; what the GPU uses is not read');
  expect(said('cpu', false)).toBe('absent: no RAPL counters that this user may read: energy is not reported');
  for (const counters of [true, false])
    expect(said('cuda', counters, 'H200')).toBe('absent: memory and energy that a device uses for provider cuda are not read');
});
