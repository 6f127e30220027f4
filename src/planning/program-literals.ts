import { posix } from 'node:path';
import { moduleFiles, scriptFiles } from './code-references.ts';
import { commandReferences, foldersGoneTo, looseWords, manifests, modulesNamed } from './command-references.ts';

const literal = /"((?:\\.|[^"\\\n])*)"|'((?:\\.|[^'\\\n])*)'|`((?:\\.|[^`\\\n])*)`/g;

/** Between parts of one path: `join(here, '..', 'run.py')`, `HERE / 'lib' / 'run.py'`. */
const joining = /^\s*[,/+]\s*$/;

const longestPath = 1024;

/**
 * The literals of a program, in one text, and their words: a command that it starts, or the name of
 * a file that it loads. Neighbours are joined, too: they may be parts of one path.
 */
export const programLiterals = (text: string): { readonly words: readonly string[]; readonly text: string } => {
  const [contents, joined]: [string[], string[]] = [[], []];
  let end = -1;
  let path = '';
  for (const match of text.matchAll(literal)) {
    const content = match[1] ?? match[2] ?? match[3] ?? '';
    const goesOn = end >= 0 && path.length + content.length < longestPath && joining.test(text.slice(end, match.index));
    path = goesOn ? posix.join(path, content) : content;
    end = match.index + match[0].length;
    contents.push(content);
    if (goesOn) joined.push(path);
  }
  return { words: [...contents.flatMap(looseWords), ...joined], text: contents.join('\n') };
};

/** A word that can name a file: manifests are named by many programs that do not run what these say. */
const isPath = (word: string): boolean => /\/|\.\w{1,8}$/.test(word) && !manifests.includes(posix.basename(word));

/**
 * The paths that words of literals may lead to: files, modules of `-m`, and beside the program
 * scripts without their endings.
 */
export const literalReferences = (words: readonly string[], folder: string, started: string): readonly string[] => {
  const named = [...new Set(words)].filter(isPath).flatMap((word) => {
    const beside = posix.join(folder || '.', word);
    return [...(/^\.{1,2}\//.test(word) ? scriptFiles(beside) : [beside]), posix.join(started || '.', word)];
  });
  return [...named, ...modulesNamed(words).flatMap((name) => [folder, started].flatMap((from) => moduleFiles(name, from)))];
};

/** Where a program starts another one elsewhere, or goes itself: `cwd="engine"`, `cwd: 'engine'`, `chdir('engine')`. */
const goesElsewhere = /\bcwd["']?\s*[=:]|\bchdir\(/;

/**
 * What commands in the literals of a program lead to in a folder that they, or the program, go to.
 * @param isFolder whether something may lie at a path
 */
export const startedReferences = (
  program: string,
  literals: ReturnType<typeof programLiterals>,
  froms: readonly string[],
  isFolder: (path: string) => boolean,
): readonly string[] => {
  const there = goesElsewhere.test(program) ? literals.words : foldersGoneTo(literals.words);
  const folders = froms
    .flatMap((from) => there.map((name) => posix.join(from || '.', name)))
    .filter((path) => !isPath(posix.basename(path)));
  return [...new Set(folders)].filter(isFolder).flatMap((folder) => commandReferences(literals.words, literals.text, folder));
};

/** Calls by which programs in Python and JavaScript find the files of a folder. */
const listing = /\b(?:i?r?glob(?:Sync)?|listdir|scandir|walk|iterdir|readdir(?:Sync)?|opendir(?:Sync)?|resources\.files)\b/;

/**
 * The folders that a program may list by a literal (`listdir('data')`, `glob('data/*.json')`), or in
 * which it computes a name (`f'data/{name}.json'`).
 */
export const listedFolders = (
  program: string,
  { words }: Pick<ReturnType<typeof programLiterals>, 'words'>,
  folder: string,
  started: string,
): readonly string[] => {
  const found = listing.test(program) ? words : words.filter((word) => word.endsWith('/'));
  const named = new Set(found.map((word) => word.replace(/(^|\/)[^/]*[*?[].*$/, '')));
  return [...named].flatMap((name) => (name === '' ? [] : [posix.join(folder || '.', name), posix.join(started || '.', name)]));
};
