import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GateError } from '../../src/errors.ts';
import { openSafetensors } from '../../src/models/safetensors.ts';
import { openWeights, reordered, transposed } from '../../src/models/weights.ts';
import { testFolder } from '../testkit/folder.ts';
import { writeSafetensors } from './safetensors-file.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const good = { a: { dtype: 'F16', shape: [2], data: bytes(0x00, 0x3c, 0x00, 0xc0) }, b: { dtype: 'U8', shape: [3], data: bytes(1, 2, 3) } };

const refusal = (action: () => unknown): string => {
  try {
    action();
  } catch (thrown) {
    if (thrown instanceof GateError) return `${thrown.code}: ${thrown.message}`;
    throw thrown;
  }
  return 'accepted';
};

const spoiled = (edit: (table: Record<string, unknown>) => unknown): string => {
  const path = join(testFolder(), 'x.safetensors');
  writeSafetensors(path, good, edit);
  return refusal(() => openSafetensors(path).close());
};
const withA =
  (entry: unknown) =>
  (table: Record<string, unknown>): unknown => ({ ...table, a: entry });

describe('openSafetensors', () => {
  test('reads tensors by name and position', () => {
    const path = join(testFolder(), 'x.safetensors');
    writeSafetensors(path, good);
    const file = openSafetensors(path);
    expect([...file.entries.keys()]).toEqual(['a', 'b']);
    expect(file.read('b')).toEqual(bytes(1, 2, 3));
    expect(refusal(() => file.read('c'))).toContain('a tensor "c"');
    file.close();
  });

  test.each([
    ['an unknown type', withA({ dtype: 'F12', shape: [2], data_offsets: [0, 4] })],
    ['a negative dimension', withA({ dtype: 'F16', shape: [-2], data_offsets: [0, 4] })],
    ['a fractional offset', withA({ dtype: 'F16', shape: [2], data_offsets: [0.5, 4.5] })],
    ['dimensions that overflow', withA({ dtype: 'F16', shape: [2 ** 40, 2 ** 40], data_offsets: [0, 4] })],
    ['a range that does not fit the shape', withA({ dtype: 'F16', shape: [3], data_offsets: [0, 4] })],
    ['a range after the end', withA({ dtype: 'F16', shape: [2], data_offsets: [100, 104] })],
    ['a backward range', withA({ dtype: 'F16', shape: [2], data_offsets: [4, 0] })],
    ['an overlap', withA({ dtype: 'F16', shape: [2], data_offsets: [2, 6] })],
    ['an unknown key', withA({ dtype: 'F16', shape: [2], data_offsets: [0, 4], more: 1 })],
    ['a table that is a list', () => [1]],
  ])('refuses %s', (_, edit) => {
    expect(spoiled(edit)).toMatch(/^model-invalid/);
  });

  test('accepts the same table unspoiled', () => {
    expect(spoiled((table) => table)).toBe('accepted');
  });

  test('refuses a header longer than the file, and a missing file', () => {
    const path = join(testFolder(), 'x.safetensors');
    const size = Buffer.alloc(16);
    size.writeBigUInt64LE(2n ** 60n);
    writeFileSync(path, size);
    expect(refusal(() => openSafetensors(path))).toContain('claims');
    expect(refusal(() => openSafetensors(join(path, 'none')))).toContain('cannot be opened');
  });

  test('truncations and flipped bits end in a coded error or a readable table, nothing else', () => {
    const path = join(testFolder(), 'x.safetensors');
    writeSafetensors(path, good);
    const whole = readFileSync(path);
    fc.assert(
      fc.property(fc.nat(whole.length), fc.nat(whole.length * 8 - 1), (length, bit) => {
        const damaged = Buffer.from(whole);
        const at = bit >> 3;
        damaged[at] = (damaged[at] ?? 0) ^ (1 << (bit & 7));
        writeFileSync(path, damaged.subarray(0, length));
        expect(refusal(() => openSafetensors(path).close())).toMatch(/^(accepted|model-invalid)/);
      }),
      { numRuns: 300 },
    );
  });
});

describe('openWeights', () => {
  test('gives float32 of the shape asked for, and refuses another', () => {
    const path = join(testFolder(), 'x.safetensors');
    writeSafetensors(path, {
      ...good,
      c: { dtype: 'BF16', shape: [1], data: bytes(0x80, 0x3f) },
      d: { dtype: 'F32', shape: [1], data: new Uint8Array(Float32Array.of(0.5).buffer) },
    });
    const weights = openWeights([path]);
    expect(weights.read('a', [2])).toEqual(Float32Array.of(1, -2));
    expect(weights.read('c', [1])).toEqual(Float32Array.of(1));
    expect(weights.read('d', [1])).toEqual(Float32Array.of(0.5));
    expect(weights.dims('a')).toEqual([2]);
    expect(weights.dims('nothing')).toBeNull();
    expect(refusal(() => weights.read('a', [1, 2]))).toContain('Expected [1,2]');
    expect(refusal(() => weights.read('b', [3]))).toContain('type U8');
    expect(refusal(() => weights.read('z', [1]))).toContain('a weight "z"');
    weights.close();
    expect(refusal(() => openWeights([path, path]))).toContain('two files');
  });

  test('transposing twice is nothing; reordering moves rows', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }), (rows, columns) => {
        const values = Float32Array.from({ length: rows * columns }, (_, i) => i);
        expect(transposed(transposed(values, rows, columns), columns, rows)).toEqual(values);
      }),
    );
    expect(transposed(Float32Array.of(1, 2, 3, 4, 5, 6), 2, 3)).toEqual(Float32Array.of(1, 4, 2, 5, 3, 6));
    expect(reordered(Float32Array.of(1, 2, 3, 4), 2, [1, 0])).toEqual(Float32Array.of(3, 4, 1, 2));
  });
});
