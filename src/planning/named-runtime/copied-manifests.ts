import { posix } from 'node:path';
import type { CommandText } from './command-text.ts';
import type { CommandTree } from './command-tree.ts';
import { lockEntries, lockFiles } from './lock-entries.ts';
import { manifestEntries } from './manifest-entries.ts';
import type { NamedVersion } from './named-version.ts';

const copying = /(?:^|[\s;&|({-])(?:cp|copy|xcopy|robocopy|Copy-Item|rsync|mv|ln|COPY|ADD)\s+([^\n;&|]*)/g;

/** Whether a word of a command names a file: itself, a folder around it, or a pattern of its folder. */
const names = (word: string, path: string): boolean => {
  const plain = posix.normalize(word).replace(/\/+$/, '');
  if (plain === '.' || plain === '') return false;
  const star = plain.indexOf('*');
  if (star === -1) return path === plain || path.startsWith(`${plain}/`);
  return path.startsWith(plain.slice(0, star)) && !path.slice(star).includes('/');
};

/** What the manifests and lock files name that some texts copy to where they install: of each folder its lock file, where it has one. */
export const copiedVersions = async (tree: CommandTree, texts: readonly CommandText[]): Promise<readonly NamedVersion[]> => {
  const words = texts.flatMap(({ text }) => [...text.matchAll(copying)].flatMap(([, rest = '']) => rest.split(/[\s"']+/)));
  if (words.length === 0) return [];
  const copied = (await tree.manifests()).filter((path) => words.some((word) => names(word, path)));
  const found: NamedVersion[] = [];
  for (const paths of Map.groupBy(copied, (path) => posix.dirname(path)).values()) {
    const locks = paths.filter((path) => lockFiles.includes(posix.basename(path)));
    for (const path of locks.length > 0 ? locks : paths) {
      const text = (await tree.fileAt(path)) ?? '';
      found.push(...(locks.length > 0 ? lockEntries(path, text, '') : manifestEntries(new Map([[path, text]]))));
    }
  }
  return found.map(({ spec, detail, path }) => ({ spec, detail, path }));
};
