import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSeriesWarning, type SeriesWarning, seriesWarningText } from '../../src/records/series-warning.ts';

describe('a warning about one series', () => {
  it('is read as it was written, whatever it says', () => {
    const text = fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom('a: b: c', 'warning: x: y', '\n: ', ' '));
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9-]{1,40}$/), text, (series, said) => {
        const warning: SeriesWarning = { series, text: said };
        expect(readSeriesWarning(seriesWarningText(warning))).toEqual(warning);
      }),
    );
  });

  it.each([
    '',
    'warning',
    'warning: ',
    'warning: of everything',
    'warning: two words: text',
    'warning: joules: ',
    ' warning: joules: text',
    'no-meter: joules: none',
    `warning: ${'x'.repeat(81)}: text`,
  ])('is not read from other words: %j', (warning) => {
    expect(readSeriesWarning(warning)).toBeNull();
  });

  it('is the whole of a warning, or none, whatever follows its kind', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (rest) => {
        const found = readSeriesWarning(`warning: ${rest}`);
        expect(found === null ? rest : `${found.series}: ${found.text}`).toBe(rest);
      }),
    );
    expect(readSeriesWarning(`warning: ${': '.repeat(1e6)}`)).toBeNull();
  });
});
