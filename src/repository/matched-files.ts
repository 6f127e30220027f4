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

export interface MatchedFiles {
  readonly paths: ReadonlySet<string>;
  /** Files, folders and submodules among them that are matched through a link. */
  readonly behindLinks: ReadonlySet<string>;
}

/**
 * The listed paths that some patterns match. A link counts with what it leads to: the file, or all
 * files of the folder. A file behind a link to a folder is matched by the name that the link gives
 * it, too. A submodule counts as a whole. What leads out of the tree ends there.
 */
export const matchedFiles = (tree: ListedTree, reach: Reach): MatchedFiles => {
  const [paths, behindLinks] = [new Set<string>(), new Set<string>()];
  for (const path of tree.paths)
    addMatched({ tree, reach, paths, behindLinks, entered: new Set() }, { path, shown: path, whole: false, through: [] });
  return { paths, behindLinks };
};

interface Search {
  readonly tree: ListedTree;
  readonly reach: Reach;
  readonly paths: Set<string>;
  readonly behindLinks: Set<string>;
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
  const { tree, reach, entered } = search;
  const met = whole ? 'matches' : reach(shown, tree.isSubmodule(path));
  if (met === 'none') return;
  if (met === 'matches' || tree.isSubmodule(path)) addPlace(search, path, through, whole);
  const led = tree.linkTarget(path) === null ? null : follow(tree, path);
  if (led === null) return;
  const links = [...through, ...led.links];
  if (tree.paths.has(led.path)) {
    if (met === 'matches' || (tree.isSubmodule(led.path) && reach(shown, true) !== 'none')) addPlace(search, led.path, links, false);
    return;
  }
  const folder = led.path === '' ? '' : `${led.path}/`;
  const inside = entered.has(led.path) ? [] : [...tree.paths].filter((each) => each.startsWith(folder));
  entered.add(led.path);
  // A link may lead to the root, or to nothing that git knows.
  if (met === 'matches' && folder !== '' && inside.length > 0) search.behindLinks.add(led.path);
  for (const below of inside)
    addMatched(search, { path: below, shown: `${shown}/${below.slice(folder.length)}`, whole: met === 'matches', through: links });
};

/** Counts a path and the links on the way to it. `named`: it lies in a folder that is said to be behind a link. */
const addPlace = ({ paths, behindLinks }: Search, path: string, links: readonly string[], named: boolean): void => {
  for (const each of [...links, path]) paths.add(each);
  if (links.length > 0 && !named) behindLinks.add(path);
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
