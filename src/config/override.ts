import { parseDocument } from 'yaml';
import { GateError } from '../errors.ts';
import { suggestion } from '../records/nearest.ts';
import type { Json } from '../records/words.ts';
import { type Config, checkConfig } from './config.ts';
import { readConfigText } from './document.ts';
import type { ConfigDefaults } from './schema.ts';

type JsonMap = { readonly [key: string]: Json };

const isMap = (value: Json | undefined): value is JsonMap => typeof value === 'object' && value !== null && !Array.isArray(value);
const isList = (value: Json | undefined): value is readonly Json[] => Array.isArray(value);

const entryId = (entry: Json): string | null =>
  typeof entry === 'string' ? entry : isMap(entry) && typeof entry['id'] === 'string' ? entry['id'] : null;

/** The entry of a list that the path goes on with, by id. Ids may hold dots, so the longest that fits is taken. */
const entryOf = (entries: readonly Json[], path: string, where: string): { readonly index: number; readonly rest: string } => {
  const fitting = entries
    .map((entry, index) => ({ id: entryId(entry), index }))
    .filter((entry): entry is { id: string; index: number } => entry.id !== null && (path === entry.id || path.startsWith(`${entry.id}.`)))
    .sort((one, other) => other.id.length - one.id.length);
  const [found] = fitting;
  if (found === undefined) {
    const ids = entries.map(entryId).filter((id) => id !== null);
    const [word = path] = path.split('.');
    throw new GateError('config-unknown-key', `No entry is called "${word}".${suggestion(word, ids)}`, { where });
  }
  return { index: found.index, rest: path.slice(found.id.length + 1) };
};

/** A copy of `target` with the value at `path` replaced; maps on the way are made when they are missing. */
const replaced = (target: Json | undefined, path: string, value: Json, where: string): Json => {
  if (path === '') return value;
  if (isList(target)) {
    const { index, rest } = entryOf(target, path, where);
    return target.map((entry, at) => (at === index ? replaced(entry, rest, value, where) : entry));
  }
  if (target !== undefined && !isMap(target))
    throw new GateError('config-unknown-key', `There is no key "${path}": above it stands a single value.`, { where });
  const [key = '', ...rest] = path.split('.');
  if (key === '' || key === '__proto__')
    throw new GateError('usage-bad-value', `"${path}" is not a path of keys joined by dots.`, { where });
  const inner = target !== undefined && Object.hasOwn(target, key) ? target[key] : undefined;
  return { ...target, [key]: replaced(inner, rest.join('.'), value, where) };
};

/** Each value in its former version, with the place where that stands, where it is the same. */
const kept = <T>(next: Readonly<Record<string, T>>, former: Readonly<Record<string, T>>, isSame: (is: T, was: T) => boolean) =>
  Object.fromEntries(
    Object.entries(next).map(([key, is]) => {
      const was = former[key];
      return [key, was !== undefined && isSame(is, was) ? was : is] as const;
    }),
  );

/**
 * Applies overrides such as `optimizations.structured-pruning.with.ratio=0.5` or `models=[mini-qwen3-dense]` in their
 * order. Lists are entered by id; values are YAML. The result is checked like a file.
 * Throws `usage-bad-value`, `config-unknown-key`, `config-invalid` or `config-syntax`, naming the override.
 */
export const applyOverrides = (config: Config, overrides: readonly string[], defaults: ConfigDefaults): Config => {
  let current = config;
  for (const override of overrides) {
    const where = `set ${override.slice(0, 200)}`;
    const equals = override.indexOf('=');
    const path = override.slice(0, equals).trim();
    if (equals < 1 || path === '') throw new GateError('usage-bad-value', 'Expected PATH=VALUE, got something else.', { where });
    const text = override.slice(equals + 1).trim();
    if (text === '') throw new GateError('usage-bad-value', 'Expected a value behind the =, got none.', { where });
    const { value } = readConfigText(text, where);
    const document = replaced(current.document, path, parseDocument(text).contents === null ? null : value, where);
    const places = new Map(current.optimizations.map((entry) => [entry.id, entry.place]));
    const next = checkConfig(document, current.origin, () => where, defaults);
    const tolerance = kept(
      next.gate.tolerance,
      current.gate.tolerance,
      (is, was) => was.value === is.value && was.relative === is.relative,
    );
    const require = kept(next.gate.require, current.gate.require, (is, was) => was.text === is.text);
    current = {
      ...next,
      gate: { ...next.gate, tolerance, require },
      optimizations: next.optimizations.map((entry) => ({ ...entry, place: places.get(entry.id) ?? where })),
    };
  }
  return current;
};
