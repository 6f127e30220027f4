import { GateError } from '../errors.ts';
import { decodeValue } from './decode.ts';
import { scanPointLine } from './point-line.ts';
import { launchPurpose, processFacts, type SampleLine, sampleLine } from './sample.ts';
import { armId, cellPattern } from './words.ts';

type PointLine = Extract<SampleLine, { line: 'point' }>;
type LaunchLine = Extract<SampleLine, { line: 'launch' }>;
type EndLine = Extract<SampleLine, { line: 'end' }>;

/** One line of samples.jsonl, `bytes[from, to)`, parsed and checked. Throws `document-invalid`; `where` names the line. */
export const parseLine = (bytes: Buffer, from: number, to: number, where: string): SampleLine => {
  const scanned = scanPointLine(bytes, from, to);
  if (scanned !== null) return scanned;
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8', from, to));
  } catch (thrown) {
    throw new GateError(
      'document-invalid',
      `The samples were read. Expected a line of JSON, got: ${thrown instanceof Error ? thrown.message.slice(0, 300) : String(thrown)}`,
      {
        where,
        cause: thrown,
      },
    );
  }
  return checkLine(value, where);
};

/**
 * Lines of launches are most of the file, and a schema library takes many times as long for them as a check by hand. What that
 * does not accept at once is left to the schema, which finds the words for it.
 */
export const checkLine = (value: unknown, where: string): SampleLine => {
  if (!isObject(value)) return decodeValue(sampleLine, value, where);
  switch (value['line']) {
    case 'point':
      if (!isPointHead(value)) decodeValue(sampleLine, { ...value, values: {} }, where);
      break;
    case 'launch':
      return isLaunch(value) ? (value as unknown as LaunchLine) : decodeValue(sampleLine, value, where);
    case 'end':
      return isPlainEnd(value) ? (value as unknown as EndLine) : decodeValue(sampleLine, value, where);
    default:
      return decodeValue(sampleLine, value, where);
  }
  const wrong = findWrongColumn(value['values']);
  if (wrong !== null) throw new GateError('document-invalid', `The samples were read. At values${wrong}.`, { where });
  return value as unknown as PointLine;
};

type Fields = Readonly<Record<string, unknown>>;

const hasKeys = (value: Fields, keys: readonly string[]): boolean =>
  Object.keys(value).length === keys.length && keys.every((key) => Object.hasOwn(value, key));

const areStrings = (...values: readonly unknown[]): boolean => values.every((value) => typeof value === 'string');

const pointKeys = ['line', 'launch', 'point', 'values', 'warnings'] as const;
const isPointHead = (value: Fields): boolean =>
  hasKeys(value, pointKeys) &&
  areStrings(value['launch'], value['point']) &&
  Array.isArray(value['warnings']) &&
  areStrings(...value['warnings']);

const purposes: ReadonlySet<unknown> = new Set(launchPurpose.options);
const launchKeys = ['line', 'launch', 'cell', 'purpose', 'index', 'selfCheck'] as const;
const isLaunch = (value: Fields): boolean =>
  hasKeys(value, launchKeys) &&
  areStrings(value['launch'], value['cell']) &&
  cellPattern.test(String(value['cell'])) &&
  purposes.has(value['purpose']) &&
  Number.isSafeInteger(value['index']) &&
  Number(value['index']) >= 0 &&
  typeof value['selfCheck'] === 'boolean';

const endings: ReadonlySet<unknown> = new Set(['complete', 'failed', 'discarded']);
const endKeys = ['line', 'launch', 'status', 'error', 'process'] as const;
const isPlainEnd = (value: Fields): boolean =>
  hasKeys(value, endKeys) &&
  areStrings(value['launch']) &&
  endings.has(value['status']) &&
  value['error'] === null &&
  (value['process'] === null || processFacts.safeParse(value['process']).success);

const plainArms: ReadonlySet<string> = new Set(['reference', 'base', 'head']);

const findWrongColumn = (columns: unknown): string | null => {
  if (!isObject(columns)) return ': not an object';
  for (const arm of Object.keys(columns)) {
    if (!plainArms.has(arm) && !armId.safeParse(arm).success)
      return `: ${JSON.stringify(arm.slice(0, 100))} is neither base, head, reference, a comparator nor a self-check`;
    const series = columns[arm];
    if (!isObject(series)) return `.${arm}: not an object`;
    for (const name of Object.keys(series)) {
      if (name === '__proto__') return `.${arm}: a series cannot be called ${name}`;
      const numbers = series[name];
      if (!Array.isArray(numbers)) return `.${arm}.${name.slice(0, 100)}: not an array`;
      const at = firstNonFinite(numbers);
      if (at !== -1) return `.${arm}.${name.slice(0, 100)}[${at}]: not a finite number`;
    }
  }
  return null;
};

const firstNonFinite = (values: readonly unknown[]): number => {
  for (let at = 0; at < values.length; at++) if (!Number.isFinite(values[at])) return at;
  return -1;
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
