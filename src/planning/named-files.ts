import { posix } from 'node:path';
import { commandWords } from '../processes/command-line.ts';
import { commandReferences, looseWords, manifests, upwards, within } from './command-references.ts';
import {
  fileReferences,
  folderReferences,
  hasReferences,
  isRequirements,
  packageReferences,
  referencesElsewhere,
} from './file-references.ts';
import { LocalPackages } from './local-packages.ts';
import { inside, type NamingTree } from './naming-tree.ts';

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

/** Files that are read at once: a folder may hold thousands. */
const batch = 200;

/** Whether a file of a folder that counts is looked into: data may be of any name. */
const isCode = (path: string): boolean => hasReferences(path) && (isRequirements(path) || !/(^|\/)[^./]+$|\.(txt|in)$/.test(path));

/** Read once for each tree. */
const packagesOf = new WeakMap<NamingTree, LocalPackages>();

/** What every update writes there is no program's. */
const baselines = 'baselines';

class Naming {
  readonly #found = new Set<string>();
  readonly #folders = new Set<string>();
  readonly #tree: NamingTree;
  readonly #packages: LocalPackages;

  constructor(tree: NamingTree) {
    this.#tree = tree;
    this.#packages = packagesOf.get(tree) ?? new LocalPackages(tree);
    packagesOf.set(tree, this.#packages);
  }

  /** Paths of all that counts, sorted; without those that lie in a folder that counts. */
  get found(): readonly string[] {
    return [...this.#found].filter((path) => !upwards(posix.dirname(path)).some((folder) => this.#folders.has(folder))).sort();
  }

  /** Counts what a command line leads to. */
  async addCommand(command: string): Promise<void> {
    await this.add(candidatesOf(command, this.#tree), true);
    const { packages, files } = await this.#packages.namedBy(wordsOf(command), command, posix.join('.', this.#tree.folder));
    await this.add(packages, true);
    await this.add(files, false);
  }

  /**
   * Counts what is at some paths and all that it refers to. Folders count with everything below
   * them where `folders` says so.
   */
  async add(paths: Iterable<string>, folders: boolean): Promise<void> {
    const fresh: string[] = [];
    for (const path of new Set(paths)) fresh.push(...(await this.#count(path, folders)));
    const files = fresh.filter(hasReferences);
    for (let at = 0; at < files.length; at += batch) await this.#follow(files.slice(at, at + batch));
  }

  async #follow(files: readonly string[]): Promise<void> {
    const { folder } = this.#tree;
    const [packages, folders, others] = [new Set<string>(), new Set<string>(), new Set<string>()];
    const texts = await this.#tree.read(files);
    for (const [at, file] of files.entries()) {
      const text = texts[at] ?? '';
      const loaded = await this.#packages.loadedBy(file, text);
      for (const path of [packageReferences(file, text, folder), loaded.packages].flat()) packages.add(path);
      for (const path of folderReferences(file, text, folder)) if (inside(path) !== baselines && this.#mayHold(path)) folders.add(path);
      const elsewhere = referencesElsewhere(file, text, folder, (path) => this.#mayHold(path));
      for (const path of [fileReferences(file, text, folder), elsewhere, loaded.files].flat()) if (this.#mayHold(path)) others.add(path);
    }
    await this.add(packages, true);
    await this.add(folders, true);
    await this.add(others, false);
  }

  #mayHold(path: string): boolean {
    const named = inside(path);
    return named !== null && this.#tree.paths.mayHold(named);
  }

  /** Counts what is at a path. Returns the files that are new by it: all of a folder. */
  async #count(path: string, folders: boolean): Promise<readonly string[]> {
    const real = this.#mayHold(path) ? await this.#resolve(path) : null;
    if (real === null || real === '' || this.#folders.has(real)) return [];
    const entry = await this.#tree.paths.entry(real);
    if (entry.kind === 'folder') return folders && real !== inside(this.#tree.folder) ? this.#countFolder(real) : [];
    if (entry.kind === 'submodule') this.#found.add(entry.root);
    if (entry.kind !== 'file' || this.#found.has(real)) return [];
    this.#found.add(real);
    return [real];
  }

  async #countFolder(folder: string): Promise<readonly string[]> {
    this.#folders.add(folder);
    this.#found.add(folder);
    const fresh: string[] = [];
    for (const path of this.#tree.paths.all)
      if (path.startsWith(`${folder}/`) && isCode(path)) fresh.push(...(await this.#count(path, false)));
    return fresh;
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
      this.#found.add(here);
      [done, rest] = ['', posix.isAbsolute(entry.target) ? null : inside(posix.join(done, entry.target, ...others))];
    }
    return rest === '' ? done : null;
  }
}

/**
 * Paths of the files and folders that a command line names and git knows, with the files that these
 * refer to (`fileReferences`) and those that a program reads without being told, such as a
 * Makefile. A folder stands for all that is below it; the folder that the command is started in
 * does not count.
 */
export const namedFiles = async (command: string, tree: NamingTree): Promise<readonly string[]> => {
  const naming = new Naming(tree);
  await naming.addCommand(command);
  return naming.found;
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
  return naming.found;
};

/** A glob that matches a path and nothing else. */
export const literalPattern = (path: string): string => path.replace(/[\\*?[\]{},!]/g, '\\$&');
