import { providerFacts } from '../records/provider.ts';
import type { MachineFacts } from '../telemetry/machine.ts';
import type { Check } from './check.ts';

/**
 * Says whether launches report energy: they read the counters of the processor and no other meter.
 * @param counters whether the RAPL counters can be read
 */
export const meterCheck = ({ gpu }: Pick<MachineFacts, 'gpu'>, provider: string, counters: boolean): Check => {
  if (!providerFacts(provider).metered)
    return { id: 'energy', status: 'absent', says: `memory and energy that a device uses for provider ${provider} are not read` };
  const unread = gpu === null ? '' : '; what the GPU uses is not read';
  return counters
    ? { id: 'energy', status: 'ok', says: `RAPL counters of the processor${unread}` }
    : { id: 'energy', status: 'absent', says: `no RAPL counters that this user may read: energy is not reported${unread}` };
};
