import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Absence, absenceText, readAbsence } from '../../src/records/absence.ts';

const states = ['not-applicable', 'unsupported-export', 'no-meter', 'refused'] as const;

describe('why a series is not there', () => {
  it('is read as it was written, whatever the reason says', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...states),
        fc.stringMatching(/^[a-z0-9-]{1,40}$/),
        fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom('a: b: c', 'no-meter: x: y', '\n: ', ' ')),
        (state, series, reason) => {
          const absence: Absence = { state, series, reason };
          expect(readAbsence(absenceText(absence))).toEqual(absence);
        },
      ),
    );
  });

  it.each([
    '',
    'no-meter',
    'no-meter: ',
    'no-meter: this machine has none',
    'no-meter: two words: reason',
    'no-meter: joules: ',
    ' no-meter: joules: reason',
    'no-base: joules: reason',
    'missing: joules: reason',
    `no-meter: ${'x'.repeat(81)}: reason`,
    'pruned-then-factored: session-failed: shapes differ',
  ])('is not read from other words: %j', (warning) => {
    expect(readAbsence(warning)).toBeNull();
  });

  it('takes any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => readAbsence(text) === null));
    expect(readAbsence(`no-meter: ${': '.repeat(1e6)}`)).toBeNull();
  });
});
