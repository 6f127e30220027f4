import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSeriesWarning, type SeriesWarning, seriesWarningText } from '../../src/records/series-warning.ts';

describe('a doubt about one series', () => {
  it('is read as it was written, whatever it says', () => {
    const text = fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom('a: b: c', 'doubt: x: y', '\n: ', ' '));
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9-]{1,40}$/), text, (series, said) => {
        const doubt: SeriesWarning = { series, text: said };
        expect(readSeriesWarning(seriesWarningText(doubt))).toEqual(doubt);
      }),
    );
  });

  it.each([
    '',
    'doubt',
    'doubt: ',
    'doubt: of everything',
    'doubt: two words: text',
    'doubt: joules: ',
    ' doubt: joules: text',
    'no-meter: joules: none',
    `doubt: ${'x'.repeat(81)}: text`,
  ])('is not read from other words: %j', (warning) => {
    expect(readSeriesWarning(warning)).toBeNull();
  });

  it('is the whole of a warning, or none, whatever follows its kind', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (rest) => {
        const found = readSeriesWarning(`doubt: ${rest}`);
        expect(found === null ? rest : `${found.series}: ${found.text}`).toBe(rest);
      }),
    );
    expect(readSeriesWarning(`doubt: ${': '.repeat(1e6)}`)).toBeNull();
  });
});
