import { type Dirent, existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, delimiter, dirname, extname, isAbsolute, join, relative, resolve } from 'node:path';
import { entryAt, fileBehind, isBehindLink, reached, textBehind } from '../../repository/on-disk.ts';

/** A file that holds, or was made of, one of the files in which two trees differ. */
export interface CodeCopy {
  /** Absolute. */
  readonly path: string;
  /** The file of the tree, relative to its root, or the package that was installed. */
  readonly of: string;
}

/**
 * The changed files that a tree has, and what Python compiled of each. What a changed link leads to
 * has a path of its own; looking at it through the link would be a read of the link.
 */
export const copiesInTree = (
  tree: string,
  changed: readonly string[],
  environment: Readonly<Record<string, string>>,
): readonly CodeCopy[] => {
  const there = changed.map((of) => ({ of, path: join(tree, of) }));
  const stats = new Map(there.map(({ of, path }) => [of, entryAt(path)]));
  const links = changed.filter((of) => stats.get(of)?.isSymbolicLink() === true);
  return there.flatMap(({ of, path }) => {
    // Git may have been told not to list a link on the way.
    if (links.some((link) => of.startsWith(`${link}/`)) || isBehindLink(tree, of)) return [];
    const own = stats.get(of)?.isFile() === true || links.includes(of) ? [{ path, of }] : [];
    return [...own, ...compiledBy(path, environment['PYTHONPYCACHEPREFIX'] ?? null).map((compiled) => ({ path: compiled, of }))];
  });
};

/** Copies, and what Python compiled of each. */
export const withCompiled = (copies: readonly CodeCopy[], environment: Readonly<Record<string, string>>): readonly CodeCopy[] =>
  copies.flatMap(({ path, of }) =>
    [path, ...compiledBy(path, environment['PYTHONPYCACHEPREFIX'] ?? null)].map((each) => ({ path: each, of })),
  );

const compiledBy = (path: string, prefix: string | null): readonly string[] => {
  if (extname(path) !== '.py') return [];
  const stem = `${basename(path, '.py')}.`;
  const folders = [join(dirname(path), '__pycache__'), ...(prefix === null ? [] : [join(prefix, dirname(path))])];
  return folders.flatMap((folder) => namesIn(folder).flatMap((name) => (name.startsWith(stem) ? [join(folder, name)] : [])));
};

/** Endings of compiled files, by the endings of its sources. */
const products: readonly { readonly sources: RegExp; readonly made: RegExp }[] = [
  {
    sources: /\.(c|cc|cpp|cxx|c\+\+|cu|cuh|h|hh|hpp|hxx|inc|inl|rs|go|zig|f|f90|f95|pyx|pxd|swift|m|mm|s|asm|hip|cl|metal)$/i,
    made: /\.(so|so\.[\d.]+|dylib|dll|pyd|node|a|o|obj|wasm|cubin|ptx|fatbin|hsaco|metallib|exe)$|(^|\/)[^./]+$/i,
  },
  { sources: /\.(ts|tsx|mts|cts)$/i, made: /\.(js|mjs|cjs)$/i },
  { sources: /\.(java|kt|scala)$/i, made: /\.(jar|class)$/i },
];

/** Files that are looked at before the search for products ends. */
const mostFiles = 50_000;

/**
 * Files of a tree that git ignores and that were compiled after a changed source was written: what
 * a build left there. Folders of installed packages do not count.
 * @param ignored paths that git ignores, relative to the tree; a folder ends in `/`
 */
export const productsInTree = (tree: string, changed: readonly string[], ignored: readonly string[]): readonly CodeCopy[] => {
  const sources = products.flatMap(({ sources: named, made }) => {
    const written = changed.flatMap((of) => {
      const stats = named.test(of) ? fileBehind(join(tree, of)) : null;
      return stats === null ? [] : [{ of, at: stats.mtimeMs }];
    });
    const [oldest] = written.toSorted((one, other) => one.at - other.at);
    return oldest === undefined ? [] : [{ ...oldest, made }];
  });
  if (sources.length === 0) return [];
  return ignoredFilesIn(tree, ignored).flatMap((path) => {
    const stats = entryAt(join(tree, path));
    if (stats?.isFile() !== true) return [];
    const runs = extname(path) !== '' || (stats.mode & 0o111) !== 0;
    const source = sources.find(({ made, at }) => runs && made.test(path) && stats.mtimeMs >= at);
    return source === undefined ? [] : [{ path: join(tree, path), of: source.of }];
  });
};

/**
 * Files and links among what git ignores in a tree, relative to it, as far as they are looked at;
 * folders of installed packages do not count.
 * @param ignored paths that git ignores, relative to the tree; a folder ends in `/`
 */
export const ignoredFilesIn = (tree: string, ignored: readonly string[]): readonly string[] => {
  const found: string[] = [];
  const queue = [...ignored];
  let left = mostFiles;
  for (let path = queue.pop(); path !== undefined && left > 0; path = queue.pop()) {
    left -= 1;
    if (holdsPackages(join(tree, path))) continue;
    if (!path.endsWith('/')) found.push(path);
    else for (const entry of entriesOf(join(tree, path))) queue.push(`${path}${entry.name}${entry.isDirectory() ? '/' : ''}`);
  }
  return found;
};

/**
 * What lies beside a tree, in the folders between it and another one above it, relative to the tree;
 * a folder ends in `/`. Nothing where the other one is not above it.
 */
export const besideTree = (tree: string, above: string): readonly string[] => {
  if (!tree.startsWith(`${above}/`)) return [];
  const parent = dirname(tree);
  const here = entriesOf(parent).filter(({ name }) => name !== basename(tree));
  const further = besideTree(parent, above).map((path) => `../${path}`);
  return [...here.map((entry) => `../${entry.name}${entry.isDirectory() ? '/' : ''}`), ...further];
};

/**
 * Files without those of which another hard link lies elsewhere: the stores of package managers,
 * whose files are those of the packages.
 * @param paths relative to the tree
 */
export const withoutSharedFiles = (tree: string, paths: readonly string[]): readonly string[] => {
  const files = paths.flatMap((path) => {
    const stats = entryAt(join(tree, path));
    return stats === null ? [] : [{ path, links: stats.nlink, id: `${stats.dev}:${stats.ino}` }];
  });
  const known = Map.groupBy(files, ({ id }) => id);
  return files.filter(({ id, links }) => links <= (known.get(id)?.length ?? 0)).map(({ path }) => path);
};

/**
 * Files whose access times this user may set back: one that another user owns must not keep the
 * others from being watched.
 * @param paths relative to the tree
 */
export const ownFiles = (tree: string, paths: readonly string[]): readonly string[] => {
  const user = process.geteuid?.() ?? 0;
  return paths.filter((path) => user === 0 || entryAt(join(tree, path))?.uid === user);
};

/** A folder that a package manager fills, or one of git's or the gate's own. */
export const holdsPackages = (folder: string): boolean =>
  ['node_modules', 'site-packages', '.git', '__pycache__', '.optimization-gate'].includes(basename(folder)) || isEnvironment(folder);

/**
 * Folders of installed packages that a command may load from, as far as its words and its
 * environment name them.
 */
export const packageFolders = (argv: readonly string[], cwd: string, environment: Readonly<Record<string, string>>): readonly string[] => {
  const words = wordsIn(argv);
  const programs = words.flatMap((word) => programNamed(word, cwd, environment['PATH'] ?? ''));
  const named = ['VIRTUAL_ENV', 'CONDA_PREFIX', 'PYTHONUSERBASE'].flatMap((name) => environment[name] ?? []);
  const home = environment['HOME'] === undefined ? [] : [join(environment['HOME'], '.local')];
  const known = [...named, ...home, ...programs.map((program) => dirname(dirname(program)))];
  const roots = [...known, ...environmentsNamed(words, cwd, [...known, ...condaRoots(environment['HOME'])])];
  const paths = ['PYTHONPATH', 'NODE_PATH'].flatMap((name) => (environment[name] ?? '').split(delimiter)).filter((path) => path !== '');
  const folders = [
    ...roots.flatMap(pythonPackages),
    ...roots.flatMap(globalPackages),
    ...paths.map((path) => resolve(cwd, path)),
    ...words.flatMap(placeNamed),
    ...ancestors(cwd).map((folder) => join(folder, 'node_modules')),
  ];
  const scoped = folders.flatMap((folder) =>
    basename(folder) === 'node_modules' ? namesIn(folder).flatMap((name) => (name.startsWith('@') ? [join(folder, name)] : [])) : [],
  );
  return [...new Set([...folders, ...scoped])].filter((folder) => existsSync(folder));
};

/** Words of commands that can name a program or a folder of programs, those in the text of a shell too. */
export const wordsIn = (commands: readonly string[]): readonly string[] => [
  ...new Set(commands.flatMap((command) => command.split(/[\s;&|()'"`=:,]+@?/)).filter((word) => word !== '' && !word.startsWith('-'))),
];

/** The folder that an absolute path names, or that of the file: code may have been copied there. */
const placeNamed = (word: string): readonly string[] => {
  const stats = isAbsolute(word) ? reached(() => statSync(word)) : null;
  if (stats === null) return [];
  return [stats.isDirectory() ? resolve(word) : dirname(resolve(word))];
};

const isEnvironment = (folder: string): boolean => ['pyvenv.cfg', 'conda-meta'].some((name) => existsSync(join(folder, name)));

/** Where conda and its like put their environments unless told otherwise. */
const condaRoots = (home: string | undefined): readonly string[] =>
  home === undefined ? [] : ['miniconda3', 'miniforge3', 'anaconda3', 'micromamba', '.conda'].map((name) => join(home, name));

/**
 * Environments of Python that words name by their folder or its `bin`, or by their name, as in
 * `conda run -n NAME`.
 */
const environmentsNamed = (words: readonly string[], cwd: string, roots: readonly string[]): readonly string[] => {
  const paths = words.filter((word) => word.includes('/')).flatMap((word) => [resolve(cwd, word), dirname(resolve(cwd, word))]);
  const isConda = words.some((word) => ['conda', 'mamba', 'micromamba'].includes(basename(word)));
  const named = isConda ? [...new Set(roots)].flatMap((root) => words.map((word) => join(root, 'envs', word))) : [];
  return [...new Set([...paths, ...named])].filter(isEnvironment);
};

/** Where a program is that a word names, and the file behind its links; empty where there is none. */
export const programNamed = (word: string, cwd: string, searchPath: string): readonly string[] => {
  const candidates = word.includes('/') ? [resolve(cwd, word)] : searchPath.split(delimiter).map((folder) => join(folder, word));
  const found = candidates.find((path) => fileBehind(path) !== null);
  // What the system makes up below /proc has no other name.
  return found === undefined ? [] : [...new Set([found, reached(() => realpathSync(found)) ?? found])];
};

const pythonPackages = (root: string): readonly string[] =>
  ['lib', 'lib64'].flatMap((lib) =>
    namesIn(join(root, lib))
      .filter((name) => /^(python|pypy)\d/.test(name))
      .flatMap((name) => ['site-packages', 'dist-packages'].map((each) => join(root, lib, name, each))),
  );

/** Each package that `npm install -g` put in place, and their folder. */
const globalPackages = (root: string): readonly string[] => {
  const folder = join(root, 'lib', 'node_modules');
  const below = (at: string): readonly string[] => namesIn(at).map((name) => join(at, name));
  return [folder, ...below(folder).flatMap((each) => (basename(each).startsWith('@') ? below(each) : [each]))];
};

const ancestors = (folder: string): readonly string[] => {
  const above = dirname(folder);
  return above === folder ? [folder] : [folder, ...ancestors(above)];
};

/**
 * Copies of a tree's changed files among installed packages: files of the same name and content,
 * below a path that ends alike, and compiled files of packages that were installed from the tree.
 * @param without the same files in the other tree: what equals those as well is nobody's
 */
export const installedCopies = (
  folders: readonly string[],
  tree: string,
  changed: readonly string[],
  without: string,
  environment: Readonly<Record<string, string>>,
): readonly CodeCopy[] => {
  const equal = changed.flatMap((of) => {
    const content = contentOf(join(tree, of));
    if (content === null || content.equals(contentOf(join(without, of)) ?? Buffer.alloc(0))) return [];
    return folders.flatMap((folder) =>
      endingsOf(of).flatMap((ending) => {
        const path = join(folder, ending);
        if (fileBehind(path)?.size !== content.length) return [];
        const [real, own] = [path, join(tree, of)].map((each) => reached(() => realpathSync(each)));
        if (real === own || contentOf(path)?.equals(content) !== true) return [];
        return withCompiled([{ path, of }], environment);
      }),
    );
  });
  const compiled = folders.flatMap((folder) =>
    installedFrom(folder, tree).flatMap(({ files, below }) => {
      const of = changed.find((each) => below === '' || each.startsWith(`${below}/`));
      return of === undefined ? [] : files.map((path) => ({ path, of }));
    }),
  );
  return [...equal, ...compiled];
};

/** `a/b/c` → `a/b/c`, `b/c`, `c` */
const endingsOf = (path: string): readonly string[] => {
  const names = path.split('/');
  return names.map((_, at) => names.slice(at).join('/'));
};

const largestSource = 16 * 1024 * 1024;

const contentOf = (path: string): Buffer | null => {
  const stats = fileBehind(path);
  return stats !== null && stats.size > 0 && stats.size <= largestSource ? readFileSync(path) : null;
};

/**
 * The compiled files of Python packages that were installed from a folder of the tree (PEP 610),
 * and that folder.
 */
const installedFrom = (packages: string, tree: string): readonly { readonly files: readonly string[]; readonly below: string }[] =>
  namesIn(packages)
    .filter((name) => name.endsWith('.dist-info'))
    .flatMap((name) => {
      const origin = originOf(join(packages, name, 'direct_url.json'));
      const inside = origin === null ? '..' : relative(tree, origin.at);
      if (inside.startsWith('..') || isAbsolute(inside)) return [];
      const below = origin?.whole === true ? '' : inside;
      const listed = textBehind(join(packages, name, 'RECORD'))?.split('\n') ?? [];
      const files = listed.map((line) => line.split(',')[0] ?? '').filter((file) => /\.(so|pyd|dylib|dll)$/.test(file));
      return [{ files: files.map((file) => join(packages, file)).filter((file) => existsSync(file)), below }];
    });

/** Where a package was installed from: a folder, or an archive that may hold the `whole` tree. */
const originOf = (path: string): { readonly at: string; readonly whole: boolean } | null => {
  try {
    const { url } = JSON.parse(textBehind(path) ?? '{}') as { readonly url?: unknown };
    if (typeof url !== 'string' || !url.startsWith('file://')) return null;
    const at = decodeURIComponent(new URL(url).pathname);
    return { at, whole: fileBehind(at) !== null };
  } catch {
    return null;
  }
};

const entriesOf = (folder: string): readonly Dirent[] => {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
};

const namesIn = (folder: string): readonly string[] => entriesOf(folder).map(({ name }) => name);
