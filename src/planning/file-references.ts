import { posix } from 'node:path';
import { pythonModules, scripts } from './code-references.ts';
import { commandReferences, looseWords } from './command-references.ts';
import { listedFolders, literalReferences, programLiterals, startedReferences } from './program-literals.ts';

const requirement =
  /^[ \t]*(?:(?:-r|-c|-e|--requirement|--constraint|--editable)[ \t=]*)?(?:[\w.-]+[ \t]*@[ \t]*)?(?:file:)?([\w./+-]+)(?:\[[^\]\n]*\])?[ \t]*(?:[#;].*)?$/gm;

/** Lists are looked for beside the list, folders of packages in the folder of the start. */
const requirements = (text: string, folder: string, started: string): readonly string[] =>
  [...text.matchAll(requirement)].flatMap(([, path = '']) => [posix.join(folder, path), posix.join(started, path)]);

/** `"engine": "file:../engine"`, `engine = { path = "../engine" }`, `replace engine => ../engine`, `use ./engine`. */
const localPackage =
  /(?:\b(?:file|link|portal|workspace):(?:\/{2,3}\$\{PROJECT_ROOT\}\/)?|\{root:uri\}\/|\bpath\s*=\s*["']|=>\s*|^[ \t]*(?:use[ \t]+)?(?=\.{1,2}\/))([\w./@+-]+)/gm;

const manifest = /(^|\/)(package\.json|(pyproject|Cargo|pixi)\.toml|go\.(mod|work))$/;

/**
 * The paths that a list of packages or a manifest takes packages or lists from, whether they exist or
 * not: a folder there counts with all that is in it. Empty for any other file.
 * @param started folder that the program is started in
 */
export const packageReferences = (path: string, text: string, started: string): readonly string[] => {
  const folder = posix.dirname(path);
  if (isList(path)) return requirements(text, folder, started);
  return manifest.test(path) ? [...text.matchAll(localPackage)].map(([, named = '']) => posix.join(folder, named)) : [];
};

/** Lists of Python packages, whose names people vary. */
export const isRequirements = (path: string): boolean => /(^|\/)[\w.-]*(requirements|constraints)[\w.-]*(\/[\w.-]+)*\.(txt|in)$/.test(path);

export type CodeKind = 'script' | 'python' | 'recipe';

const kinds: readonly (readonly [RegExp, CodeKind])[] = [
  [/\.[cm]?[jt]sx?$/, 'script'],
  [/\.py$/, 'python'],
  // Files that hold command lines.
  [/\.(ba|z)?sh$/, 'recipe'],
  [/(^|\/)(package\.json|(GNU)?[Mm]akefile|\.?[Jj]ustfile|Taskfile\.ya?ml|tox\.ini|deno\.jsonc?|pixi\.toml|\.?mise\.toml)$/, 'recipe'],
  // What a Makefile includes.
  [/\.mk$/, 'recipe'],
];

/** A text file may be a list of packages, whatever it is called. */
const isList = (path: string): boolean => /\.(txt|in)$/.test(path);

/** Files without an ending say in their first line what runs them. */
const interpreters: readonly (readonly [RegExp, CodeKind])[] = [
  [/^#!.*\b(node|bun|deno|tsx)\b/, 'script'],
  [/^#!.*(\bpython|\bpypy|\buv\b)/, 'python'],
  [/^#!.*(sh|make|just)\b/, 'recipe'],
];

const hasNoEnding = (path: string): boolean => posix.extname(path) === '';

/** Whether a file may refer to others. */
export const hasReferences = (path: string): boolean =>
  hasNoEnding(path) || isList(path) || manifest.test(path) || kinds.some(([named]) => named.test(path));

/** What a file of code or commands is; null for any other file. */
export const kindOf = (path: string, text: string): CodeKind | null => {
  const named = kinds.find(([name]) => name.test(path)) ?? (hasNoEnding(path) ? interpreters.find(([line]) => line.test(text)) : undefined);
  return named?.[1] ?? null;
};

/**
 * The text of the commands that a file may start: all of a shell script, a Makefile or the like, and
 * the literals of a program. Null for any other file.
 */
export const commandsIn = (path: string, text: string): string | null => {
  const kind = kindOf(path, text);
  if (kind === null) return null;
  return kind === 'recipe' ? text : programLiterals(text).text;
};

/**
 * The paths that a file of code refers to, whether they exist or not: relative imports of
 * JavaScript, imports of Python, files in the literals of either, what the commands of a shell
 * script, a Makefile or the like lead to. Empty for any other file.
 * @param started folder that the program is started in
 */
export const fileReferences = (path: string, text: string, started: string): readonly string[] => {
  const folder = posix.dirname(path);
  const kind = kindOf(path, text);
  if (kind === null) return [];
  if (kind === 'recipe') return [...new Set([started, folder])].flatMap((each) => commandReferences(looseWords(text), text, each));
  const literals = programLiterals(text);
  const named = literalReferences(literals.words, folder, started);
  if (kind === 'script') return [...scripts(text, folder), ...named];
  return [...[text, literals.text].flatMap((each) => pythonModules(each, folder, started)), ...named];
};

const isProgram = (path: string, text: string): boolean => ['script', 'python'].includes(kindOf(path, text) ?? '');

/** The folders whose files a program may read without naming them; whether they exist or not. */
export const folderReferences = (path: string, text: string, started: string): readonly string[] =>
  isProgram(path, text) ? listedFolders(text, programLiterals(text), posix.dirname(path), started) : [];

/**
 * The paths that the commands of a program lead to in folders that it goes to.
 * @param isFolder whether something may lie at a path
 */
export const referencesElsewhere = (path: string, text: string, started: string, isFolder: (path: string) => boolean): readonly string[] =>
  isProgram(path, text) ? startedReferences(text, programLiterals(text), [...new Set([started, posix.dirname(path)])], isFolder) : [];
