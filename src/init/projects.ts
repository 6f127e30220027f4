import { join } from 'node:path';
import { managerOf } from '../run/runtime-place.ts';
import { folderOf, inFolder, type RepositoryFiles } from './repository-files.ts';

type Manifest = Readonly<Record<string, unknown>>;

/** How the packages of one language are installed for each side. */
export interface Installation {
  /** What runs in the folder of the project. */
  readonly command: string;
  /** Files that say what is installed, relative to the root of the repository. */
  readonly files: readonly string[];
  /** What has to be on the runner besides; null for nothing. */
  readonly needs: string | null;
}

/** A manifest; null where there is none, or one that cannot be read. */
export const manifestOf = (files: RepositoryFiles, folder: string): Manifest | null => {
  try {
    const parsed: unknown = JSON.parse(files.text(inFolder(folder, 'package.json')) ?? 'null');
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? (parsed as Manifest) : null;
  } catch {
    return null;
  }
};

/** Whether a pyproject.toml is of a package, and not of tools alone. */
const isPackage = (files: RepositoryFiles, folder: string): boolean =>
  files.has(folder, 'setup.py') || /^\[(project|tool\.poetry)\]/m.test(files.text(inFolder(folder, 'pyproject.toml')) ?? '');

const above = (folder: string, top: string): readonly string[] =>
  folder === top || folder === '' ? [folder] : [folder, ...above(folderOf(folder), top)];

/**
 * The folder of the project that a file belongs to: the nearest one with a package of Python or
 * JavaScript, else the nearest with requirements, else the folder that was asked for.
 */
export const projectOf = (files: RepositoryFiles, path: string, top: string): string => {
  const folders = above(folderOf(path), top);
  const named = folders.find((folder) => isPackage(files, folder) || typeof manifestOf(files, folder)?.['name'] === 'string');
  return named ?? folders.findLast((folder) => files.has(folder, 'requirements.txt')) ?? top;
};

/** How the packages of Python are installed for a project and its programs; null where nothing says it. */
export const pythonInstallation = (files: RepositoryFiles, project: string, programs: readonly string[]): Installation | null => {
  const venv = 'python3 -m venv .venv';
  const lock = above(project, '').find((folder) => files.has(folder, 'uv.lock'));
  if (lock !== undefined && files.has(project, 'pyproject.toml'))
    return {
      command: `${venv} && .venv/bin/pip install --quiet uv && VIRTUAL_ENV="$PWD/.venv" .venv/bin/uv sync --quiet --active --inexact --frozen`,
      files: [inFolder(project, 'pyproject.toml'), inFolder(lock, 'uv.lock')],
      needs: null,
    };
  const lists = [...new Set(programs.flatMap((path) => above(folderOf(path), project)))]
    .sort()
    .filter((folder) => files.has(folder, 'requirements.txt'))
    .map((folder) => inFolder(folder, 'requirements.txt'));
  const itself =
    isPackage(files, project) &&
    !(files.has(project, 'requirements.txt') && !files.paths.some((path) => path.startsWith(inFolder(project, 'src/'))));
  if (lists.length === 0 && !itself) return null;
  const words = [...lists.map((path) => `-r ${project === '' ? path : path.slice(project.length + 1)}`), ...(itself ? ['.'] : [])];
  const own = itself
    ? ['pyproject.toml', 'setup.py', 'setup.cfg'].filter((name) => files.has(project, name)).map((name) => inFolder(project, name))
    : [];
  return { command: `${venv} && .venv/bin/pip install --quiet ${words.join(' ')}`, files: [...lists, ...own], needs: null };
};

export const lockFiles = ['package-lock.json', 'npm-shrinkwrap.json', 'pnpm-lock.yaml', 'bun.lock', 'bun.lockb', 'yarn.lock'] as const;

/** How the packages of JavaScript are installed for a project; null where its manifest asks for none. */
export const javascriptInstallation = (files: RepositoryFiles, project: string, root: string): Installation | null => {
  const manifest = manifestOf(files, project);
  const asked = ['dependencies', 'devDependencies'].some(
    (section) => Object.keys((manifest?.[section] as object | null | undefined) ?? {}).length > 0,
  );
  if (manifest === null || !asked) return null;
  const locked = above(project, '').find((folder) => lockFiles.some((name) => files.has(folder, name)));
  const at = locked ?? project;
  const lock = lockFiles.find((name) => files.has(at, name));
  const own = [inFolder(project, 'package.json'), ...(lock === undefined ? [] : [inFolder(at, lock)])];
  const manager = managerOf(join(root, at), manifestOf(files, at) ?? {});
  const command = {
    npm: lock === undefined ? 'npm install --ignore-scripts --no-package-lock' : 'npm ci --ignore-scripts',
    pnpm: 'pnpm install --frozen-lockfile --ignore-scripts',
    bun: 'bun install --frozen-lockfile --ignore-scripts',
    yarn: 'yarn install --immutable --mode=skip-build',
    'yarn-classic': 'yarn install --frozen-lockfile --ignore-scripts',
  }[manager];
  return { command, files: own, needs: manager === 'pnpm' || manager === 'bun' ? manager : null };
};
