import { posix } from 'node:path';
import { commandWords } from '../processes/command-line.ts';
import type { TreePaths } from '../repository/tree-paths.ts';
import { commandReferences, looseWords, manifests, upwards, within } from './command-references.ts';
import { fileReferences, hasReferences, isRequirements, packageReferences } from './file-references.ts';

/** The tree in which names are looked up; paths are relative to the root of the repository. */
export interface NamingTree {
  readonly paths: TreePaths;
  /** Texts of regular files, in the order of the paths; null where there is none. */
  readonly read: (paths: readonly string[]) => Promise<readonly (string | null)[]>;
  /** Folder that commands are started in. */
  readonly folder: string;
  /** Absolute path of the root: a command may name a file of the tree by it. */
  readonly root: string;
}

const mostLinks = 40;

/** What says which version of a language a command runs on, for the version managers that stand in its place. */
const versionFiles = [
  '.tool-versions',
  'mise.toml',
  '.mise.toml',
  '.config/mise.toml',
  '.prototools',
  '.python-version',
  '.node-version',
  '.nvmrc',
  '.ruby-version',
  '.java-version',
  '.sdkmanrc',
  '.bazelversion',
  'global.json',
  'rust-toolchain.toml',
  'rust-toolchain',
];

const isManifest = (path: string): boolean => manifests.includes(posix.basename(path)) || isRequirements(path);

/**
 * Words of a command as they are started, and what stands inside them, such as `--config=FILE` or
 * the text of `sh -c`.
 */
const wordsOf = (command: string): readonly string[] => {
  const loose = looseWords(command);
  try {
    return [...commandWords(command, 'command'), ...loose];
  } catch {
    // Whoever starts it says what is wrong with it.
    return loose;
  }
};

const candidatesOf = (command: string, { folder, root }: Pick<NamingTree, 'folder' | 'root'>): readonly string[] => {
  const words = wordsOf(command);
  const absolute = words.flatMap((word) => (word.startsWith(`${root}/`) ? [posix.relative(root, word)] : []));
  return [...commandReferences(words, command, folder), ...absolute, ...within(upwards(folder), versionFiles)];
};

class Naming {
  readonly found = new Set<string>();
  readonly #tree: NamingTree;

  constructor(tree: NamingTree) {
    this.#tree = tree;
  }

  /**
   * Counts what is at some paths and all that it refers to. Folders count with everything below
   * them where `folders` says so.
   */
  async add(paths: readonly string[], folders: boolean): Promise<void> {
    const files: string[] = [];
    for (const path of new Set(paths)) {
      const file = await this.#count(path, folders);
      if (file !== null && hasReferences(file)) files.push(file);
    }
    if (files.length === 0) return;
    const texts = await this.#tree.read(files);
    const referring = files.map((file, at) => ({ file, text: texts[at] ?? '' }));
    await this.add(
      referring.flatMap(({ file, text }) => packageReferences(file, text, this.#tree.folder)),
      true,
    );
    await this.add(
      referring.flatMap(({ file, text }) => fileReferences(file, text, this.#tree.folder)),
      false,
    );
  }

  /** Counts what is at a path. Returns the file that is new by it, else null. */
  async #count(path: string, folders: boolean): Promise<string | null> {
    const real = await this.#resolve(path);
    if (real === null || real === '' || this.found.has(real)) return null;
    const entry = await this.#tree.paths.entry(real);
    const { kind } = entry;
    if (kind === 'submodule') this.found.add(entry.root);
    if (kind === 'file' || (kind === 'folder' && folders && real !== inside(this.#tree.folder))) this.found.add(real);
    return kind === 'file' ? real : null;
  }

  /**
   * Where a path leads once its links are followed, each of which counts too; null outside the
   * repository.
   */
  async #resolve(path: string): Promise<string | null> {
    let rest = inside(path);
    let done = '';
    for (let links = 0; rest !== null && rest !== '' && links <= mostLinks; ) {
      const [name = '', ...others] = rest.split('/');
      const here: string = posix.join(done, name);
      const entry = await this.#tree.paths.entry(here);
      if (entry.kind !== 'link') {
        [done, rest] = [here, others.join('/')];
        continue;
      }
      links += 1;
      this.found.add(here);
      [done, rest] = ['', posix.isAbsolute(entry.target) ? null : inside(posix.join(done, entry.target, ...others))];
    }
    return rest === '' ? done : null;
  }
}

/** A path without detours; null where it leaves the repository, '' for its root. */
const inside = (path: string): string | null => {
  const plain = posix.normalize(path).replace(/\/+$/, '');
  if (plain === '.' || plain === '') return '';
  return plain.startsWith('/') || plain === '..' || plain.startsWith('../') ? null : plain;
};

/**
 * Paths of the files and folders that a command line names and git knows, with the files that these
 * refer to (`fileReferences`) and those that a program reads without being told, such as a
 * Makefile. A folder stands for all that is below it; the folder that the command is started in
 * does not count.
 */
export const namedFiles = async (command: string, tree: NamingTree): Promise<readonly string[]> => {
  const naming = new Naming(tree);
  await naming.add(candidatesOf(command, tree), true);
  return [...naming.found].sort();
};

/**
 * The same of `setup`: where it names no list of packages, all of the usual names that lie in the
 * folder of its start count.
 */
export const installedFiles = async (setup: string, tree: NamingTree): Promise<readonly string[]> => {
  const named = await namedFiles(setup, tree);
  if (named.some(isManifest)) return named;
  const naming = new Naming(tree);
  await naming.add(
    manifests.map((name) => posix.join(tree.folder, name)),
    false,
  );
  return [...new Set([...named, ...naming.found])].sort();
};

/** The same of a JavaScript module, whose path is relative to the folder that it is started in. */
export const moduleAndImports = async (module: string, tree: NamingTree): Promise<readonly string[]> => {
  const naming = new Naming(tree);
  await naming.add([posix.join(tree.folder, module)], false);
  return [...naming.found].sort();
};

/** A glob that matches a path and nothing else. */
export const literalPattern = (path: string): string => path.replace(/[\\*?[\]{},!]/g, '\\$&');
