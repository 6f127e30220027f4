import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';
import { GateError } from '../errors.ts';
import type { CommandContext } from './context.ts';

/** The release that the gate is tested with, and that `runtime add` installs. */
export const pinnedRuntime = '1.30.0';

const runtimePackage = 'onnxruntime-node';
const pinned = `${runtimePackage}@${pinnedRuntime}`;
const ownPackage = 'optimization-gate';

/** Where a package manager adds the runtime, and by which command. */
export interface RuntimePlace {
  /** Folder that the command is run in. */
  readonly folder: string;
  readonly argv: readonly string[];
  /** Folder from which the runtime is found once it was added. */
  readonly found: string;
  /** What the user has to do so that later installs run no script of the runtime either; null for nothing. */
  readonly advice: string | null;
}

const npmAdd = ['npm', 'install', '--save-exact', '--ignore-scripts', '--no-audit', '--no-fund'] as const;

type Manifest = Readonly<Record<string, unknown>>;

const manifestIn = (folder: string): Manifest | null => {
  const file = join(folder, 'package.json');
  if (!existsSync(file)) return null;
  try {
    const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as Manifest;
  } catch {
    // Said below.
  }
  throw new GateError('runtime-not-added', 'The manifest of the project was read. Expected a JSON object, got something else.', {
    where: file,
  });
};

const sections = ['dependencies', 'devDependencies', 'optionalDependencies'] as const;
type Section = (typeof sections)[number];

/** What a section of a manifest asks for of a package; null where it does not name it. */
const asked = (manifest: Manifest, section: Section, name: string): string | null => {
  const named = manifest[section];
  const version: unknown = typeof named === 'object' && named !== null && Object.hasOwn(named, name) ? Reflect.get(named, name) : undefined;
  return typeof version === 'string' ? version : null;
};

export type PackageManager = 'npm' | 'pnpm' | 'bun' | 'yarn' | 'yarn-classic';

/** Lock files, and who writes them. */
const locks: readonly (readonly [file: string, manager: PackageManager])[] = [
  ['pnpm-lock.yaml', 'pnpm'],
  ['bun.lock', 'bun'],
  ['bun.lockb', 'bun'],
  ['.yarnrc.yml', 'yarn'],
  ['yarn.lock', 'yarn-classic'],
];

/** The package manager of a project: as its manifest says, else by its lock file; npm without either. */
export const managerOf = (folder: string, manifest: Manifest): PackageManager => {
  const [, said, major] = /^(npm|pnpm|bun|yarn)@(\d+)\./.exec(String(manifest['packageManager'] ?? '')) ?? [];
  if (said === 'yarn') return Number(major) === 1 ? 'yarn-classic' : 'yarn';
  if (said === 'npm' || said === 'pnpm' || said === 'bun') return said;
  return locks.find(([file]) => existsSync(join(folder, file)))?.[1] ?? 'npm';
};

/** The command that adds the pinned runtime to a project, without running its install script. */
const commandOf = (manager: PackageManager, folder: string, manifest: Manifest, dev: boolean): readonly string[] => {
  switch (manager) {
    case 'npm':
      return [...npmAdd, ...(dev ? ['--save-dev'] : []), pinned];
    case 'pnpm': {
      const root = existsSync(join(folder, 'pnpm-workspace.yaml')) ? ['--workspace-root'] : [];
      return ['pnpm', 'add', '--save-exact', '--ignore-scripts', ...(dev ? ['--save-dev'] : []), ...root, pinned];
    }
    case 'bun':
      return ['bun', 'add', '--exact', '--ignore-scripts', ...(dev ? ['--dev'] : []), pinned];
    case 'yarn':
      return ['yarn', 'add', '--exact', '--mode=skip-build', ...(dev ? ['--dev'] : []), pinned];
    case 'yarn-classic': {
      const root = manifest['workspaces'] === undefined ? [] : ['--ignore-workspace-root-check'];
      return ['yarn', 'add', '--exact', '--ignore-scripts', ...(dev ? ['--dev'] : []), ...root, pinned];
    }
  }
};

const npmrcLine = `${runtimePackage}-install=skip`;

const adviceOf = (manager: PackageManager, folder: string): string | null => {
  const npmrc = join(folder, '.npmrc');
  const isSet = existsSync(npmrc) && readFileSync(npmrc, 'utf8').includes(npmrcLine);
  if (manager === 'yarn-classic')
    return 'Set ONNXRUNTIME_NODE_INSTALL=skip for later installs: the install script downloads libraries for GPUs.';
  return manager !== 'npm' || isSet
    ? null
    : `Add the line \`${npmrcLine}\` to ${npmrc}: without it later installs download libraries for GPUs.`;
};

const project = (folder: string, manifest: Manifest, packageRoot: string): RuntimePlace => {
  const other = sections.map((section) => asked(manifest, section, runtimePackage)).find((version) => version !== null);
  if (other !== undefined && other !== pinnedRuntime)
    throw new GateError(
      'runtime-not-added',
      `ONNX Runtime was to be added to a project. Expected a package.json without ${runtimePackage}, or with ${pinnedRuntime}, got ${other}.`,
      { where: folder },
    );
  const manager = managerOf(folder, manifest);
  // A package that a project names keeps its section.
  const dev = other === undefined && asked(manifest, 'devDependencies', ownPackage) !== null;
  const own = join(folder, 'node_modules', ownPackage);
  return {
    folder,
    argv: commandOf(manager, folder, manifest, dev),
    found: existsSync(own) ? realpathSync(own) : packageRoot,
    advice: adviceOf(manager, folder),
  };
};

/** The folder whose `node_modules` holds a package, at whatever depth; null for a package that lies in none. */
const installedIn = (packageRoot: string): string | null => {
  const at = `${packageRoot}${sep}`.indexOf(`${sep}node_modules${sep}`);
  return at === -1 ? null : packageRoot.slice(0, at);
};

/**
 * Where the runtime is to be added so that the gate finds it: the folder that was named for it; else
 * the project that the gate is installed in, or the global packages of npm; else the checkout that
 * it runs from. Throws `runtime-not-added` where there is no such place.
 */
export const runtimePlace = ({ ortPath, packageRoot }: Pick<CommandContext, 'ortPath' | 'packageRoot'>): RuntimePlace => {
  if (ortPath !== null) return { folder: ortPath, argv: [...npmAdd, '--prefix', ortPath, pinned], found: ortPath, advice: null };
  const folder = installedIn(packageRoot);
  if (folder === null) return { folder: packageRoot, argv: ['npm', 'ci', '--no-audit', '--no-fund'], found: packageRoot, advice: null };
  const manifest = manifestIn(folder);
  if (manifest !== null) return project(folder, manifest, packageRoot);
  if (basename(folder) !== 'lib')
    throw new GateError(
      'runtime-not-added',
      'The project that the gate is installed in was looked for. Expected a package.json beside its node_modules, found none.',
      { where: folder },
    );
  return { folder, argv: [...npmAdd, '--global', '--prefix', dirname(folder), pinned], found: packageRoot, advice: null };
};
