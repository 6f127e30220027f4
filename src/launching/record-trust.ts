import type { HostEvent } from '../records/event.ts';
import type { Plan } from '../records/plan.ts';
import type { RecordTrust } from '../store/record-book.ts';

/**
 * Which records a run believes and where it writes its own (docs/store.md). The event decides, as
 * the host tells it; nothing of head's tree can.
 */
export const recordTrust = ({ kind }: HostEvent, { event, head }: Pick<Plan, 'event' | 'head'>): RecordTrust => {
  if (kind === 'developer') return { reads: ['local'], writes: 'local' };
  if (kind === 'default-branch' && event === 'default-branch' && !head.dirty)
    return { reads: ['default-branch'], writes: 'default-branch' };
  return { reads: ['default-branch', 'changes'], writes: 'changes' };
};
