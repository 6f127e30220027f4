import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { GateError } from '../../src/errors.ts';
import { decodeDocument, decodeValue, digestOf, encodeDocument, nearest } from '../../src/records/decode.ts';
import { jsonValue } from '../../src/records/words.ts';

const shape = z.strictObject({
  name: z.string(),
  entries: z.array(
    z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('a'), launches: z.int() }),
      z.strictObject({ kind: z.literal('b'), note: z.string().nullable() }),
    ]),
  ),
  table: z.record(z.string(), z.strictObject({ tolerance: z.number() })),
});
const good = { name: 'x', entries: [{ kind: 'a', launches: 3 }], table: { one: { tolerance: 0.1 } } };

const failure = (run: () => unknown): GateError => {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof GateError) return thrown;
    throw thrown;
  }
  throw new Error('nothing was thrown');
};

describe('decodeDocument', () => {
  it('returns what the schema describes', () => {
    expect(decodeDocument(shape, JSON.stringify(good), 'plan.json', 1000)).toEqual(good);
  });

  it('names the path of the first wrong key', () => {
    const wrong = failure(() =>
      decodeDocument(shape, JSON.stringify({ ...good, entries: [good.entries[0], { kind: 'a', launches: 'many' }] }), 'plan.json', 1000),
    );
    expect(wrong).toMatchObject({ code: 'document-invalid', where: 'plan.json' });
    expect(wrong.message).toContain('entries[1].launches');
  });

  it.each([
    [{ ...good, entries: [{ kind: 'a', launches: 1, launchs: 2 }] }, 'entries[0]', '"launches"'],
    [{ ...good, tabel: {} }, 'its top', '"table"'],
    [{ ...good, table: { one: { tolerance: 1, tolerence: 2 } } }, 'table.one', '"tolerance"'],
  ])('suggests the nearest known key', (value, place, suggestion) => {
    const { message } = failure(() => decodeDocument(shape, JSON.stringify(value), 'f', 1000));
    expect(message).toContain(place);
    expect(message).toContain(`Did you mean ${suggestion}?`);
  });

  it('suggests nothing where nothing is near', () => {
    expect(failure(() => decodeValue(shape, { ...good, zzzzzzzz: 1 }, 'f')).message).toBe('At its top: unknown key "zzzzzzzz".');
  });

  it('refuses text above the limit, counted in bytes', () => {
    const text = JSON.stringify({ ...good, name: 'ü'.repeat(20) });
    expect(failure(() => decodeDocument(shape, text, 'f', text.length)).code).toBe('document-too-large');
    expect(decodeDocument(shape, text, 'f', Buffer.byteLength(text)).name).toHaveLength(20);
  });

  it('refuses what is not JSON, prototype keys and bottomless nesting', () => {
    expect(failure(() => decodeDocument(shape, '{"name":', 'f', 100)).message).toContain('Expected JSON');
    expect(failure(() => decodeDocument(shape, '{"__proto__": {"x": 1}, "name": "x", "entries": [], "table": {}}', 'f', 100)).code).toBe(
      'document-invalid',
    );
    const deep = '['.repeat(200_000) + ']'.repeat(200_000);
    expect(failure(() => decodeDocument(jsonValue, deep, 'f', 1e6)).message).toBe('Its values are nested too deeply.');
  });
});

describe('encodeDocument', () => {
  it('is undone by decodeDocument and keeps the order of keys', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = encodeDocument(value);
        expect(text.endsWith('\n')).toBe(true);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
      { numRuns: 50 },
    );
    expect(encodeDocument({ b: 1, a: [2] })).toBe('{\n  "b": 1,\n  "a": [\n    2\n  ]\n}\n');
  });

  it('refuses numbers that JSON would turn into null', () => {
    expect(failure(() => encodeDocument({ value: Number.NaN })).message).toContain('"value"');
  });
});

it('digestOf is the sha256 of the bytes', () => {
  expect(digestOf('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});

it('nearest finds small slips and nothing else', () => {
  expect(nearest('tolerence', ['alpha', 'tolerance'])).toBe('tolerance');
  expect(nearest('seed', ['alpha', 'tolerance'])).toBeNull();
});
