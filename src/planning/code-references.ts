import { posix } from 'node:path';
import { relativeImports } from '../run/imported-files.ts';

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

/** The files that JavaScript may import. */
export const scripts = (text: string, folder: string): readonly string[] => [
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

/**
 * Statements may stand behind a colon, a semicolon or the quote of `-c`, and names in brackets or on
 * continued lines.
 */
const pythonImport =
  /(?:^|[:;"'])[ \t]*(?:from(?!\w)[ \t]*(\.*)[ \t]*([\w.]*)[ \t]*import\b[ \t]*(\([^)]*\)|[^\n#;"'\\]*)|import[ \t]+([^\n#;"'\\]*))/gm;

/** Modules that are loaded by a string. */
const pythonLoad = /\b(?:import_module|__import__|run_module|find_spec)\(\s*["']([\w.]+)["']/g;

/** Modules that one statement may load. */
export interface PythonImport {
  /** Folders that it goes up from that of its file, and one; 0 for a name that is looked for. */
  readonly dots: number;
  readonly dotted: readonly string[];
}

/** What the text of a Python program imports. */
export const pythonImports = (text: string): readonly PythonImport[] => {
  const statements = [...text.replace(/\\\r?\n/g, ' ').matchAll(pythonImport)].map(([, dots = '', from = '', names = '', plain = '']) => {
    const listed = `${names.replace(/#.*/g, '')}${plain}`
      .replace(/[()]/g, '')
      .split(',')
      .map((name) => name.trim().split(/\s/)[0] ?? '')
      .filter((name) => /^[\w.]+$/.test(name));
    // A star, or names that are no modules: the package is loaded all the same.
    return { dots: dots.length, dotted: from === '' ? listed : [from, ...listed.map((name) => `${from}.${name}`)] };
  });
  return [...statements, ...[...text.matchAll(pythonLoad)].map(([, name = '']) => dotsOf(name))];
};

const dotsOf = (name: string): PythonImport => {
  const dots = /^\.*/.exec(name)?.[0].length ?? 0;
  return { dots, dotted: [name.slice(dots)].filter((rest) => rest !== '') };
};

/** A folder and those above it, as far as the one that the program is started in. */
const foldersAbove = (folder: string, started: string): readonly string[] =>
  folder === '.' || folder === '/' || folder === posix.normalize(started)
    ? [folder]
    : [folder, ...foldersAbove(posix.dirname(folder), started)];

/**
 * The files that an import of Python may load. Modules are looked for in the folder of the file and
 * those above it, of which one is the script's, in the folder of the start, and in its `src`.
 */
export const importedModules = ({ dots, dotted }: PythonImport, folder: string, started: string): readonly string[] => {
  const roots =
    dots === 0
      ? [...foldersAbove(folder, started), started, posix.join(started, 'src')]
      : [posix.join(folder, ...Array<string>(dots - 1).fill('..'))];
  return roots.flatMap((root) => dotted.flatMap((name) => moduleFiles(name, root)));
};

/** The files that Python may import. */
export const pythonModules = (text: string, folder: string, started: string): readonly string[] =>
  pythonImports(text).flatMap((each) => importedModules(each, folder, started));
