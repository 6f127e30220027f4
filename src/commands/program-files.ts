import { posix } from 'node:path';

/** Static and dynamic imports of relative files in a bundle; specifiers in bundles are plain string literals. */
const imports = /(?:\bfrom\s*|\bimport\s*\(?\s*)(["'`])(\.{1,2}\/[^"'`\n]{1,200})\1/g;

/**
 * The files of a bundled program: `entry` and whatever it imports, directly or not, on demand or not, in order of their paths. A file that is
 * not there ends its branch. Paths are those of the tree that `read` reads.
 */
export const programFiles = async (
  entry: string,
  read: (path: string) => Promise<string | null>,
): Promise<readonly { readonly path: string; readonly text: string }[]> => {
  const found = new Map<string, string>();
  const waiting = [entry];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (found.has(path)) continue;
    const text = await read(path);
    if (text === null) continue;
    found.set(path, text);
    for (const [, , specifier = ''] of text.matchAll(imports)) waiting.push(posix.join(posix.dirname(path), specifier));
  }
  return [...found].map(([path, text]) => ({ path, text })).toSorted((a, b) => (a.path < b.path ? -1 : 1));
};
