import type { SampleLine } from './sample.ts';
import { armId } from './words.ts';

type PointLine = Extract<SampleLine, { line: 'point' }>;

const opening = Buffer.from('{"line":"point","launch":"');
const beforePoint = Buffer.from('","point":"');
const beforeValues = Buffer.from('","values":{');
const beforeSeries = Buffer.from(':{');
const beforeNumbers = Buffer.from(':[');
const beforeWarnings = Buffer.from(',"warnings":');

const quote = 0x22;
const comma = 0x2c;
const minus = 0x2d;
const dot = 0x2e;
const zero = 0x30;
const backslash = 0x5c;
const closeBracket = 0x5d;
const closeBrace = 0x7d;

/** Digits of a whole number that 32 bits hold, whatever they are: such numbers are counted much faster. */
const smallDigits = 9;
/** Digits that a double holds exactly. */
const exactDigits = 15;
const powers = Array.from({ length: smallDigits + 1 }, (_, exponent) => 10 ** exponent);

/**
 * A point line as the gate writes it, from `bytes[from, to)`, read without a parser: such lines are nearly all of a file, and reading their
 * numbers nearly all of the gate's work. Null for everything that is not exactly of that form, right or wrong: other order or spacing, escapes,
 * doubled or empty names, empty columns, numbers that are not finite. The caller then parses, which has the words for what is wrong. What is read
 * is what `JSON.parse` reads.
 */
export const scanPointLine = (bytes: Buffer, from: number, to: number): PointLine | null => {
  const launch = after(bytes, from, opening);
  const launchEnd = endOfWord(bytes, launch);
  const point = after(bytes, launchEnd, beforePoint);
  const pointEnd = endOfWord(bytes, point);
  const arms = after(bytes, pointEnd, beforeValues);
  if (arms === -1) return null;
  const values: Record<string, Record<string, number[]>> = {};
  const list = after(bytes, readArms(bytes, arms, values), beforeWarnings);
  if (list === -1 || list >= to || bytes[to - 1] !== closeBrace) return null;
  const warnings = readWarnings(bytes.toString('utf8', list, to - 1));
  if (warnings === null) return null;
  return {
    line: 'point',
    launch: bytes.toString('latin1', launch, launchEnd),
    point: bytes.toString('latin1', point, pointEnd),
    values,
    warnings,
  };
};

/** The place behind `expected`, or -1 when something else is there, or the place itself is -1. */
const after = (bytes: Buffer, at: number, expected: Buffer): number => {
  if (at === -1) return -1;
  for (let offset = 0; offset < expected.length; offset++) if (bytes[at + offset] !== expected[offset]) return -1;
  return at + expected.length;
};

/** Where the quote after a word of plain characters stands; -1 when something else comes first, or the place itself is -1. */
const endOfWord = (bytes: Buffer, from: number): number => {
  if (from === -1) return -1;
  for (let at = from; at < bytes.length; at++) {
    const code = bytes[at] ?? 0;
    if (code === quote) return at;
    if (code < 0x20 || code > 0x7e || code === backslash) return -1;
  }
  return -1;
};

/** The name at a place as a key that `into` does not have yet, and where the colon after it stands; null otherwise. */
const readKey = (
  bytes: Buffer,
  at: number,
  into: Readonly<Record<string, unknown>>,
): { readonly name: string; readonly end: number } | null => {
  if (bytes[at] !== quote) return null;
  const end = endOfWord(bytes, at + 1);
  if (end <= at + 1) return null;
  const name = bytes.toString('latin1', at + 1, end);
  return name === '__proto__' || Object.hasOwn(into, name) ? null : { name, end: end + 1 };
};

/** Where the reading of `{"arm":{…},…}` ended, which begins after its brace; -1 when it is not of that form. */
const readArms = (bytes: Buffer, from: number, into: Record<string, Record<string, number[]>>): number => {
  const scratch: number[] = [];
  for (let at = from; ; at++) {
    const key = readKey(bytes, at, into);
    if (key === null || !isArm(key.name)) return -1;
    const series: Record<string, number[]> = {};
    into[key.name] = series;
    at = readSeries(bytes, after(bytes, key.end, beforeSeries), series, scratch);
    if (at === -1) return -1;
    const code = bytes[at];
    if (code === closeBrace) return at + 1;
    if (code !== comma) return -1;
  }
};

const isArm = (name: string): boolean => name === 'head' || name === 'base' || name === 'reference' || armId.safeParse(name).success;

const readSeries = (bytes: Buffer, from: number, into: Record<string, number[]>, scratch: number[]): number => {
  if (from === -1) return -1;
  for (let at = from; ; at++) {
    const key = readKey(bytes, at, into);
    const start = key === null ? -1 : after(bytes, key.end, beforeNumbers);
    if (key === null || start === -1) return -1;
    const { count, end } = readNumbers(bytes, start, scratch);
    if (end === -1) return -1;
    into[key.name] = scratch.slice(0, count);
    at = end;
    const code = bytes[at];
    if (code === closeBrace) return at + 1;
    if (code !== comma) return -1;
  }
};

const isDigit = (code: number): boolean => code >= zero && code <= zero + 9;

/** Numbers into the beginning of `into`, and the place after their closing bracket; `end` is -1 when something else is there. */
const readNumbers = (bytes: Buffer, from: number, into: number[]): { readonly count: number; readonly end: number } => {
  let count = 0;
  for (let at = from; ; at++) {
    const start = at;
    const negative = bytes[at] === minus;
    if (negative) at++;
    const first = at;
    let code = bytes[at] ?? 0;
    let whole = 0;
    for (; isDigit(code); code = bytes[++at] ?? 0) whole = (Math.imul(whole, 10) + (code - zero)) | 0;
    const digits = at - first;
    if (digits === 0 || (digits > 1 && bytes[first] === zero)) return { count, end: -1 };
    let part = 0;
    let decimals = 0;
    if (code === dot) {
      const fraction = at + 1;
      code = bytes[++at] ?? 0;
      for (; isDigit(code); code = bytes[++at] ?? 0) part = (Math.imul(part, 10) + (code - zero)) | 0;
      decimals = at - fraction;
      if (decimals === 0) return { count, end: -1 };
    }
    if (digits <= smallDigits && decimals <= smallDigits && digits + decimals <= exactDigits && !isExponent(code)) {
      // Both are exact, so their quotient is rounded once, to the double that the decimals mean.
      const power = powers[decimals] ?? Number.NaN;
      const size = (whole * power + part) / power;
      into[count++] = negative ? -size : size;
    } else {
      if (isExponent(code)) {
        at = endOfExponent(bytes, at + 1);
        if (at === -1) return { count, end: -1 };
        code = bytes[at] ?? 0;
      }
      const value = Number(bytes.toString('latin1', start, at));
      if (!Number.isFinite(value)) return { count, end: -1 };
      into[count++] = value;
    }
    if (code === closeBracket) return { count, end: at + 1 };
    if (code !== comma) return { count, end: -1 };
  }
};

const isExponent = (code: number): boolean => code === 0x65 || code === 0x45;

/** The place after the digits of an exponent that begins behind its letter; -1 without any. */
const endOfExponent = (bytes: Buffer, from: number): number => {
  const sign = bytes[from] ?? 0;
  const first = sign === minus || sign === 0x2b ? from + 1 : from;
  let at = first;
  while (isDigit(bytes[at] ?? 0)) at++;
  return at === first ? -1 : at;
};

/** The list that the line ends with, before its last brace. Few lines have warnings, so they are left to the parser. */
const readWarnings = (list: string): readonly string[] | null => {
  if (list === '[]') return [];
  try {
    const parsed: unknown = JSON.parse(list);
    return Array.isArray(parsed) && parsed.every((one) => typeof one === 'string') ? parsed : null;
  } catch {
    return null;
  }
};
