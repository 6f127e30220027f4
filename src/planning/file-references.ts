import { posix } from 'node:path';
import { relativeImports } from './imported-files.ts';

/** What a name of a script may lack; the `package.json` of a folder says what its name stands for. */
const scriptEndings = [
  '.js',
  '.mjs',
  '.cjs',
  '.jsx',
  '.ts',
  '.mts',
  '.cts',
  '.tsx',
  '.json',
  '.node',
  '/index.js',
  '/index.ts',
  '/package.json',
];

/** The files that Node, or what compiles for it, may take for a path. */
export const scriptFiles = (path: string): readonly string[] => {
  // TypeScript names a file by what it is compiled to.
  const source = path.replace(/\.([cm]?)js(x?)$/, '.$1ts$2');
  return [path, ...scriptEndings.map((ending) => `${path}${ending}`), source];
};

/** A name of the package itself, which its `package.json` leads to a file: `import '#table'`. */
const ownName = /(["'`])#[^"'`\s]+\1/;

const scripts = (text: string, folder: string): readonly string[] => [
  ...relativeImports(text).flatMap((specifier) => scriptFiles(posix.join(folder, specifier.replace(/[?#].*$/, '')))),
  ...(ownName.test(text) ? foldersAbove(folder, '.').map((each) => posix.join(each, 'package.json')) : []),
];

/** The files that a dotted name may stand for, from the outermost package to the module. */
export const moduleFiles = (dotted: string, root: string): readonly string[] => {
  const names = dotted.split('.');
  return names.flatMap((_, at) => {
    const path = posix.join(root, ...names.slice(0, at + 1));
    return [`${path}.py`, `${path}/__init__.py`];
  });
};

/** Statements may stand behind a colon or a semicolon, and names in brackets or on continued lines. */
const pythonImport =
  /(?:^|[:;])[ \t]*(?:from(?!\w)[ \t]*(\.*)[ \t]*([\w.]*)[ \t]*import\b[ \t]*(\([^)]*\)|[^\n#;]*)|import[ \t]+([^\n#;]*))/gm;

/** A folder and those above it, as far as the one that the program is started in. */
const foldersAbove = (folder: string, started: string): readonly string[] =>
  folder === '.' || folder === posix.normalize(started) ? [folder] : [folder, ...foldersAbove(posix.dirname(folder), started)];

/**
 * Modules are looked for in the folder of the file and those above it, of which one is the script's,
 * in the folder of the start, and in its `src`.
 */
const pythonModules = (text: string, folder: string, started: string): readonly string[] =>
  [...text.replace(/\\\r?\n/g, ' ').matchAll(pythonImport)].flatMap(([, dots = '', from = '', names = '', plain = '']) => {
    const listed = `${names.replace(/#.*/g, '')}${plain}`
      .replace(/[()]/g, '')
      .split(',')
      .map((name) => name.trim().split(/\s/)[0] ?? '')
      .filter((name) => /^[\w.]+$/.test(name));
    // A star, or names that are no modules: the package is loaded all the same.
    const dotted = from === '' ? listed : [from, ...listed.map((name) => `${from}.${name}`)];
    const roots =
      dots === ''
        ? [...foldersAbove(folder, started), started, posix.join(started, 'src')]
        : [posix.join(folder, ...Array<string>(dots.length - 1).fill('..'))];
    return roots.flatMap((root) => dotted.flatMap((name) => moduleFiles(name, root)));
  });

/** Variables, and the characters that a shell or an option puts between words. */
const betweenWords = /(?:\$\{?\w+|:[-=+]|[\s'"`=;|&<>(),:$\\{}])+/;

/** What stands between blanks, quotes and the like: `"$HERE/run.py"` has `/run.py`. */
export const looseWords = (text: string): readonly string[] => text.split(betweenWords).filter((word) => word !== '');

const requirement =
  /^[ \t]*(?:(?:-r|-c|-e|--requirement|--constraint|--editable)[ \t=]*)?(?:[\w.-]+[ \t]*@[ \t]*)?(?:file:)?([\w./+-]+)(?:\[[^\]\n]*\])?[ \t]*(?:[#;].*)?$/gm;

/** Lists are looked for beside the list, folders of packages in the folder of the start. */
const requirements = (text: string, folder: string, started: string): readonly string[] =>
  [...text.matchAll(requirement)].flatMap(([, path = '']) => [posix.join(folder, path), posix.join(started, path)]);

/** Lists of Python packages, whose names people vary. */
export const isRequirements = (path: string): boolean => /(^|\/)[\w.-]*(requirements|constraints)[\w.-]*(\/[\w.-]+)*\.(txt|in)$/.test(path);

type Kind = 'script' | 'python' | 'recipe';

const kinds: readonly (readonly [RegExp, Kind])[] = [
  [/\.[cm]?[jt]sx?$/, 'script'],
  [/\.py$/, 'python'],
  // Files that hold command lines.
  [/\.(ba|z)?sh$/, 'recipe'],
  [/(^|\/)(package\.json|(GNU)?[Mm]akefile|\.?[Jj]ustfile|Taskfile\.ya?ml|tox\.ini|deno\.jsonc?|pixi\.toml|\.?mise\.toml)$/, 'recipe'],
  // What a Makefile includes.
  [/\.mk$/, 'recipe'],
];

/** A text file may be a list of packages, whatever it is called. */
export const isList = (path: string): boolean => /\.(txt|in)$/.test(path);

/** Files without an ending say in their first line what runs them. */
const interpreters: readonly (readonly [RegExp, Kind])[] = [
  [/^#!.*\b(node|bun|deno|tsx)\b/, 'script'],
  [/^#!.*(\bpython|\bpypy|\buv\b)/, 'python'],
  [/^#!.*(sh|make|just)\b/, 'recipe'],
];

const hasNoEnding = (path: string): boolean => posix.extname(path) === '';

/** Whether a file may refer to others. */
export const hasReferences = (path: string): boolean => hasNoEnding(path) || isList(path) || kinds.some(([named]) => named.test(path));

/**
 * The paths that a file of code refers to, whether they exist or not: relative imports of
 * JavaScript, imports of Python, words of a shell script, a Makefile or the like, the lists that a
 * list of requirements includes. Empty for any other file.
 * @param started folder that the program is started in
 */
export const fileReferences = (path: string, text: string, started: string): readonly string[] => {
  const folder = posix.dirname(path);
  if (isList(path)) return requirements(text, folder, started);
  const named = kinds.find(([name]) => name.test(path)) ?? (hasNoEnding(path) ? interpreters.find(([line]) => line.test(text)) : undefined);
  switch (named?.[1]) {
    case 'script':
      return scripts(text, folder);
    case 'python':
      return pythonModules(text, folder, started);
    case 'recipe':
      return looseWords(text).flatMap((word) => [posix.join('.', started, word), posix.join(folder, word)]);
    case undefined:
      return [];
  }
};
