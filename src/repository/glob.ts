import { GateError } from '../errors.ts';

const maxAlternatives = 1_000;

/**
 * A test for paths below the repository's root (with `/` between folders).
 *
 * `*` and `?` match within one name, `**` any number of folders, `[a-z]` and `[!a-z]` one character, `{a,b}` either; a backslash
 * keeps the next character; a name at the start may begin with `./`. Names that begin with a dot are matched like others.
 * A pattern that matches a folder matches everything below it. Throws `config-invalid` for a pattern that is empty,
 * absolute, negated, has `..`, an unclosed bracket, or too many alternatives.
 */
export const globTest = (pattern: string, where: string): ((path: string) => boolean) => {
  const reach = globReach(pattern, where);
  return (path) => reach(path) === 'matches';
};

/**
 * How a pattern meets a path: it `matches` it, can match only what lies `below` it, or `none` of
 * both. Throws what `globTest` throws.
 */
export const globReach = (pattern: string, where: string): ((path: string) => 'matches' | 'below' | 'none') => {
  const refuse = (what: string): never => {
    throw new GateError('config-invalid', `The pattern ${JSON.stringify(pattern)} was read. It ${what}.`, { where });
  };
  if (pattern.startsWith('!')) refuse('begins with "!": patterns of `inputs` only add files');
  if (pattern.startsWith('/')) refuse('begins with "/": patterns count from the root of the repository without it');
  const alternatives = expandBraces(pattern, refuse).map((one) => compile(one, refuse));
  return (path) => {
    const names = path.split('/');
    const met = alternatives.map((segments) => reachOf(segments, names));
    return met.find((each) => each === 'matches') ?? met.find((each) => each === 'below') ?? 'none';
  };
};

type Part = { readonly kind: 'one'; test(character: string): boolean } | { readonly kind: 'any' };
type Segment = '**' | readonly Part[];

const compile = (pattern: string, refuse: (what: string) => never): readonly Segment[] => {
  const names = pattern.split('/').filter((name, index, all) => name !== '.' && !(name === '' && index === all.length - 1));
  if (names.length === 0 || names.includes('')) refuse('has an empty name');
  if (names.includes('..')) refuse('leaves the repository by ".."');
  return names.map((name) => (name === '**' ? '**' : compileName(name, refuse)));
};

const compileName = (name: string, refuse: (what: string) => never): readonly Part[] => {
  const parts: Part[] = [];
  const characters = [...name];
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at] ?? '';
    if (character === '*') {
      if (parts.at(-1)?.kind !== 'any') parts.push({ kind: 'any' });
    } else if (character === '?') parts.push({ kind: 'one', test: () => true });
    else if (character === '[') {
      const end = characters.indexOf(']', at + 2);
      if (end === -1) return refuse('has a [ that is never closed');
      parts.push({ kind: 'one', test: characterClass(characters.slice(at + 1, end)) });
      at = end;
    } else {
      if (character === '\\') at += 1;
      const literal = characters[at] ?? refuse('ends in a backslash');
      parts.push({ kind: 'one', test: (one) => one === literal });
    }
  }
  return parts;
};

const characterClass = (characters: readonly string[]): ((character: string) => boolean) => {
  const negated = characters[0] === '!' || characters[0] === '^';
  const body = negated ? characters.slice(1) : characters;
  const ranges: (readonly [string, string])[] = [];
  for (let at = 0; at < body.length; at += 1) {
    const from = body[at] ?? '';
    const to = body[at + 1] === '-' ? body[at + 2] : undefined;
    ranges.push([from, to ?? from]);
    if (to !== undefined) at += 2;
  }
  return (character) => ranges.some(([from, to]) => from <= character && character <= to) !== negated;
};

/** `matches`: the path, or one of the folders that it is in. */
const reachOf = (segments: readonly Segment[], names: readonly string[]): 'matches' | 'below' | 'none' => {
  // reachable[i]: the first i segments match the names read so far.
  let reachable = closure(segments, new Set([0]));
  for (const name of names) {
    const next = new Set<number>();
    for (const at of reachable) {
      const segment = segments[at];
      if (segment === '**') next.add(at);
      else if (segment !== undefined && matchesName(segment, [...name])) next.add(at + 1);
    }
    reachable = closure(segments, next);
    if (reachable.has(segments.length)) return 'matches';
  }
  return reachable.size > 0 ? 'below' : 'none';
};

/** `**` may also stand for no folder at all. */
const closure = (segments: readonly Segment[], states: Set<number>): Set<number> => {
  for (const at of states) if (segments[at] === '**') states.add(at + 1);
  return states;
};

/** Wildcard match that goes back to the last star only, so its time is bounded by the product of both lengths. */
const matchesName = (parts: readonly Part[], characters: readonly string[]): boolean => {
  let part = 0;
  let at = 0;
  let star = -1;
  let resume = 0;
  while (at < characters.length) {
    const current = parts[part];
    if (current?.kind === 'one' && current.test(characters[at] ?? '')) {
      part += 1;
      at += 1;
    } else if (current?.kind === 'any') {
      star = part;
      resume = at;
      part += 1;
    } else if (star !== -1) {
      resume += 1;
      at = resume;
      part = star + 1;
    } else return false;
  }
  while (parts[part]?.kind === 'any') part += 1;
  return part === parts.length;
};

const expandBraces = (pattern: string, refuse: (what: string) => never): readonly string[] => {
  const done: string[] = [];
  const open = [pattern];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const match = /^((?:[^\\{}]|\\.)*)\{((?:[^\\{}]|\\.)*)\}(.*)$/s.exec(next) ?? /^(.*[^\\]|)\{((?:[^\\{}]|\\.)*)\}(.*)$/s.exec(next);
    if (match === null) done.push(next);
    else for (const choice of (match[2] ?? '').split(/(?<!\\),/)) open.push(`${match[1]}${choice}${match[3]}`);
    if (done.length + open.length > maxAlternatives) refuse('has too many alternatives');
  }
  return done;
};
