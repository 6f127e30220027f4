import { accessSync, constants, existsSync, realpathSync } from 'node:fs';
import { delimiter, join, relative, sep } from 'node:path';
import { GateError } from '../errors.ts';
import { installedIn } from '../planning/own-install.ts';
import type { Repository } from '../repository/repository.ts';
import type { CommandContext } from '../run/context.ts';
import { locateRuntime } from '../run/runtime-description.ts';
import type { ProposedFile } from './new-files.ts';
import { lockFiles } from './projects.ts';
import type { ProjectProposal, Proposal } from './proposal.ts';
import { inFolder, isBelow, seenFrom } from './repository-files.ts';

const shellWord = (word: string): string => (/^[A-Za-z0-9_./@+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/** A command line for a shell, each word quoted where it has to be. */
export const shellLine = (words: readonly string[]): string => words.map(shellWord).join(' ');

/** Where the program that runs was started from. */
export interface OwnPlace {
  readonly packageRoot: string;
  /** Root of the repository. */
  readonly repository: string;
  /** Working directory. */
  readonly root: string;
  /** The variable PATH. */
  readonly searchPath: string;
}

const isWithin = (path: string, folder: string): boolean => {
  const inside = relative(folder, path);
  return inside === '' || !(inside === '..' || inside.startsWith(`..${sep}`));
};

const found = (name: string, searchPath: string): string | null => {
  for (const folder of searchPath.split(delimiter)) {
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return realpathSync(file);
    } catch {
      // Not in this folder.
    }
  }
  return null;
};

/** The words by which a person starts this program again in the same folder. */
export const ownCommand = ({ packageRoot, repository, root, searchPath }: OwnPlace): readonly string[] => {
  if (packageRoot === repository) return ['npm', 'run', 'gate', '--'];
  const folder = installedIn(packageRoot);
  // `npx` looks in the folders above, too.
  if (folder !== null && isWithin(root, folder)) return ['npx', 'optimization-gate'];
  const installed = found('optimization-gate', searchPath);
  if (installed !== null && isWithin(installed, packageRoot)) return ['optimization-gate'];
  return ['node', join(packageRoot, 'dist', 'cli.js')];
};

/** Whether the JSON Schema lies where a configuration in this folder looks for it. */
export const hasSchema = ({ packageRoot, root }: Pick<OwnPlace, 'packageRoot' | 'root'>): boolean =>
  packageRoot === join(root, 'node_modules', 'optimization-gate');

const runtimeIsThere = async (context: CommandContext): Promise<boolean> => {
  try {
    await locateRuntime(context);
    return true;
  } catch (thrown) {
    if (thrown instanceof GateError && thrown.code === 'runtime-not-found') return false;
    throw thrown;
  }
};

/** Folders that a setup makes in the checkout, which no commit should hold. */
const madeBySetup = ({ setup, folder }: ProjectProposal): readonly string[] => {
  if (setup?.active !== true) return [];
  const python = setup.command.includes('-m venv');
  const javascript = /\b(npm|pnpm|bun|yarn) (ci|install)\b/.test(setup.command);
  return [...(python ? ['.venv/'] : []), ...(javascript ? ['node_modules/'] : [])].map((name) => inFolder(folder, name));
};

/** Files of the repository that change where the runtime is added to the project that the gate is installed in. */
const changedByRuntime = ({ packageRoot }: CommandContext, { folder }: Repository): readonly string[] => {
  const project = installedIn(packageRoot);
  if (project === null || !isWithin(project, folder)) return [];
  const inside = relative(folder, project).split(sep).join('/');
  return ['package.json', ...lockFiles].filter((name) => existsSync(join(project, name))).map((name) => inFolder(inside, name));
};

/**
 * The commands that a person runs next in the working directory: what is missing first, then a commit
 * and a run for each project.
 * @param top working directory, relative to the root of the repository
 */
export const nextCommands = async (
  context: CommandContext,
  repository: Repository,
  top: string,
  { projects }: Proposal,
  files: readonly ProposedFile[],
): Promise<readonly string[]> => {
  const { packageRoot, root } = context;
  const own = ownCommand({ packageRoot, repository: repository.folder, root, searchPath: process.env['PATH'] ?? '' });
  const up = top === '' ? '' : '../'.repeat(top.split('/').length);
  const fromHere = (path: string): string => (isBelow(path, top) ? seenFrom(top, path) : `${up}${path}`);
  const made = projects.flatMap(madeBySetup);
  const ignored = new Set(await repository.ignoredAmong(made));
  const kept = made.filter((path) => !ignored.has(path));
  const ignoring = kept.length === 0 ? [] : [`printf '\\n${kept.map((path) => `/${path}\\n`).join('')}' >> ${up}.gitignore`];
  // Base has the committed files only.
  const isSaved = (await repository.unsaved(projects.flatMap(({ active }) => active.map(({ path }) => path)))).length === 0;
  const needsRuntime = projects.some(({ active }) => active.length === 0 || active.some(({ key }) => key !== 'measure'));
  const hasRuntime = !needsRuntime || (await runtimeIsThere(context));
  const changed = [...files.map(({ path }) => path), ...(hasRuntime ? [] : changedByRuntime(context, repository))];
  const added = [...changed.map(fromHere), ...(kept.length === 0 ? [] : [`${up}.gitignore`])];
  return [
    ...(hasRuntime ? [] : [shellLine([...own, 'runtime', 'add', 'cpu'])]),
    ...ignoring,
    isSaved ? shellLine(['git', 'add', ...added]) : 'git add --all',
    'git commit -m "Guard optimizations"',
    ...projects.map(({ folder }) =>
      shellLine([...own, '--base', 'HEAD', '--quick', ...(folder === top ? [] : ['--working-directory', seenFrom(top, folder)])]),
    ),
  ];
};
