import { describe, expect, it } from 'vitest';
import { recordTrust } from '../../src/launching/record-trust.ts';
import type { HostEvent } from '../../src/records/event.ts';

const checkout = { kind: 'any' } as const;
const branch: HostEvent = { kind: 'default-branch', repository: 'r', branch: 'main', checkout, commit: null, before: null };
const change: HostEvent = { kind: 'change', repository: 'r', number: 7, checkout, base: { kind: 'commit', commit: 'a'.repeat(40) } };
const developer = (measures: 'change' | 'default-branch'): HostEvent => ({ kind: 'developer', measures });
const head = (dirty: boolean) => ({ commit: 'b'.repeat(40), dirty });

describe('which records a run believes', () => {
  it('is said by the event: only an unchanged commit of the default branch is trusted', () => {
    const trusted = { reads: ['default-branch'], writes: 'default-branch' };
    const untrusted = { reads: ['default-branch', 'changes'], writes: 'changes' };
    expect(recordTrust(branch, { event: 'default-branch', head: head(false) })).toEqual(trusted);
    // A scheduled run that checks out another commit, or edits the checkout, is one of a change.
    expect(recordTrust(branch, { event: 'change', head: head(false) })).toEqual(untrusted);
    expect(recordTrust(branch, { event: 'default-branch', head: head(true) })).toEqual(untrusted);
    // Whatever a plan says that was written elsewhere.
    expect(recordTrust(change, { event: 'default-branch', head: head(false) })).toEqual(untrusted);
    expect(recordTrust(change, { event: 'change', head: head(false) })).toEqual(untrusted);
  });

  it('is a developer’s own for a developer, whatever is measured', () => {
    for (const measures of ['change', 'default-branch'] as const)
      expect(recordTrust(developer(measures), { event: measures, head: head(false) })).toEqual({ reads: ['local'], writes: 'local' });
  });
});
