import { posix } from 'node:path';
import { relativeImports } from './program-files.ts';

const scriptEndings = ['', '.js', '.mjs', '.cjs', '.ts', '.json', '/index.js'];

const scripts = (text: string, folder: string): readonly string[] =>
  relativeImports(text).flatMap((specifier) => {
    const path = posix.join(folder, specifier.replace(/[?#].*$/, ''));
    return scriptEndings.map((ending) => `${path}${ending}`);
  });

/** The files that a dotted name may stand for, from the outermost package to the module. */
export const moduleFiles = (dotted: string, root: string): readonly string[] => {
  const names = dotted.split('.');
  return names.flatMap((_, at) => {
    const path = posix.join(root, ...names.slice(0, at + 1));
    return [`${path}.py`, `${path}/__init__.py`];
  });
};

const pythonImport = /^[ \t]*(?:from[ \t]+(\.*)([\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n#;]*)|import[ \t]+([^\n#;]*))/gm;

/** Modules are looked for beside the script, and in the folder that it is started in. */
const pythonModules = (text: string, folder: string, started: string): readonly string[] =>
  [...text.matchAll(pythonImport)].flatMap(([, dots = '', from = '', names = '', plain = '']) => {
    const listed = `${names}${plain}`
      .replace(/[()]/g, '')
      .split(',')
      .map((name) => name.trim().split(/\s/)[0] ?? '')
      .filter((name) => /^[\w.]+$/.test(name));
    const dotted = listed.map((name) => (from === '' ? name : `${from}.${name}`));
    const roots = dots === '' ? [folder, started] : [posix.join(folder, ...Array<string>(dots.length - 1).fill('..'))];
    return roots.flatMap((root) => dotted.flatMap((name) => moduleFiles(name, root)));
  });

/**
 * What stands between blanks, quotes and the characters that a shell or an option puts between
 * words.
 */
export const looseWords = (text: string): readonly string[] => text.split(/[\s'"`=;|&<>(),:$\\]+/).filter((word) => word !== '');

const requirement = /^[ \t]*(?:(?:-r|-c|-e|--requirement|--constraint|--editable)[ \t=]*)?((?:\.{1,2}\/)?[\w./-]+)[ \t]*$/gm;

const requirements = (text: string, folder: string): readonly string[] =>
  [...text.matchAll(requirement)].map(([, path = '']) => posix.join(folder, path));

/** Lists of Python packages, whose names people vary. */
export const isRequirements = (path: string): boolean => /(^|\/)[\w.-]*(requirements|constraints)[\w.-]*\.(txt|in)$/.test(path);

const isScript = (path: string): boolean => /\.[cm]?[jt]s$/.test(path);
const isPython = (path: string): boolean => /\.py$/.test(path);
/** Files that hold command lines. */
const isRecipe = (path: string): boolean =>
  /\.(ba|z)?sh$/.test(path) || /(^|\/)(package\.json|(GNU)?[Mm]akefile|\.?[Jj]ustfile|Taskfile\.ya?ml|tox\.ini)$/.test(path);

/** Whether a file may refer to others. */
export const hasReferences = (path: string): boolean => [isScript, isPython, isRecipe, isRequirements].some((is) => is(path));

/**
 * The paths that a file of code refers to, whether they exist or not: relative imports of
 * JavaScript, imports of Python, words of a shell script, a Makefile or the like, the lists that a
 * list of requirements includes. Empty for any other file.
 * @param started folder that the program is started in
 */
export const fileReferences = (path: string, text: string, started: string): readonly string[] => {
  const folder = posix.dirname(path);
  if (isScript(path)) return scripts(text, folder);
  if (isPython(path)) return pythonModules(text, folder, started);
  if (isRecipe(path)) return looseWords(text).map((word) => posix.join(started, word));
  return isRequirements(path) ? requirements(text, folder) : [];
};
