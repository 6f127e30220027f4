import { tmpdir } from 'node:os';
import { GateError } from '../errors.ts';
import { allowedEnvironment } from '../processes/environment.ts';
import { type BaseCommit, type BaseRequest, findBase, headCommit, requireCommit } from './base-commit.ts';
import { type Git, gitError, gitIn } from './git.ts';
import { digestInputs, type Tree } from './inputs-digest.ts';
import { addWorktree, type Worktree } from './worktree.ts';

const maxFileBytes = 64 * 1024 * 1024;

export interface RepositoryOptions {
  /** Environment of git (proxies, HOME for its configuration); the allow-listed one of this process unless told. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Where worktrees and scratch files go; the system's temporary folder unless told. */
  readonly temporary?: string;
}

/** A git checkout, asked only through git itself. All paths are relative to its root, with `/`. */
export interface Repository {
  /** Root of the checkout. */
  readonly folder: string;
  /**
   * The commit that is checked out, and whether the files differ from it (untracked files that are not ignored count, submodules do not).
   * `besides`: paths that do not count, such as the run folder.
   */
  headRevision(besides?: readonly string[]): Promise<{ readonly commit: string; readonly dirty: boolean }>;
  baseCommit(request: BaseRequest): Promise<BaseCommit>;
  /** Content of a regular file of a commit as UTF-8; null when there is none. Throws `document-too-large` above 64 MiB. */
  fileAt(commit: string, path: string): Promise<string | null>;
  /** Paths of all regular files below a folder of a commit, in order of their bytes; empty when there is no such folder. */
  filesAt(commit: string, folder: string): Promise<readonly string[]>;
  worktree(commit: string): Promise<Worktree>;
  inputsDigest(tree: Tree, patterns: readonly string[]): Promise<string>;
}

/**
 * The checkout that a folder lies in. Throws `not-a-repository`, or `git-failed` when git is missing or refuses (it names
 * the reason: a folder of another user must be declared safe, for instance).
 */
export const openRepository = async (cwd: string, options: RepositoryOptions = {}): Promise<Repository> => {
  const environment = options.environment ?? allowedEnvironment(process.env);
  const temporary = options.temporary ?? tmpdir();
  const args = ['rev-parse', '--show-toplevel'];
  const top = await gitIn(cwd, environment).run(args);
  if (top.status === 'exited' && /not a git repository|must be run in a work tree/i.test(top.stderr)) {
    throw new GateError('not-a-repository', 'this folder is not inside a git checkout', { where: cwd });
  }
  if (top.status !== 'exited' || top.code !== 0) throw gitError(args, top);
  const folder = top.stdout.toString('utf8').replace(/\r?\n$/, '');
  const git = gitIn(folder, environment);
  const there = new Set<string>();
  const require = async (commit: string): Promise<void> => {
    if (there.has(commit)) return;
    await requireCommit(git, commit);
    there.add(commit);
  };
  return {
    folder,
    headRevision: (besides = []) => headRevision(git, besides),
    baseCommit: (request) => findBase(git, request),
    fileAt: async (commit, path) => {
      await require(commit);
      return fileAt(git, commit, path);
    },
    filesAt: async (commit, below) => {
      await require(commit);
      return filesAt(git, commit, below);
    },
    worktree: async (commit) => {
      await require(commit);
      return addWorktree(git, commit, temporary);
    },
    inputsDigest: async (tree, patterns) => {
      if (tree !== 'working-tree') await require(tree.commit);
      return digestInputs(git, tree, patterns, temporary);
    },
  };
};

const headRevision = async (git: Git, besides: readonly string[]): Promise<{ readonly commit: string; readonly dirty: boolean }> => {
  const excluded = besides.map((path) => `:(exclude,top,literal)${path}`);
  const status = await git.read(
    ['status', '--porcelain=v1', '-z', '--untracked-files=normal', '--ignore-submodules=all', '--', ':(top)', ...excluded],
    {
      environment: { GIT_LITERAL_PATHSPECS: '0' },
    },
  );
  return { commit: await headCommit(git), dirty: status.length > 0 };
};

const fileAt = async (git: Git, commit: string, path: string): Promise<string | null> => {
  const listed = (await git.read(['ls-tree', '-z', '--full-tree', '--long', commit, '--', path])).toString('utf8');
  const match = /^100(?:644|755) blob ([0-9a-f]+) +(\d+)\t([^\0]*)\0$/.exec(listed);
  // Git resolves `..` and doubled slashes; such names are not paths of a tree.
  if (match === null || match[3] !== path) return null;
  if (Number(match[2]) > maxFileBytes)
    throw new GateError('document-too-large', `${match[2]} bytes, at most ${maxFileBytes} are read`, { where: path });
  return (await git.read(['cat-file', 'blob', match[1] ?? ''])).toString('utf8');
};

const filesAt = async (git: Git, commit: string, folder: string): Promise<readonly string[]> => {
  const listed = (await git.read(['ls-tree', '-r', '-z', '--full-tree', commit, '--', `${folder.replace(/\/+$/, '')}/`])).toString('utf8');
  return listed.split('\0').flatMap((entry) => (/^100/.test(entry) ? [entry.slice(entry.indexOf('\t') + 1)] : []));
};
