import { z } from 'zod';

/** A number, or text of one pattern; whatever else is written, the message says what is meant. */
const written = (range: { readonly least: number; readonly most: number }, pattern: RegExp, message: string) =>
  z.union([z.number().min(range.least, message).max(range.most, message), z.string().regex(pattern, message)], message);

const percentPattern = /^(\d{1,9}(?:\.\d{1,9})?) ?%$/;

/** A size of change: `2%` is the fraction 0.02 and known to be relative; a bare number is in the metric's own unit. */
export interface Tolerance {
  readonly value: number;
  readonly relative: boolean;
}

/** `2%` or a number of the metric's unit, never negative, at most 1000 %. */
export const tolerance = written(
  { least: 0, most: 1e12 },
  percentPattern,
  'must be a percentage such as 2%, or a number in the unit of the metric',
)
  .transform(
    (text): Tolerance =>
      typeof text === 'number' ? { value: text, relative: false } : { value: Number.parseFloat(text) / 100, relative: true },
  )
  .refine(({ value, relative }) => !relative || value <= 10, 'must be at most 1000%');

/** A fraction greater than 0 and at most 10, written as a percentage (`10%`) or as the fraction itself (`0.1`). */
export const fraction = written({ least: 0, most: 10 }, percentPattern, 'must be a percentage such as 10%')
  .transform((text) => (typeof text === 'number' ? text : Number.parseFloat(text) / 100))
  .refine((value) => value > 0 && value <= 10, 'must be more than 0% and at most 1000%');

const unitSeconds = { ms: 0.001, s: 1, m: 60, min: 60, h: 3600 } as const;
const durationPattern = /^(\d{1,9}(?:\.\d{1,6})?) ?(ms|s|m|min|h)$/;

/** Seconds, as a number or with a unit: `90`, `90s`, `10m`, `1.5h`. From 1 ms to 7 days. */
export const duration = written({ least: 0, most: 1e9 }, durationPattern, 'must be a duration such as 90s, 10m or 1h')
  .transform((text) => {
    if (typeof text === 'number') return text;
    const [, amount = '0', unit = 's'] = durationPattern.exec(text) ?? [];
    return Number(amount) * unitSeconds[unit as keyof typeof unitSeconds];
  })
  .refine((seconds) => seconds >= 0.001 && seconds <= 604_800, 'must lie between 1ms and 168h');

/** Bytes in one of each unit. */
export const unitBytes = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 } as const;
const bytesPattern = /^(\d{1,15}(?:\.\d{1,6})?) ?(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)$/;

/** Bytes, as a whole number or with a unit: `512MiB`, `4GB`. From 1 MiB to 64 TiB, rounded to whole bytes. */
export const byteSize = written({ least: 0, most: 1e15 }, bytesPattern, 'must be a size such as 512MiB or 4GiB')
  .transform((text) => {
    if (typeof text === 'number') return text;
    const [, amount = '0', unit = 'B'] = bytesPattern.exec(text) ?? [];
    return Math.round(Number(amount) * unitBytes[unit as keyof typeof unitBytes]);
  })
  .refine(
    (bytes) => Number.isSafeInteger(bytes) && bytes >= 2 ** 20 && bytes <= 64 * 2 ** 40,
    'must be whole bytes between 1MiB and 64TiB',
  );

/** As written: `<= 0.3`, `>= 1.1`, `<= 60 MiB`. `unit` null: that of the metric. */
export interface WrittenRequirement {
  readonly must: 'at-most' | 'at-least';
  readonly amount: number;
  readonly unit: string | null;
  /** For messages. */
  readonly text: string;
}

const boundPattern = /^(<=|≤|>=|≥) ?(-?\d{1,15}(?:\.\d{1,15})?(?:e[+-]?\d{1,2})?) ?([a-zA-Zµ%×/]{1,20})?$/;
const boundRule = 'must be a bound such as "<= 0.3" or ">= 1.1", with or without the unit of the metric';

/** `<= NUMBER` or `>= NUMBER`, with or without a unit. */
export const requirement = z
  .string(boundRule)
  .regex(boundPattern, boundRule)
  .transform((text): WrittenRequirement => {
    const [, sign = '<=', amount = '0', unit] = boundPattern.exec(text) ?? [];
    return { must: sign === '<=' || sign === '≤' ? 'at-most' : 'at-least', amount: Number(amount), unit: unit ?? null, text };
  });
