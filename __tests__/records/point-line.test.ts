import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scanPointLine } from '../../src/records/point-line.ts';
import { checkLine } from '../../src/records/sample-line.ts';

const scan = (text: string) => scanPointLine(Buffer.from(text), 0, Buffer.byteLength(text));

/** What the parser and the schema make of a line: the slow and obvious way. Null: refused. */
const slow = (text: string): unknown => {
  try {
    return checkLine(JSON.parse(text), 'here');
  } catch {
    return null;
  }
};

const lineOf = (values: unknown, warnings: readonly string[] = []): string =>
  JSON.stringify({ line: 'point', launch: 'a/b#screen-0', point: 'decode', values, warnings });

/** A line with one column, whose numbers are given as they stand. */
const withNumbers = (text: string): string => lineOf({ head: { s: [] } }).replace('[]', `[${text}]`);

const arm = fc.constantFrom('reference', 'base', 'head', 'comparator:dense', 'comparator:__proto__', 'other', '__proto__', '');
const name = fc.oneof(fc.constantFrom('wall-ms', '__proto__', 'constructor', '1', '0', ''), fc.string({ unit: 'binary', maxLength: 6 }));
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.integer({ min: -1e15, max: 1e15 }).map((nanoseconds) => nanoseconds / 1e6),
);

describe('a line of a point', () => {
  it('is read to the bit as the parser reads it, when the gate wrote it', () => {
    const plain = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
    const values = fc.dictionary(
      fc.constantFrom('reference', 'base', 'head', 'comparator:dense'),
      fc.dictionary(plain, fc.array(number, { minLength: 1, maxLength: 5 }), { minKeys: 1, maxKeys: 3 }),
      { minKeys: 1, maxKeys: 4 },
    );
    fc.assert(
      fc.property(values, fc.array(fc.string(), { maxLength: 2 }), (columns, warnings) => {
        const text = lineOf(columns, warnings);
        expect(scan(text)).toStrictEqual(slow(text));
      }),
      { numRuns: 500 },
    );
  });

  it('is never read where the parser refuses it or reads something else', () => {
    const columns = fc.dictionary(arm, fc.dictionary(name, fc.array(number, { maxLength: 3 }), { maxKeys: 3 }), { maxKeys: 3 });
    const edit = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      cut: fc.nat(4),
      put: fc.oneof(
        fc.constantFrom('', ',', '"', '{', '}', '[', ']', ':', '-', '.', 'e', '0', ' ', '\\', '\n', '1e999', 'null', '[]', '"s":[1],', 'ß'),
        fc.string({ unit: 'binary', maxLength: 3 }),
      ),
    });
    fc.assert(
      fc.property(columns, fc.array(fc.string(), { maxLength: 1 }), fc.array(edit, { maxLength: 2 }), (given, warnings, edits) => {
        let text = lineOf(given, warnings);
        for (const { at, cut, put } of edits) {
          const from = Math.floor(at * text.length);
          text = text.slice(0, from) + put + text.slice(from + cut);
        }
        const scanned = scan(text);
        // A series may be called `constructor`, which the matchers of vitest stumble over.
        if (scanned !== null) expect(isDeepStrictEqual(scanned, slow(text)), text).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });

  it.each([
    ['0', 0],
    ['-0', -0],
    ['0.1', 0.1],
    ['42.074516', 42.074516],
    ['123456789.123456', 123456789.123456],
    ['999999999.999999', 999999999.999999],
    ['1234567890.5', 1234567890.5],
    ['0.000000001', 1e-9],
    ['0.0000000001', 1e-10],
    ['9007199254740993', 9007199254740992],
    ['0.30000000000000004', 0.1 + 0.2],
    ['1e-7', 1e-7],
    ['-1.5E+3', -1500],
    ['5e-324', 5e-324],
    ['1e-999', 0],
  ])('holds the number %s', (text, value) => {
    expect(scan(withNumbers(text))?.values['head']?.['s']).toStrictEqual([value]);
    expect(scan(withNumbers(`1,${text},2.5`))?.values['head']?.['s']).toStrictEqual([1, value, 2.5]);
  });

  it.each([
    '',
    '01',
    '-',
    '+1',
    '.5',
    '1.',
    '1.e3',
    '1e',
    '1e+',
    '1,',
    ',1',
    '1 ',
    ' 1',
    '1,,2',
    '0x1',
    '1_0',
    'NaN',
    'Infinity',
    '1e999',
    '-1e999',
    'null',
    '"1"',
    '[1]',
    '1-2',
    '1.2.3',
  ])('is left to the parser with the numbers %j', (text) => {
    expect(scan(withNumbers(text))).toBeNull();
  });

  it('is left to the parser where a name stands twice, is escaped, or is no arm, and where something follows', () => {
    const good = lineOf({ head: { s: [1] } });
    expect(scan(good)).not.toBeNull();
    for (const [from, to] of [
      ['"s":[1]', '"s":[1],"s":[2]'],
      ['{"head":', '{"head":{"s":[1]},"head":'],
      ['"s"', '"\\u0073"'],
      ['"s"', '"__proto__"'],
      ['head', 'tail'],
      ['"decode"', '"d\\n"'],
      ['"decode"', '"ß"'],
      ['"warnings":[]', '"warnings":[1]'],
      ['"warnings":[]', '"warnings":[],"warnings":[]'],
      ['"warnings":[]', '"warnings":[],"more":0'],
      [',"warnings":[]', ''],
    ] as const)
      expect(scan(good.replace(from, to)), to).toBeNull();
    expect(scan(`${good} `)).toBeNull();
    expect(scan(good.slice(0, -1))).toBeNull();
  });

  it('ends where it is told, whatever the bytes go on with', () => {
    const good = lineOf({ head: { s: [1] } });
    const bytes = Buffer.from(`x\n${good}\n${good}\n`);
    expect(scanPointLine(bytes, 2, 2 + good.length)).toStrictEqual(slow(good));
    for (let end = 2; end < 2 + good.length; end++) expect(scanPointLine(bytes, 2, end)).toBeNull();
    expect(scanPointLine(bytes, 2, bytes.length - 1)).toBeNull();
  });
});
