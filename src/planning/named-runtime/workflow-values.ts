import { posix } from 'node:path';
import type { Json } from '../../records/words.ts';
import type { CommandText } from './command-text.ts';
import { type JsonMap, jsonMap } from './json-map.ts';

interface Given {
  readonly of: CommandText;
  readonly value: Json;
}

const deepest = 20;

/** All maps of a value, from the outermost in. */
const mapsIn = (value: Json, depth = 0): readonly JsonMap[] => {
  if (typeof value !== 'object' || value === null || depth > deepest) return [];
  const inner = Object.values(value).flatMap((each) => mapsIn(each, depth + 1));
  return Array.isArray(value) ? inner : [jsonMap(value), ...inner];
};

/** The value of a key, whatever its case is. */
const entryOf = (map: JsonMap, name: string): Json | undefined =>
  Object.entries(map).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];

const given = (of: CommandText, values: readonly (Json | undefined)[]): readonly Given[] =>
  values.flatMap((value) => (value === undefined || value === null ? [] : [{ of, value }]));

/** What `uses: ./…` of this repository names: a workflow file, or the file of an action in its folder. */
const isUsed = (uses: Json | undefined, path: string): boolean => {
  if (typeof uses !== 'string' || !uses.trim().startsWith('./')) return false;
  const target = posix.normalize(uses.trim().slice(2)).replace(/\/$/, '') || '.';
  return target === path || (/^action\.ya?ml$/.test(posix.basename(path)) && target === posix.dirname(path));
};

/** The file that declares the inputs which a text reads: itself, or that of the action in whose folder a program lies. */
const declaring = ({ path }: CommandText, texts: readonly CommandText[]): string =>
  /\.ya?ml$/.test(path)
    ? path
    : (texts.find((each) => /(?:^|\/)action\.ya?ml$/.test(each.path) && path.startsWith(`${posix.dirname(each.path)}/`))?.path ?? path);

/** What an input of an action or a reusable workflow is given by its callers, and its default. */
export const givenInputs = (name: string, reading: CommandText, texts: readonly CommandText[]): readonly Given[] =>
  inputsOf(name, declaring(reading, texts), texts);

const inputsOf = (name: string, path: string, texts: readonly CommandText[]): readonly Given[] => [
  ...texts
    .filter((each) => each.path === path)
    .flatMap((of) => {
      const events = ['workflow_call', 'workflow_dispatch'].map((event) => jsonMap(jsonMap(of.data['on'])[event]));
      const declared = [of.data, ...events].map((each) => entryOf(jsonMap(each['inputs']), name));
      return given(
        of,
        declared.map((each) => jsonMap(each)['default']),
      );
    }),
  ...texts.flatMap((of) =>
    given(
      of,
      mapsIn(of.data).map((each) => (isUsed(each['uses'], path) ? entryOf(jsonMap(each['with']), name) : undefined)),
    ),
  ),
];

/** What the matrices of a workflow give a name. */
export const matrixValues = (name: string, { path }: CommandText, texts: readonly CommandText[]): readonly Given[] =>
  texts
    .filter((each) => each.path === path)
    .flatMap((of) =>
      given(
        of,
        mapsIn(of.data).flatMap((each) => {
          const matrix = jsonMap(each['strategy'])['matrix'] ?? null;
          // A matrix, or a list in it, that an expression computes.
          const computed = [matrix, jsonMap(matrix)['include']].filter((value) => typeof value === 'string');
          return [...computed, ...mapsIn(matrix).map((map) => entryOf(map, name))];
        }),
      ),
    );

/** What jobs, workflows and actions pass on as an output of that name. */
export const givenOutputs = (name: string, texts: readonly CommandText[]): readonly Given[] =>
  texts.flatMap((of) =>
    given(
      of,
      mapsIn(of.data).map((each) => entryOf(jsonMap(each['outputs']), name)),
    ),
  );
