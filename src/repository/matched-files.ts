/** The paths of a tree as git lists them, byte by byte in latin1. */
export interface ListedTree {
  readonly paths: ReadonlySet<string>;
  isSubmodule(path: string): boolean;
  /** Target of a symbolic link; null for anything else, and for what is not listed. */
  linkTarget(path: string): string | null;
  /** Folder of the checkout, for absolute links into it. */
  readonly root: string;
}

/** How the patterns meet a path, be it the name of a file or one that a link gives it. */
export type Reach = (path: string, isSubmodule: boolean) => 'matches' | 'below' | 'none';

/** As many as Linux follows. */
const mostLinks = 40;

/**
 * The listed paths that some patterns match. A link counts with what it leads to: the file, or all
 * files of the folder. A file behind a link to a folder is matched by the name that the link gives
 * it, too. A submodule counts as a whole. What leads out of the tree ends there.
 */
export const matchedFiles = (tree: ListedTree, reach: Reach): ReadonlySet<string> => {
  const found = new Set<string>();
  for (const path of tree.paths) addMatched({ tree, reach, found, entered: new Set() }, { path, shown: path, whole: false, through: [] });
  return found;
};

interface Search {
  readonly tree: ListedTree;
  readonly reach: Reach;
  readonly found: Set<string>;
  /** Folders that links led to: none is entered twice, since they may lead in a circle. */
  readonly entered: Set<string>;
}

interface Place {
  readonly path: string;
  /** The name that patterns see: the path, or another one through links. */
  readonly shown: string;
  /** A folder that it lies in counts as a whole. */
  readonly whole: boolean;
  /** Links on the way. */
  readonly through: readonly string[];
}

const addMatched = (search: Search, { path, shown, whole, through }: Place): void => {
  const { tree, reach, found, entered } = search;
  const isSubmodule = tree.isSubmodule(path);
  const met = whole ? 'matches' : reach(shown, isSubmodule);
  if (met === 'none') return;
  if (met === 'matches' || isSubmodule) for (const each of [...through, path]) found.add(each);
  const led = tree.linkTarget(path) === null ? null : follow(tree, path);
  if (led === null) return;
  const links = [...through, ...led.links];
  if (tree.paths.has(led.path)) {
    const isModule = tree.isSubmodule(led.path);
    if (met === 'matches' || (isModule && reach(shown, true) !== 'none')) for (const each of [...links, led.path]) found.add(each);
    return;
  }
  if (entered.has(led.path)) return;
  entered.add(led.path);
  const folder = led.path === '' ? '' : `${led.path}/`;
  for (const below of tree.paths)
    if (below.startsWith(folder))
      addMatched(search, { path: below, shown: `${shown}/${below.slice(folder.length)}`, whole: met === 'matches', through: links });
};

/**
 * Where a link leads in the end: a listed path, the submodule that it leads into, or another path.
 * Null outside the tree, and for a ring of links.
 */
const follow = (tree: ListedTree, link: string): { readonly path: string; readonly links: readonly string[] } | null => {
  const links: string[] = [];
  let done: string[] = [];
  let rest = link.split('/');
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      if (done.pop() === undefined) return null;
      continue;
    }
    const here = [...done, name].join('/');
    const target = tree.linkTarget(here);
    if (tree.isSubmodule(here)) return { path: here, links };
    if (target === null) {
      done.push(name);
      continue;
    }
    links.push(here);
    const inside = target.startsWith(`${tree.root}/`) ? target.slice(tree.root.length + 1) : target;
    if (inside.startsWith('/') || links.length > mostLinks) return null;
    if (inside !== target) done = [];
    rest = [...inside.split('/'), ...rest];
  }
  return { path: done.join('/'), links };
};
