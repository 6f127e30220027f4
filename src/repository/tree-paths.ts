import { lstat, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Git } from './git.ts';
import type { Tree } from './inputs-digest.ts';

/**
 * What is at a path of a tree: a file, a folder with files, a link and where it leads, a submodule
 * or something in it, or nothing that git knows.
 */
export type TreeEntry =
  | { readonly kind: 'file' | 'folder' | 'nothing' }
  | { readonly kind: 'link'; readonly target: string }
  /** `root`: its path; `commit`: the one that the tree pins. */
  | { readonly kind: 'submodule'; readonly root: string; readonly commit: string };

/**
 * The paths of a tree as git knows them: of a commit, or on disk where they are not ignored.
 * Relative to the root, with `/`.
 */
export interface TreePaths {
  /** All files, links and submodules. */
  readonly all: readonly string[];
  /** False where nothing is at a path, nor by a link or in a submodule on its way. */
  mayHold(path: string): boolean;
  entry(path: string): Promise<TreeEntry>;
}

const linkMode = '120000';
const submoduleMode = '160000';

/** Lists a tree once. `root` is the folder of the checkout. Throws `git-failed`. */
export const listTree = async (git: Git, root: string, tree: Tree): Promise<TreePaths> => {
  const listed = tree === 'working-tree' ? await workingEntries(git) : await committedEntries(git, tree.commit);
  const folders = new Set<string>();
  for (const path of listed.keys())
    for (let end = path.lastIndexOf('/'); end > 0 && !folders.has(path.slice(0, end)); end = path.lastIndexOf('/', end - 1))
      folders.add(path.slice(0, end));
  const targets = new Map<string, Promise<Buffer>>();
  const targetOf = (link: string): Promise<Buffer> => {
    const target = targets.get(link) ?? git.read(['cat-file', 'blob', link]);
    targets.set(link, target);
    return target;
  };
  const submodules = [...listed].flatMap(([path, { mode }]) => (mode === submoduleMode ? [path] : []));
  return {
    all: [...listed.keys()],
    mayHold: (path) => {
      if (folders.has(path)) return true;
      const above = path.lastIndexOf('/');
      let known = path;
      for (let end = above; !listed.has(known) && end > 0 && !folders.has(known); end = path.lastIndexOf('/', end - 1))
        known = path.slice(0, end);
      return listed.has(known);
    },
    entry: async (path) => {
      const submodule = submodules.find((each) => path === each || path.startsWith(`${each}/`));
      if (submodule !== undefined) return { kind: 'submodule', root: submodule, commit: listed.get(submodule)?.name ?? '' };
      const object = listed.get(path);
      if (object === undefined) return { kind: folders.has(path) ? 'folder' : 'nothing' };
      if (tree === 'working-tree') return entryOnDisk(join(root, path));
      return object.mode === linkMode ? { kind: 'link', target: (await targetOf(object.name)).toString('utf8') } : { kind: 'file' };
    },
  };
};

interface GitObject {
  readonly mode: string;
  readonly name: string;
}

const committedEntries = async (git: Git, commit: string): Promise<ReadonlyMap<string, GitObject>> => {
  const entries = new Map<string, GitObject>();
  for (const line of (await git.read(['ls-tree', '-r', '-z', '--full-tree', commit])).toString('utf8').split('\0')) {
    const [, mode, name, path] = /^(\d+) (?:blob|commit) ([0-9a-f]+)\t(.+)$/s.exec(line) ?? [];
    if (mode !== undefined && name !== undefined && path !== undefined) entries.set(path, { mode, name });
  }
  return entries;
};

const workingEntries = async (git: Git): Promise<ReadonlyMap<string, GitObject>> => {
  const names = async (...args: readonly string[]): Promise<readonly string[]> =>
    (await git.read(['ls-files', '-z', '--full-name', ...args])).toString('utf8').split('\0');
  const onDisk = { mode: '', name: '' };
  const indexed = (await names('--cached', '--stage')).flatMap((line): [string, GitObject][] => {
    const [, mode = '', name = '', path = ''] = /^(\d+) ([0-9a-f]+) [^\t]*\t(.+)$/s.exec(line) ?? [];
    return path === '' ? [] : [[path, mode === submoduleMode ? { mode, name } : onDisk]];
  });
  const others = (await names('--others', '--exclude-standard')).filter((path) => path !== '' && !path.endsWith('/'));
  return new Map([...indexed, ...others.map((path): [string, GitObject] => [path, onDisk])]);
};

const entryOnDisk = async (path: string): Promise<TreeEntry> => {
  const stats = await lstat(path).catch(() => null);
  if (stats === null) return { kind: 'nothing' };
  if (stats.isSymbolicLink()) return { kind: 'link', target: await readlink(path) };
  return { kind: stats.isFile() ? 'file' : 'nothing' };
};
