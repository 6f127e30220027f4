import { posix } from 'node:path';

/**
 * Static and dynamic imports, `require` and `new URL` among them; only specifiers that are plain
 * string literals.
 */
const imports = /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*|\bresolve\s*\(\s*|\bnew\s+URL\s*\(\s*)(["'`])([^"'`\n]{1,200})\1/g;

const importsIn = (text: string): readonly string[] => [...text.matchAll(imports)].map(([, , specifier = '']) => specifier);

const isRelative = (specifier: string): boolean => /^\.{1,2}(\/|$)/.test(specifier);

/** The relative specifiers that the text of a JavaScript file imports. */
export const relativeImports = (text: string): readonly string[] => importsIn(text).filter(isRelative);

/** The names that it imports: of packages, of what lies in them, and what a manifest leads elsewhere (`#table`). */
export const namedImports = (text: string): readonly string[] =>
  importsIn(text).filter((specifier) => !isRelative(specifier) && !/^\/|^[a-z]{2,}:|\s/.test(specifier));

/**
 * The files of a bundled program: `entry` and whatever it imports, directly or not, on demand or not, in order of their paths. A file that is
 * not there ends its branch, and so does one that is left out. Paths are those of the tree that `read` reads, many at a time.
 */
export const programFiles = async (
  entry: string,
  read: (paths: readonly string[]) => Promise<readonly (string | null)[]>,
  leftOut: (path: string) => boolean = () => false,
): Promise<readonly { readonly path: string; readonly text: string }[]> => {
  const found = new Map<string, string | null>();
  for (let wave: readonly string[] = [entry]; wave.length > 0; ) {
    const texts = await read(wave);
    const next = new Set<string>();
    for (const [at, path] of wave.entries()) {
      const text = texts[at] ?? null;
      found.set(path, text);
      for (const specifier of relativeImports(text ?? '')) next.add(posix.join(posix.dirname(path), specifier));
    }
    wave = [...next].filter((path) => !found.has(path) && !leftOut(path));
  }
  return [...found].flatMap(([path, text]) => (text === null ? [] : [{ path, text }])).toSorted((a, b) => (a.path < b.path ? -1 : 1));
};
