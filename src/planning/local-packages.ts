import { lstatSync, realpathSync } from 'node:fs';
import { join, posix, relative } from 'node:path';
import type { Json } from '../records/words.ts';
import { reached } from '../repository/on-disk.ts';
import { namedImports } from '../run/imported-files.ts';
import { importedModules, moduleFiles, type PythonImport, pythonImports, scriptFiles } from './code-references.ts';
import { looseWords, modulesNamed, upwards, within } from './command-references.ts';
import { kindOf } from './file-references.ts';
import { type ImportMap, importMap, looseJson, mappingNames, targetsOf } from './import-maps.ts';
import type { NamingTree } from './naming-tree.ts';
import { programLiterals } from './program-literals.ts';

/** What a program loads by names of packages and modules. */
export interface Loaded {
  /** Paths that count with all that is below them. */
  readonly packages: readonly string[];
  /** Paths of files, whether they exist or not. */
  readonly files: readonly string[];
}

/** What may hold a package: its own code, and the manifest that names it. */
interface LocalPackage {
  readonly folder: string;
  readonly names: readonly string[];
}

const python = ['pyproject.toml', 'setup.py', 'setup.cfg'];
const manifests: ReadonlySet<string> = new Set(['package.json', 'Cargo.toml', ...python]);

const mostExtended = 8;

/** How Python writes the name of a project as that of a module. */
const moduleName = (name: string): string => name.toLowerCase().replace(/[-_.]+/g, '_');

const nameLine = /^[ \t]*(?:\w+\([ \t]*)?["']?name["']?[ \t]*=[ \t]*["']?([\w.-]+)/gm;
/** `[project.scripts]` and the like: programs that an installation brings. */
const scriptSection = /^\[[\w.-]*\bscripts\]\s*$([^[]*)/gm;
const scriptLine = /^[ \t]*["']?([\w.-]+)["']?[ \t]*=/gm;

const firstOf = (text: string, expression: RegExp): readonly string[] => [...text.matchAll(expression)].map(([, found = '']) => found);

const namesOf = (path: string, text: string): readonly string[] => {
  if (posix.basename(path) !== 'package.json')
    return [...firstOf(text, nameLine), ...firstOf(text, scriptSection).flatMap((each) => firstOf(each, scriptLine))];
  const { name, bin } = looseJson(text);
  const isMap = (value: Json | undefined): value is { readonly [key: string]: Json } => typeof value === 'object' && value !== null;
  return [
    ...(typeof name === 'string' ? [name, ...(typeof bin === 'string' ? [posix.basename(name)] : [])] : []),
    ...(isMap(bin) ? Object.keys(bin) : []),
  ];
};

/** `@scope/name/lib/x` → `@scope/name` */
const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');

/** A path that some manifest gives for a package: `"engine": "file:../engine"`. */
const placeOf = (name: string): RegExp =>
  new RegExp(`["']?${escaped(name)}["']?\\s*:\\s*["']?(?:file|link|portal|workspace):([^"'\\s,#}]+)`, 'g');

/** A program may look for modules elsewhere than beside itself. */
const searchesElsewhere = /\bsys\.path\b|\baddsitedir\b|\bimportlib\b|\bPYTHONPATH\b/;

/** Packages of a tree that its programs know by their names, wherever an installer linked them. */
export class LocalPackages {
  readonly #tree: NamingTree;
  readonly #paths: ReadonlySet<string>;
  readonly #texts = new Map<string, string>();
  readonly #started: string;
  #named: Promise<ReadonlyMap<string, readonly string[]>> | null = null;
  #roots: ReadonlyMap<string, readonly string[]> | null = null;

  constructor(tree: NamingTree) {
    this.#tree = tree;
    this.#paths = new Set(tree.paths.all);
    this.#started = posix.join('.', tree.folder);
  }

  /** What a file of the tree loads. */
  async loadedBy(file: string, text: string): Promise<Loaded> {
    const folder = posix.dirname(file);
    switch (kindOf(file, text)) {
      case 'script':
        return this.#scripts(namedImports(text), folder);
      case 'python':
        return this.#modules(importsOf(text), folder, searchesElsewhere.test(text));
      case 'recipe': {
        const { packages, files } = await this.namedBy(looseWords(text), text, folder);
        // A manifest names its own package.
        return { packages: manifests.has(posix.basename(file)) ? packages.filter((each) => each !== folder) : packages, files };
      }
      case null:
        return none;
    }
  }

  /**
   * What words of command lines name: packages (`npm run -w engine`), programs that these bring, and
   * modules of Python.
   */
  async namedBy(words: readonly string[], text: string, folder: string): Promise<Loaded> {
    const named = await this.#packages();
    const folders = [...new Set(words)].flatMap((word) => named.get(word) ?? []);
    const imports = words.some((word) => /(^|\/)(python|pypy)[\d.]*$/.test(word)) ? pythonImports(text) : [];
    return joined([this.#whole(folders), await this.#modules([...startedModules(words), ...imports], folder, false)]);
  }

  /** What a script imports by names. */
  async #scripts(specifiers: readonly string[], folder: string): Promise<Loaded> {
    if (specifiers.length === 0) return none;
    const above = upwards(folder);
    const maps = await this.#mapsAt(above);
    const texts = await this.#read(within(above, ['package.json', 'pnpm-workspace.yaml']));
    const named = await this.#packages();
    const all = specifiers.flatMap((specifier) => [specifier, ...targetsOf(maps, specifier)]);
    const names = [...new Set(all.map(packageOf))].filter((name) => name !== '' && !name.startsWith('#'));
    const places = names.flatMap((name) => [
      ...(named.get(name) ?? []),
      ...[...texts].flatMap(([path, text]) => firstOf(text, placeOf(name)).map((place) => posix.join(posix.dirname(path), place))),
      ...above.flatMap((each) => this.#linked(posix.join(each, 'node_modules', name))),
    ]);
    const { packages, files } = this.#whole(places);
    // A package that cannot count as a whole is the one that the program itself lies in.
    const own = files.flatMap((each) =>
      all.flatMap((specifier) => scriptFiles(posix.join(posix.dirname(each), specifier.slice(packageOf(specifier).length)))),
    );
    return { packages, files: [...files, ...own, ...all.flatMap(scriptFiles)] };
  }

  /** Where a link of `node_modules` on this disk leads, and what a tree has there itself. */
  #linked(path: string): readonly string[] {
    const { root } = this.#tree;
    const at = join(root, path);
    const target = reached(() => (lstatSync(at).isSymbolicLink() ? relative(root, realpathSync(at)) : null)) ?? null;
    return [path, ...(target === null || target.split('/').includes('node_modules') ? [] : [target])];
  }

  async #mapsAt(folders: readonly string[]): Promise<ImportMap['names']> {
    const names: ImportMap['names'][number][] = [];
    const seen = new Set<string>();
    let wave: readonly string[] = within(folders, mappingNames);
    for (let depth = 0; wave.length > 0 && depth < mostExtended; depth += 1) {
      const fresh = wave.filter((path) => !seen.has(path));
      for (const path of fresh) seen.add(path);
      const maps = [...(await this.#read(fresh))].map(([path, text]) => importMap(path, text));
      names.push(...maps.flatMap((map) => map.names));
      wave = maps.flatMap(({ further }) => further);
    }
    return names;
  }

  /** Modules that do not lie where Python looks by itself: those of packages that are installed, or on a path that is added. */
  async #modules(imports: readonly PythonImport[], folder: string, everywhere: boolean): Promise<Loaded> {
    const sought = imports.filter(
      (each) => each.dots === 0 && (everywhere || !importedModules(each, folder, this.#started).some((path) => this.#paths.has(path))),
    );
    if (sought.length === 0) return none;
    const named = await this.#packages();
    const dotted = [...new Set(sought.flatMap((each) => each.dotted))];
    const found = dotted.flatMap((name) => {
      const [top = ''] = name.split('.');
      return this.#rootsOf(top)
        .filter((root) => everywhere || !this.#paths.has(posix.join(root, '__init__.py')))
        .map((root) => ({ root, files: moduleFiles(name, root).filter((path) => this.#paths.has(path)) }))
        .filter(({ files }) => files.length > 0);
    });
    const projects = dotted.flatMap((name) => named.get(`${moduleName(name.split('.')[0] ?? '')}.py`) ?? []);
    const { packages } = this.#whole([...projects, ...found.flatMap(({ root }) => this.#projectOf(root))]);
    return { packages, files: found.flatMap(({ files }) => files) };
  }

  /** The folder of the Python project that holds a folder. */
  #projectOf(folder: string): readonly string[] {
    return upwards(folder)
      .filter((each) => within([each], python).some((path) => this.#paths.has(path)))
      .slice(0, 1);
  }

  /** Folders that a module of Python can be loaded from by its outermost name. */
  #rootsOf(top: string): readonly string[] {
    if (this.#roots === null) {
      const roots = new Map<string, Set<string>>();
      for (const path of this.#paths) {
        if (!path.endsWith('.py')) continue;
        const names = path.slice(0, -'.py'.length).split('/');
        for (const [at, name] of names.entries()) {
          const known = roots.get(name) ?? new Set();
          roots.set(name, known.add(names.slice(0, at).join('/') || '.'));
        }
      }
      this.#roots = new Map([...roots].map(([name, found]) => [name, [...found]]));
    }
    return this.#roots.get(top) ?? [];
  }

  /** Name → folders of the packages of that name, or that bring a program of it; modules of Python end in `.py`. */
  #packages(): Promise<ReadonlyMap<string, readonly string[]>> {
    this.#named ??= this.#listPackages();
    return this.#named;
  }

  async #listPackages(): Promise<ReadonlyMap<string, readonly string[]>> {
    const paths = [...this.#paths].filter((path) => manifests.has(posix.basename(path)) && !path.split('/').includes('node_modules'));
    const found = [...(await this.#read(paths))].map(([path, text]): LocalPackage => {
      const names = namesOf(path, text);
      const modules = posix.basename(path) === 'package.json' ? [] : names.map((name) => `${moduleName(name)}.py`);
      return { folder: posix.dirname(path), names: [...names, ...modules] };
    });
    const named = new Map<string, string[]>();
    for (const { folder, names } of found) for (const name of new Set(names)) named.set(name, [...(named.get(name) ?? []), folder]);
    return named;
  }

  /** The whole of some folders; of the root, or of the folder of the start, only the manifests and what these name. */
  #whole(folders: readonly string[]): Loaded {
    const isWhole = (folder: string): boolean => folder !== '.' && folder !== this.#started;
    const all = [...new Set(folders.map((folder) => posix.join('.', folder)))];
    return {
      packages: all.filter(isWhole),
      files: within(
        all.filter((folder) => !isWhole(folder)),
        [...manifests],
      ),
    };
  }

  /** Texts of those of some paths that are there, each read once. */
  async #read(paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const there = [...new Set(paths)].filter((path) => this.#paths.has(path));
    const asked = there.filter((path) => !this.#texts.has(path));
    const texts = asked.length === 0 ? [] : await this.#tree.read(asked);
    for (const [at, path] of asked.entries()) this.#texts.set(path, texts[at] ?? '');
    return new Map(there.map((path) => [path, this.#texts.get(path) ?? '']));
  }
}

/** With those of Python that it starts by `-m` or `-c`. */
const importsOf = (text: string): readonly PythonImport[] => {
  const literals = programLiterals(text);
  return [...pythonImports(text), ...pythonImports(literals.text), ...startedModules(literals.words)];
};

const startedModules = (words: readonly string[]): readonly PythonImport[] =>
  modulesNamed(words).map((name) => ({ dots: 0, dotted: [name] }));

const none: Loaded = { packages: [], files: [] };

const joined = (all: readonly Loaded[]): Loaded => ({
  packages: all.flatMap(({ packages }) => packages),
  files: all.flatMap(({ files }) => files),
});
