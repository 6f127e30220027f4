import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  allowanceText,
  changeText,
  counted,
  durationText,
  passage,
  probabilityText,
  quantity,
  quantityWithin,
  signedPercent,
  significant,
  speedUpText,
  takenText,
} from '../../src/report/number.ts';

const table = <T extends readonly unknown[]>(rows: readonly (readonly [...T, string])[], write: (...given: T) => string | null): void => {
  for (const row of rows) {
    const given = row.slice(0, -1) as unknown as T;
    expect(write(...given), JSON.stringify(given)).toBe(row.at(-1));
  }
};

describe('numbers', () => {
  it('have three significant digits', () => {
    table<[number | null]>(
      [
        [0, '0'],
        [-0, '0'],
        [1, '1.00'],
        [12.345, '12.3'],
        [-0.012345, '−0.0123'],
        [999.4, '999'],
        [999.6, '1,000'],
        [1234.5, '1,235'],
        [12345678, '12,345,678'],
        [0.00001234, '1.2e−5'],
        [1e300, '1.0e+300'],
        [null, '–'],
        [Number.NaN, '–'],
        [Number.POSITIVE_INFINITY, '–'],
      ],
      significant,
    );
  });

  it('have the unit that people read them in', () => {
    table<[number | null, string]>(
      [
        [12_912_384, 'bytes', '12.3 MiB'],
        [512, 'bytes', '512 B'],
        [1023.9 * 1024, 'bytes', '1.00 MiB'],
        [2048, 'bytes/token', '2.00 KiB/token'],
        [4.1, 'ms', '4.10 ms'],
        [0.0123, 'ms', '12.3 µs'],
        [12_345, 'ms', '12.3 s'],
        [0.05, 's', '50.0 ms'],
        [1.2345, '×', '1.23×'],
        [96.41, '%', '96.4 %'],
        [7, 'count', '7'],
        [6_412_800, 'count', '6.41 M'],
        [0.71, '0–1', '0.710'],
        [41.2, 'requests/s', '41.2 requests/s'],
        [0, 'ms', '0 ms'],
        [null, 'ms', '–'],
        [1, 'a|b\n`@c`<i>', '1.00 abci'],
      ],
      quantity,
    );
  });

  it('share the unit between before and after', () => {
    expect(passage(12_912_384, 900_000, 'bytes')).toBe('12.3 → 0.858 MiB');
    expect(passage(null, 4.1, 'ms')).toBe('– → 4.10 ms');
    expect(passage(null, null, 'ms')).toBeNull();
  });

  it('stand with their interval in one unit, and alone without one', () => {
    expect(quantityWithin(0.01234, { lower: -0.001, upper: 0.0257 }, 'nats/token')).toBe('0.0123 nats/token (−0.00100 … 0.0257)');
    expect(quantityWithin(1_000_000, { lower: 900_000, upper: 2_097_152 }, 'bytes')).toBe('0.954 MiB (0.858 … 2.00)');
    expect(quantityWithin(1.27, { lower: 1.2, upper: 1.34 }, '×')).toBe('1.27× (1.20 … 1.34)');
    expect(quantityWithin(1.27, null, '×')).toBe('1.27×');
    expect(quantityWithin(null, { lower: 1, upper: 2 }, 'ms')).toBe('–');
    expect(quantityWithin(1.27, { lower: 1, upper: Number.POSITIVE_INFINITY }, '×')).toBe('1.27×');
  });

  it('carry signs and intervals as measured', () => {
    expect(changeText({ scale: 'log', unit: 'ms', change: { estimate: 0.0521, lower: 0.031, upper: 0.0744 } })).toBe(
      '+5.21 % (+3.10 … +7.44)',
    );
    expect(changeText({ scale: 'log', unit: 'ms', change: { estimate: -0.2, lower: null, upper: -0.1 } })).toBe('−20.0 % (−∞ … −10.0)');
    expect(changeText({ scale: 'linear', unit: 'nats/token', change: { estimate: 0.012, lower: 0.01, upper: null } })).toBe(
      '+0.0120 nats/token (+0.0100 … +∞)',
    );
    expect(changeText({ scale: 'linear', unit: '%', change: { estimate: -1.5, lower: null, upper: null } })).toBe('−1.50 points');
    expect(changeText({ scale: 'linear', unit: 'bytes', change: { estimate: 1_048_576, lower: 524_288, upper: 2_097_152 } })).toBe(
      '+1.00 MiB (+0.500 … +2.00)',
    );
    expect(changeText({ scale: 'log', unit: 'bytes', change: { estimate: 0, lower: 0, upper: 0 } })).toBe('±0 %');
    const slower = { scale: 'log', unit: 'ms', change: { estimate: 0.0779, lower: 0.05, upper: 0.09 } } as const;
    expect(changeText({ ...slower, base: 38.1, head: 36.9 })).toBe('+7.79 % within launches (+5.00 … +9.00)');
    // Also where they go the same way, by far less or more than the interval holds.
    for (const [base, head] of [
      [36.9, 38.1],
      [0.931, 1.49],
    ] as const)
      expect(changeText({ ...slower, base, head })).toBe('+7.79 % within launches (+5.00 … +9.00)');
    for (const [base, head] of [
      [36.9, 39.6],
      [null, 36.9],
    ] as const)
      expect(changeText({ ...slower, base, head })).toBe('+7.79 % (+5.00 … +9.00)');
    expect(changeText({ scale: 'log', unit: 'ms', change: null })).toBe('–');
    const beyond = (estimate: number, scale: 'log' | 'linear' = 'log') =>
      changeText({ scale, unit: 'points', tolerance: 0.02, change: { estimate, lower: null, upper: null } });
    expect(beyond(0.02001)).toBe('+2.001 %');
    expect(beyond(-0.02001)).toBe('−2.001 %');
    expect(beyond(0.02 * (1 + 1e-12))).toBe('+2.00 %');
    expect(beyond(0.020004, 'linear')).toBe('+0.020004 points');
    expect(signedPercent(0.00001)).toBe('+0.001 %');
    expect(signedPercent(1.5)).toBe('+150 %');
  });

  it('write tolerances, chances, speed-ups and times', () => {
    expect(allowanceText(0.02, { scale: 'log', unit: 'ms' })).toBe('2 %');
    expect(allowanceText(0.001, { scale: 'log', unit: 'bytes' })).toBe('0.1 %');
    expect(allowanceText(0.005, { scale: 'linear', unit: 'nats/token' })).toBe('0.005 nats/token');
    expect(allowanceText(100, { scale: 'linear', unit: 'ms' })).toBe('100 ms');
    expect(allowanceText(null, { scale: 'log', unit: 'ms' })).toBe('–');
    expect([0, 0.0009, 0.012, 0.5, 1, null].map(probabilityText)).toEqual(['< .001', '< .001', '.012', '.500', '1', '–']);
    expect([1.234, 0.8, 1.001, 0, -1, null, Number.NaN].map(speedUpText)).toEqual([
      '1.23× faster',
      '1.25× slower',
      'as fast',
      '–',
      '–',
      '–',
      '–',
    ]);
    expect(takenText({ seconds: 372, waitedSeconds: 0 })).toBe('6 min 12 s');
    expect(takenText({ seconds: 372, waitedSeconds: 45 })).toBe('6 min 12 s (without 45 s of waiting for another measurement)');
    expect([4, 45, 59.7, 372, 3599.9, 7500, -1, Number.NaN].map(durationText)).toEqual([
      '4.0 s',
      '45 s',
      '1 min 0 s',
      '6 min 12 s',
      '1 h 0 min',
      '2 h 5 min',
      '–',
      '–',
    ]);
    expect([counted(1, 'cell'), counted(1234, 'cell'), counted(2, 'launch', 'launches')]).toEqual(['1 cell', '1,234 cells', '2 launches']);
  });

  it('never print what is no number, and keep the sign and the size', () => {
    fc.assert(
      fc.property(fc.double(), fc.constantFrom('ms', 'bytes', 'count', '%', '×', 's'), (value, unit) => {
        const text = quantity(value, unit);
        expect(text).not.toMatch(/NaN|Infinity|-\d/);
        expect(text.startsWith('−')).toBe(Number.isFinite(value) && value < 0);
      }),
    );
    fc.assert(
      fc.property(fc.double({ min: 1e-300, max: 1e300, noNaN: true }), (value) => {
        const back = Number(significant(value).replaceAll(',', '').replace('−', '-'));
        expect(Math.abs(back / value - 1)).toBeLessThan(0.051);
      }),
    );
  });
});
