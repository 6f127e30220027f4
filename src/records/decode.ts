import { createHash } from 'node:crypto';
import type { z } from 'zod';
import { GateError } from '../errors.ts';
import type { Immutable } from './words.ts';

type Issue = z.core.$ZodIssue;
type PathKeys = readonly PropertyKey[];

/**
 * Parses and checks one JSON document that crossed a phase, a process or a machine.
 *
 * `where` names the file in errors. Throws `document-too-large` when the text has more than `maxBytes` bytes of UTF-8, and
 * `document-invalid` when it is not JSON or does not fit the schema; the message names the path of the first wrong key and,
 * for an unknown key, the nearest known one.
 */
export const decodeDocument = <S extends z.ZodType>(schema: S, text: string, where: string, maxBytes: number): Immutable<z.infer<S>> => {
  const bytes = text.length > maxBytes ? text.length : Buffer.byteLength(text);
  if (bytes > maxBytes)
    throw new GateError('document-too-large', `Expected at most ${maxBytes} bytes, got at least ${bytes}.`, {
      where,
    });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    throw new GateError('document-invalid', `Expected JSON, got: ${thrown instanceof Error ? thrown.message : String(thrown)}`, {
      where,
      cause: thrown,
    });
  }
  return decodeValue(schema, value, where);
};

/** Checks a value that is parsed already; errors as of `decodeDocument`. A value that is nested too deeply to check is invalid. */
export const decodeValue = <S extends z.ZodType>(schema: S, value: unknown, where: string): Immutable<z.infer<S>> => {
  let result: z.ZodSafeParseResult<z.infer<S>>;
  try {
    result = schema.safeParse(value);
  } catch (thrown) {
    if (thrown instanceof RangeError)
      throw new GateError('document-invalid', 'Its values are nested too deeply.', { where, cause: thrown });
    throw thrown;
  }
  if (result.success) return result.data as Immutable<z.infer<S>>;
  const first = result.error.issues[0];
  throw new GateError('document-invalid', first === undefined ? 'It does not fit its schema.' : describeIssue(schema, first), { where });
};

/** A document as text: keys in the order given, two spaces of indentation, a newline at the end. Numbers must be finite. */
export const encodeDocument = (value: unknown): string => `${JSON.stringify(value, refuseNonFinite, 2)}\n`;

/** sha256 of the bytes, a text's being those of its UTF-8; lower-case hex. */
export const digestOf = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex');

/** The candidate with the fewest edits from `word`, when so few that it can be what was meant; else null. */
export const nearest = (word: string, candidates: Iterable<string>): string | null => {
  let best: string | null = null;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= bestDistance || word.length > 200) continue;
    const distance = editDistance(word, candidate);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
};

const editDistance = (a: string, b: string): number => {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const swap = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(swap, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
};

const refuseNonFinite = (key: string, value: unknown): unknown => {
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new GateError('internal', `A document was written. Expected a finite number at ${JSON.stringify(key)}, got ${value}.`);
  return value;
};

const describeIssue = (schema: z.ZodType, issue: Issue): string => {
  const { path, deepest } = descend(issue, []);
  const place = pathText(path);
  if (deepest.code !== 'unrecognized_keys') return `At ${place}: ${deepest.message}.`;
  const [unknown = ''] = deepest.keys;
  const known = nearest(unknown, keysAt(schema, path));
  return `At ${place}: unknown key ${JSON.stringify(unknown.slice(0, 100))}.${known === null ? '' : ` Did you mean ${JSON.stringify(known)}?`}`;
};

/** A failed union reports every branch: the one that got deepest into the value says most. */
const descend = (issue: Issue, before: PathKeys): { readonly path: PathKeys; readonly deepest: Issue } => {
  const path = [...before, ...issue.path];
  if (issue.code !== 'invalid_union') return { path, deepest: issue };
  const branches = issue.errors.flatMap((issues) => issues.slice(0, 1)).map((inner) => descend(inner, path));
  const best = branches.reduce<{ path: PathKeys; deepest: Issue } | null>(
    (a, b) => (a === null || b.path.length > a.path.length ? b : a),
    null,
  );
  return best !== null && best.path.length > path.length ? best : { path, deepest: issue };
};

const pathText = (path: PathKeys): string =>
  path.length === 0
    ? 'its top'
    : path.map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index === 0 ? '' : '.'}${String(key).slice(0, 100)}`)).join('');

/** All keys that some branch of the schema allows at a path. */
const keysAt = (schema: z.ZodType, path: PathKeys): ReadonlySet<string> => {
  let level = unwrap(schema);
  for (const key of path) level = level.flatMap((one) => childrenAt(one, key)).flatMap(unwrap);
  return new Set(level.flatMap((one) => (one.def.type === 'object' ? Object.keys((one as z.ZodObject).def.shape) : [])));
};

const childrenAt = (schema: z.ZodType, key: PropertyKey): z.ZodType[] => {
  if (schema.def.type === 'object') {
    const shape: Readonly<Record<PropertyKey, unknown>> = (schema as z.ZodObject).def.shape;
    const child = shape[key];
    return child === undefined ? [] : [child as z.ZodType];
  }
  if (schema.def.type === 'record') return [(schema as z.ZodRecord).def.valueType as z.ZodType];
  if (schema.def.type === 'array') return [(schema as z.ZodArray).def.element as z.ZodType];
  return [];
};

const unwrap = (schema: z.ZodType): z.ZodType[] => {
  const { type } = schema.def;
  if (type === 'union') return (schema as z.ZodUnion).def.options.flatMap((option) => unwrap(option as z.ZodType));
  if (type === 'nullable' || type === 'optional' || type === 'default') return unwrap((schema as z.ZodNullable).def.innerType as z.ZodType);
  return [schema];
};
