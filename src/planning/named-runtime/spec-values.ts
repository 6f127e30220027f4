import { posix } from 'node:path';
import { digestOf } from '../../records/decode.ts';
import type { Json } from '../../records/words.ts';
import { assignedValues } from './assigned-values.ts';
import { callArguments } from './call-arguments.ts';
import type { CommandText } from './command-text.ts';
import { jsonMap } from './json-map.ts';
import { type SpecReference, specPieces } from './spec-references.ts';
import { givenInputs, givenOutputs, matrixValues } from './workflow-values.ts';

/** Where a value stands that may read others. */
export interface ValuePlace {
  readonly of: CommandText;
  readonly at: number;
}

type Placed = ValuePlace & { readonly value: string };

/** What one side's specs read. */
export interface ValueSource {
  /** Texts that count: those that lead to the gate, or all that name the package. */
  readonly texts: readonly CommandText[];
  /** Texts that assign something to a name, of the whole tree. */
  readonly assigning: (name: string) => Promise<readonly CommandText[]>;
  /** The text of a file; null where there is none. */
  readonly fileAt: (path: string) => Promise<string | null>;
}

/** Names that lead to names, and values of one spec. */
const deepest = 8;
const mostValues = 40;
const mostSteps = 400;
const longest = 1000;

const digested = (text: string): string => `text ${digestOf(text).slice(0, 8)}`;

/** A value as a spec: what it says of versions where it says more than a spec does. */
const plainSpecs = (value: string): readonly string[] => {
  const plain = value
    .trim()
    .replace(/\s+/g, ' ')
    .replace(/\$\{\{ ?(.*?) ?\}\}/g, '${{$1}}');
  if (plain === '') return [];
  if (plain.length <= 80 && (/^[^\s"'()]+$/.test(plain) || /^[\d\s.^~<>=|*x-]+$/.test(plain))) return [plain];
  const versions = [...plain.matchAll(/(?<![\w.])\d+(?:\.\d+)+(?:-[\w.]+)?/g)].map(([version]) => version);
  return versions.length > 0 ? versions.slice(0, 10) : [digested(plain)];
};

/** Files that a command reads, and names that it looks up in them. */
const fileValues = async (command: string, { of }: ValuePlace, source: ValueSource): Promise<readonly Placed[]> => {
  const words = command.split(/[\s"'<>()|;]+/).filter((word) => /^[\w./@-]+$/.test(word) && word.length < 200);
  const found: Placed[] = [];
  for (const word of words) {
    const paths = [word, posix.join(posix.dirname(of.path), word)].map((path) => posix.normalize(path));
    for (const path of paths.filter((each) => !/^(?:\/|\.\.)/.test(each) && each !== '.')) {
      const text = await source.fileAt(path);
      if (text === null) continue;
      const place = { of: { path, part: null, text, data: {} }, at: 0 };
      const names = [
        ...new Set(
          command
            .split(word)
            .join(' ')
            .match(/[\w-]{2,}/g) ?? [],
        ),
      ].reverse();
      const looked = names.map((name) => assignedValues(name, text)).find((each) => each.length > 0) ?? [];
      if (text.trim().length <= 80) found.push({ ...place, value: text.trim() });
      else
        found.push(
          ...(looked.length > 0 ? looked.map(({ value, at }) => ({ ...place, value, at })) : [{ ...place, value: digested(text) }]),
        );
      break;
    }
  }
  return found;
};

const assigned = (name: string, texts: readonly CommandText[], by?: 'shell'): readonly Placed[] =>
  texts.flatMap((of) =>
    assignedValues(name, of.text)
      .filter((each) => by === undefined || each.by === by)
      .map(({ value, at }) => ({ value, of, at })),
  );

const asText = (value: Json): readonly string[] =>
  Array.isArray(value)
    ? value.flatMap(asText)
    : typeof value === 'object'
      ? value === null
        ? []
        : asText(jsonMap(value)['value'] ?? null)
      : [String(value)];

const placedIn = (found: readonly { readonly of: CommandText; readonly value: Json }[]): readonly Placed[] =>
  found.flatMap(({ of, value }) => asText(value).map((text) => ({ of, at: 0, value: text })));

const read = async (reference: SpecReference, place: ValuePlace, source: ValueSource): Promise<readonly Placed[]> => {
  switch (reference.kind) {
    case 'literal':
      return [{ ...place, value: reference.value }];
    case 'command':
      return fileValues(reference.command, place, source);
    case 'argument':
      return callArguments(reference.place, place, source.texts).map((each) => ({ ...each }));
    case 'variable': {
      const input = /^INPUT_(.+)$/.exec(reference.name)?.[1];
      const given = input === undefined ? [] : placedIn(givenInputs(input, place.of, source.texts));
      if (given.length > 0) return given;
      const near = assigned(reference.name, source.texts);
      return near.length > 0 ? near : assigned(reference.name, await source.assigning(reference.name));
    }
    case 'context': {
      const { context, name } = reference;
      if (context === 'inputs') return placedIn(givenInputs(name, place.of, source.texts));
      if (context === 'matrix') return placedIn(matrixValues(name, place.of, source.texts));
      if (context === 'steps' || context === 'needs')
        return [...placedIn(givenOutputs(name, source.texts)), ...assigned(name, source.texts, 'shell')];
      if (context !== 'env' && context !== 'variables' && context !== 'parameters') return [];
      return read({ kind: 'variable', name, instead: null }, place, source);
    }
  }
};

/** A spec, and the file that says it. */
interface SaidSpec {
  readonly spec: string;
  readonly path: string;
}

/** The specs that one stands for, with all that it reads put in; itself where nothing says what it reads. */
export const specValues = async (spec: string, place: ValuePlace, source: ValueSource): Promise<readonly SaidSpec[]> => {
  let steps = 0;
  const readOne = async (reference: SpecReference, at: ValuePlace, above: readonly string[]): Promise<readonly SaidSpec[]> => {
    const key = JSON.stringify([reference, reference.kind === 'argument' ? [at.of.path, at.at] : null]);
    if (++steps > mostSteps || above.length > deepest || above.includes(key)) return [];
    const given = await read(reference, at, source);
    const instead = 'instead' in reference && reference.instead !== null ? [{ ...at, value: reference.instead }] : [];
    const found: SaidSpec[] = [];
    for (const each of [...given, ...instead].slice(0, mostValues)) found.push(...(await resolve(each.value, each, [...above, key])));
    return found;
  };
  const resolve = async (value: string, at: ValuePlace, above: readonly string[]): Promise<readonly SaidSpec[]> => {
    let specs: readonly SaidSpec[] = [{ spec: '', path: at.of.path }];
    for (const piece of specPieces(value.slice(0, longest))) {
      const own = { spec: typeof piece === 'string' ? piece : piece.written, path: null };
      const found: SaidSpec[] = [];
      if (typeof piece !== 'string') for (const reference of piece.any) found.push(...(await readOne(reference, at, above)));
      // A name that only leads back to itself says nothing.
      if (found.length === 0 && typeof piece !== 'string' && piece.any.some((each) => above.includes(JSON.stringify([each, null]))))
        return [];
      const values = found.length > 0 ? found : [own];
      specs = specs
        .flatMap((start) => values.map((each) => ({ spec: `${start.spec}${each.spec}`, path: each.path ?? start.path })))
        .slice(0, mostValues);
    }
    return specs;
  };
  const said = await resolve(spec, place, []);
  const found = said.flatMap(({ spec: value, path }) => plainSpecs(value).map((each) => ({ spec: each, path })));
  // What nobody assigns says nothing beside what somebody does.
  const settled = found.filter((each) => !/[$%{]/.test(each.spec));
  return [...new Map((settled.length > 0 ? settled : found).map((each) => [JSON.stringify(each), each])).values()];
};
