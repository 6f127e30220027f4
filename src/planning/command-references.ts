import { posix } from 'node:path';
import { moduleFiles, pythonModules, scriptFiles } from './code-references.ts';

const node = ['package.json', 'package-lock.json', 'npm-shrinkwrap.json', 'yarn.lock', 'pnpm-lock.yaml', 'bun.lock', '.npmrc'];
const python = ['requirements.txt', 'constraints.txt', 'pyproject.toml', 'setup.py', 'setup.cfg', 'poetry.lock', 'uv.lock', 'pdm.lock'];
const make = ['Makefile', 'makefile', 'GNUmakefile'];
const conda = ['environment.yml', 'environment.yaml', 'conda-lock.yml'];
const nix = ['flake.nix', 'flake.lock', 'shell.nix', 'default.nix'];
const gradle = ['build.gradle', 'build.gradle.kts', 'settings.gradle', 'settings.gradle.kts', 'gradle.properties', 'gradle.lockfile'];
const just = ['justfile', 'Justfile', '.justfile', '.env'];
const docker = ['Dockerfile', 'Containerfile', 'compose.yml', 'compose.yaml', 'docker-compose.yml', 'docker-compose.yaml', '.env'];

/** Programs, and the files that they read without being told, from the folder of their start. */
const readUnasked: Readonly<Record<string, readonly string[]>> = {
  npm: node,
  npx: node,
  pnpm: node,
  yarn: node,
  bun: [...node, 'bun.lockb', 'bunfig.toml', '.env'],
  deno: ['deno.json', 'deno.jsonc', 'deno.lock', 'import_map.json'],
  tsx: ['tsconfig.json'],
  'ts-node': ['tsconfig.json'],
  pip: python,
  pip3: python,
  poetry: python,
  uv: [...python, 'uv.toml'],
  pdm: python,
  hatch: python,
  pytest: [...python, 'pytest.ini', 'conftest.py', 'tox.ini'],
  tox: [...python, 'tox.ini'],
  nox: [...python, 'noxfile.py'],
  invoke: ['tasks.py', 'invoke.yaml'],
  inv: ['tasks.py', 'invoke.yaml'],
  dvc: ['dvc.yaml', 'dvc.lock', 'params.yaml'],
  snakemake: ['Snakefile'],
  pipenv: ['Pipfile', 'Pipfile.lock', '.env'],
  conda,
  mamba: conda,
  micromamba: conda,
  pixi: ['pixi.toml', 'pixi.lock', 'pyproject.toml'],
  nix,
  'nix-shell': nix,
  'nix-build': nix,
  direnv: ['.envrc', ...nix],
  make,
  gmake: make,
  ninja: ['build.ninja'],
  meson: ['meson.build', 'meson.options', 'meson_options.txt'],
  rake: ['Rakefile', 'Gemfile', 'Gemfile.lock'],
  bundle: ['Gemfile', 'Gemfile.lock'],
  just,
  task: ['Taskfile.yml', 'Taskfile.yaml'],
  cmake: ['CMakeLists.txt', 'CMakePresets.json'],
  cargo: ['Cargo.toml', 'Cargo.lock', 'build.rs', '.cargo/config.toml', '.cargo/config'],
  go: ['go.mod', 'go.sum', 'go.work', 'go.work.sum'],
  zig: ['build.zig', 'build.zig.zon'],
  julia: ['Project.toml', 'Manifest.toml'],
  mvn: ['pom.xml'],
  gradle,
  gradlew: gradle,
  bazel: ['MODULE.bazel', 'MODULE.bazel.lock', 'WORKSPACE', 'BUILD', 'BUILD.bazel', '.bazelrc', '.bazelversion'],
  docker,
  podman: docker,
};

/** Those of them that look in the folders above, too: a workspace keeps lock files and profiles at its root. */
const searchingUpwards: ReadonlySet<string> = new Set(
  'npm npx pnpm yarn bun deno tsx ts-node poetry uv pdm hatch pytest invoke inv dvc pipenv pixi nix direnv rake bundle just task cargo go mvn gradle gradlew bazel'.split(
    ' ',
  ),
);

export const manifests: readonly string[] = [...new Set(Object.values(readUnasked).flat())];

/** The folder and those above it, as far as the root of the tree, or of the system for an absolute path. */
export const upwards = (folder: string): readonly string[] => {
  if (folder === '.' || folder === '') return ['.'];
  return folder === '/' ? [folder] : [folder, ...upwards(posix.dirname(folder))];
};

export const within = (folders: readonly string[], names: readonly string[]): readonly string[] =>
  folders.flatMap((from) => names.map((name) => posix.join(from, name)));

/** Variables, and the characters that a shell or an option puts between words. */
const betweenWords = /(?:\$\{?\w+|:[-=+]|[\s'"`=;|&<>(),:$\\{}])+/;

/** What stands between blanks, quotes and the like: `"$HERE/run.py"` has `/run.py`, and `@make` of a Makefile `make`, too. */
export const looseWords = (text: string): readonly string[] =>
  text
    .split(betweenWords)
    .flatMap((word) => (word.startsWith('@') ? [word, word.slice(1)] : [word]))
    .filter((word) => word !== '');

/** The module of `-m NAME`, `-mNAME`, or behind other letters of one option, as `-um NAME`. */
const moduleNamed = (word: string, before: string): readonly string[] => {
  const attached = /^-[a-zA-Z]*?m(\w+(?:\.\w+)*)$/.exec(word)?.[1];
  if (attached !== undefined) return [attached];
  return /^-[a-zA-Z]*m$/.test(before) && /^\w+(\.\w+)*$/.test(word) ? [word] : [];
};

/** The modules that words of command lines start by `-m`. */
export const modulesNamed = (words: readonly string[]): readonly string[] =>
  words.flatMap((word, at) => moduleNamed(word, words[at - 1] ?? ''));

/** Programs that take a script by a name without its ending, or by that of its folder. */
const scriptRunners: readonly string[] = ['node', 'bun', 'deno', 'tsx', 'ts-node'];

const isPython = (program: string): boolean => /^(python|pypy)[\d.]*$/.test(program);

/** The word, and the name in `@FILE` and `-rFILE`. */
const namesIn = (word: string): readonly string[] => [...new Set([word, word.replace(/^(@|-[a-zA-Z](?=[\w.]))/, '')])];

/** Behind these stands the folder that what follows is started in. */
const goesTo = /^(cd|pushd|-C|--(directory|chdir|prefix|dir|cwd|project|project-directory|workdir))$/;

/** The folders that words of command lines go to. */
export const foldersGoneTo = (words: readonly string[]): readonly string[] => words.filter((_, at) => goesTo.test(words[at - 1] ?? ''));

/**
 * The paths that words of command lines may lead to from a folder that they are started in: what
 * they name, modules of `-m` and of the text behind `-c`, and what programs read without being told,
 * there or in a folder that they go to (`cd FOLDER && make`).
 */
export const commandReferences = (words: readonly string[], text: string, folder: string): readonly string[] => {
  const programs = new Set(words.map((word) => posix.basename(word)));
  const named = [...new Set(words.flatMap(namesIn))].map((word) => posix.join(folder || '.', word));
  const scripts = scriptRunners.some((runner) => programs.has(runner)) ? named.flatMap(scriptFiles) : named;
  const modules = modulesNamed(words).flatMap((name) =>
    within([folder, posix.join(folder, 'src')], [...moduleFiles(name, '.'), posix.join(...name.split('.'))]),
  );
  const imported = [...programs].some(isPython) ? pythonModules(text, folder, folder) : [];
  const starts = foldersGoneTo(words).map((word) => posix.join(folder || '.', word));
  const unasked = [...programs].flatMap((program) =>
    Object.hasOwn(readUnasked, program)
      ? within([...(searchingUpwards.has(program) ? upwards(folder) : [folder]), ...starts], readUnasked[program] ?? [])
      : [],
  );
  return [...scripts, ...modules, ...imported, ...unasked];
};
