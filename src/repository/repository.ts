import { tmpdir } from 'node:os';
import { join, posix, resolve } from 'node:path';
import { GateError } from '../errors.ts';
import { isLfsPointer, lfsPointer } from '../records/lfs-pointer.ts';
import { type BaseCommit, type BaseRequest, findBase } from './base-commit.ts';
import { changedFiles } from './changed-files.ts';
import { type CheckoutFacts, checkoutFacts } from './checkout-facts.ts';
import { requireCommit } from './commits.ts';
import { type EarlierVersion, earlierVersion } from './file-history.ts';
import { filesAt } from './files-at.ts';
import {
  type Checkout,
  fillCheckout,
  fillWorktree,
  guardedGit,
  type NeededFiles,
  pointersIn,
  refusePointers,
  rememberFilters,
  type SettingsTrust,
  trackedFiles,
} from './filters.ts';
import { type Git, gitError, gitIn } from './git.ts';
import { gitEnvironment, placedEnvironment, withoutPlace } from './git-environment.ts';
import { requireGit } from './git-version.ts';
import { headRevision } from './head-revision.ts';
import { ignoredFiles, strayFiles } from './ignored-files.ts';
import { digestInputs, inputsBehindLinks, type Tree } from './inputs-digest.ts';
import { followLinks, linksAt, linksOnDisk } from './links.ts';
import { entryAt } from './on-disk.ts';
import { checkoutLast } from './search-path.ts';
import { checkOutSubmodules, type LackingSubmodule } from './submodules.ts';
import { listTree, type TreePaths } from './tree-paths.ts';
import { addWorktree, type Worktree } from './worktree.ts';

const maxFileBytes = 64 * 1024 * 1024;

export interface RepositoryOptions {
  /** Environment of git (`gitEnvironment`); that of this process unless told. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Where worktrees and scratch files go; the system's temporary folder unless told. */
  readonly temporary?: string;
}

export interface FilledWorktree extends Worktree {
  /** What Git LFS said when it was asked for files. */
  readonly said: string;
  /** Files of the submodules that the checkout under review does not have. */
  readonly own: readonly string[];
  /** Submodules that only an undeclared read can want, and that cannot be had: their folders are empty. */
  readonly lacking: readonly LackingSubmodule[];
}

/** A git checkout, asked only through git itself. All paths are relative to its root, with `/`. */
export interface Repository extends CheckoutFacts {
  /** Root of the checkout. */
  readonly folder: string;
  /** Where git keeps what all worktrees share. */
  readonly gitFolder: string;
  /**
   * The commit that is checked out, and whether the files differ from it (untracked files that are not ignored count, submodules do not).
   * `besides`: paths that do not count, such as the run folder.
   */
  headRevision(besides?: readonly string[]): Promise<{ readonly commit: string; readonly dirty: boolean }>;
  baseCommit(request: BaseRequest): Promise<BaseCommit>;
  /**
   * Content of a file of a commit as UTF-8; null when there is none. Symbolic links are followed as a checkout follows them. Throws
   * `document-too-large` above 64 MiB, `link-invalid` for a link that leaves the repository or leads in a circle, and `lfs-pointer`.
   */
  fileAt(commit: string, path: string): Promise<string | null>;
  /**
   * The same of many files, in their order, by as few runs of git as for one. With `atMost` nothing is refused: files of more bytes,
   * Git LFS pointers and links that cannot be followed are null.
   */
  textsAt(commit: string, paths: readonly string[], atMost?: number): Promise<readonly (string | null)[]>;
  /**
   * Paths of all files below a folder of a commit, those behind links included, in order of their bytes; empty when there is no
   * such folder.
   */
  filesAt(commit: string, folder: string): Promise<readonly string[]>;
  /**
   * The newest version of a file that `read` takes, on the line of first parents that ends at the commit; null where there is none.
   * Throws `shallow-clone` where its history cannot be had.
   */
  earlierVersion<T>(commit: string, path: string, read: (commit: string) => Promise<T | null>): Promise<EarlierVersion<T> | null>;
  /** Whether a commit has another one among its ancestors; false for itself, and for what this clone does not know. */
  descends(commit: string, ancestor: string): Promise<boolean>;
  /** Paths of the files of a commit that the working tree no longer has. */
  removedSince(commit: string): Promise<readonly string[]>;
  /** Paths of the text files of a commit that match a glob of git, and in which some line matches an extended regular expression. */
  filesWith(commit: string, expression: string, globs: readonly string[]): Promise<readonly string[]>;
  /** A path without the symbolic links on its way, whether anything is there or not. Throws `link-invalid`. */
  withoutLinks(tree: Tree, path: string): Promise<string>;
  /**
   * Checks a commit out in a folder of its own, like the checkout: with the submodules that are
   * checked out here, and needed ones that the tree here no longer has, and with filters run (Git
   * LFS and others) for the needed files for which they were run here. Throws `submodule-missing`
   * where a needed one cannot be had and a declared pattern reaches into it, or others are
   * checked out here.
   * @param around where the folder goes; the temporary folder unless told
   */
  worktree(commit: string, needed?: NeededFiles, around?: string): Promise<FilledWorktree>;
  /**
   * Fetches needed files that Git LFS keeps, where it may be asked, and returns what Git LFS said.
   */
  fillCheckout(needed: NeededFiles): Promise<string>;
  /**
   * Throws `lfs-pointer` for a declared file of a tree of this repository that is a pointer still.
   * @param side how the message calls the tree
   * @param said what Git LFS said when it was asked for files
   */
  refusePointers(root: string, side: string, needed: NeededFiles, said: string): Promise<void>;
  /**
   * Files in which the working tree differs from a commit, those of submodules that are checked out
   * one by one.
   */
  changedFiles(commit: string): Promise<readonly string[]>;
  /**
   * What git ignores in the working tree `root` of this repository and in its submodules that are
   * checked out, relative to it; a folder whose files are all ignored ends in `/`.
   */
  ignoredFiles(root: string): Promise<readonly string[]>;
  /**
   * Files of the working tree `root` that are not under review, listed in the same
   * way: what git ignores, and repositories that are no submodules. With `committed` a commit is
   * under review, and so everything that git does not track counts.
   */
  strayFiles(root: string, committed: boolean): Promise<readonly string[]>;
  /**
   * Tracked files of a working tree of this repository, relative to its root, that have a filter
   * and are Git LFS pointers.
   */
  pointers(root: string): Promise<readonly string[]>;
  /**
   * From now on code under test may have written git's settings: git starts no program that they name,
   * and fetches nothing. Throws later on, as `git-failed`, where code of another user has put a
   * repository of its own in the place of a submodule.
   */
  distrustSettings(writtenBy: 'this-user' | 'another-user'): void;
  inputsDigest(tree: Tree, patterns: readonly string[]): Promise<string>;
  /** Files, folders and submodules that some patterns match only through a link. */
  inputsBehindLinks(tree: Tree, patterns: readonly string[]): Promise<readonly string[]>;
  /** What git knows at the paths of a tree. */
  paths(tree: Tree): Promise<TreePaths>;
}

/**
 * The checkout that a folder lies in. Throws `not-a-repository`, `git-too-old`, or `git-failed` when git is missing or refuses (it names
 * the reason: a folder of another user must be declared safe, for instance).
 */
export const openRepository = async (cwd: string, options: RepositoryOptions = {}): Promise<Repository> => {
  const given = options.environment ?? gitEnvironment(process.env);
  const placed = placedEnvironment(given, cwd);
  const environment = placed['PATH'] === undefined ? placed : { ...placed, PATH: checkoutLast(placed['PATH'], cwd) };
  const temporary = resolve(options.temporary ?? tmpdir());
  await requireGit(cwd, environment);
  const args = ['rev-parse', '--show-toplevel', '--git-common-dir', '--absolute-git-dir'];
  const top = await gitIn(cwd, environment).run(args);
  if (top.status === 'exited' && /not a git repository|must be run in a work tree/i.test(top.stderr))
    throw new GateError('not-a-repository', 'The repository was looked for. Expected a git checkout around this folder, found none.', {
      where: cwd,
    });
  if (top.status !== 'exited' || top.code !== 0) throw gitError(args, top);
  const [folder = '', shared = '', ownGitFolder = ''] = top.stdout.toString('utf8').split(/\r?\n/);
  /** Checkout, worktree or submodule → its git folder. Code that ran there may have put another `.git` in its place, or set `core.worktree`. */
  const known = new Map([[folder, ownGitFolder]]);
  const gitFolder = resolve(cwd, shared);
  const owners = [process.getuid?.(), entryAt(gitFolder)?.uid];
  const trust: SettingsTrust = { lost: false };
  let sharesTrees = false;
  const gitAt = (at: string): Git => {
    const own = known.get(at);
    if (own !== undefined && owners.includes(entryAt(own)?.uid))
      return guardedGit(at, { ...withoutPlace(environment), GIT_DIR: own, GIT_WORK_TREE: at }, trust);
    const found = sharesTrees && at !== folder ? entryAt(join(at, '.git')) : null;
    // Not every git refuses what another user put there.
    if (found !== null && !owners.includes(found.uid)) throw foreignRepository(at, found.uid);
    return guardedGit(at, at === folder ? environment : withoutPlace(environment), trust);
  };
  const git = gitAt(folder);
  await rememberFilters(git, folder, trust);
  const checkout: Checkout = { git, folder, name: 'head' };
  const there = new Set<string>();
  const require = async (commit: string): Promise<void> => {
    if (there.has(commit)) return;
    await requireCommit(git, commit);
    there.add(commit);
  };
  return {
    ...checkoutFacts(git),
    folder,
    gitFolder,
    headRevision: (besides = []) => headRevision(folder, besides, gitAt),
    baseCommit: (request) => findBase(git, request),
    fileAt: async (commit, path) => {
      await require(commit);
      return (await textsAt(git, commit, [path]))[0] ?? null;
    },
    textsAt: async (commit, paths, atMost) => {
      await require(commit);
      return textsAt(git, commit, paths, atMost);
    },
    filesAt: async (commit, below) => {
      await require(commit);
      return filesAt(git, commit, below);
    },
    earlierVersion: async (commit, path, read) => {
      await require(commit);
      return earlierVersion(git, commit, path, read);
    },
    descends: async (commit, ancestor) =>
      commit !== ancestor && (await git.run(['merge-base', '--is-ancestor', ancestor, commit])).code === 0,
    removedSince: async (commit) => {
      await require(commit);
      const removed = await git.read(['diff', '--name-only', '-z', '--no-renames', '--diff-filter=D', '--ignore-submodules=all', commit]);
      const paths = removed.toString('utf8').split('\0');
      return paths.filter((path) => path !== '' && entryAt(join(folder, path)) === null);
    },
    filesWith: async (commit, expression, globs) => {
      await require(commit);
      const args = ['grep', '-I', '-l', '-z', '-E', '--full-name', '--no-recurse-submodules', '-e', expression, commit, '--'];
      const found = await git.run([...args, ...globs.map((glob) => `:(glob)${glob}`)], { environment: { GIT_LITERAL_PATHSPECS: '0' } });
      // Status 1: no file matches.
      if (found.status !== 'exited' || found.truncated || found.code === null || found.code > 1) throw gitError(args, found);
      return found.stdout
        .toString('utf8')
        .split('\0')
        .flatMap((entry) => (entry === '' ? [] : [entry.slice(commit.length + 1)]));
    },
    withoutLinks: async (tree, path) => {
      if (tree !== 'working-tree') await require(tree.commit);
      const links = tree === 'working-tree' ? linksOnDisk(folder) : linksAt(git, tree.commit);
      return (await followLinks([path], links)).get(path) ?? path;
    },
    worktree: async (commit, needed = { declared: [], possible: [], lfs: false }, around = temporary) => {
      await require(commit);
      const { folder: at, release } = await addWorktree(git, commit, around);
      const worktree: Checkout = { git: gitAt(at), folder: at, name: `base ${commit.slice(0, 12)}` };
      const submodules: { release(): Promise<void> }[] = [];
      const releaseAll = async (): Promise<void> => {
        for (const each of submodules.splice(0).toReversed()) await each.release();
        await release();
      };
      try {
        const said = [await fillWorktree({ ...worktree, below: '' }, { ...checkout, below: '' }, needed)];
        const own: string[] = [];
        const keepGitFolder = async ({ git: asked, folder: tree }: Checkout): Promise<void> => {
          known.set(tree, (await asked.read(['rev-parse', '--absolute-git-dir'])).toString('utf8').trimEnd());
        };
        await keepGitFolder(worktree);
        const { checkedOut, lacking } = await checkOutSubmodules(worktree, checkout, commit, needed, gitAt);
        for (const each of checkedOut) {
          const { below, likeBelow } = each;
          submodules.push(each);
          await keepGitFolder(each.worktree);
          said.push(await fillWorktree({ ...each.worktree, below }, { ...each.like, below: likeBelow }, needed));
          if (below !== likeBelow) for (const path of await trackedFiles({ ...each.worktree, below }, ['**'])) own.push(`${below}${path}`);
        }
        return { folder: at, release: releaseAll, said: said.join('\n').trim(), own, lacking };
      } catch (thrown) {
        await releaseAll();
        throw thrown;
      }
    },
    fillCheckout: (needed) => fillCheckout(checkout, needed),
    refusePointers: (root, side, needed, said) => refusePointers({ git: gitAt(root), folder: root, name: side }, needed, said),
    changedFiles: async (commit) => {
      await require(commit);
      return changedFiles(folder, commit, gitAt);
    },
    ignoredFiles: (root) => ignoredFiles(root, gitAt),
    strayFiles: (root, committed) => strayFiles(root, committed, gitAt),
    pointers: (root) => pointersIn({ git: gitAt(root), folder: root, name: root }),
    inputsDigest: async (tree, patterns) => {
      if (tree !== 'working-tree') await require(tree.commit);
      return digestInputs(folder, tree, patterns, temporary, gitAt);
    },
    inputsBehindLinks: async (tree, patterns) => {
      if (tree !== 'working-tree') await require(tree.commit);
      return inputsBehindLinks(folder, tree, patterns, git);
    },
    paths: async (tree) => {
      if (tree !== 'working-tree') await require(tree.commit);
      return listTree(git, folder, tree);
    },
    distrustSettings: (writtenBy) => {
      trust.lost = true;
      sharesTrees = writtenBy === 'another-user';
    },
  };
};

const foreignRepository = (folder: string, owner: number): GateError => {
  const message = `The submodule was opened. Expected a \`.git\` of the user who owns the repository, got one of user ${owner}: code under test put it there. Check the submodule out in an earlier step.`;
  return new GateError('git-failed', message, { where: folder });
};

/** Bytes of files that one run of git hands over: at least one file, however large. */
const batchBytes = 64 * 1024 * 1024;

/** Paths that are handed to one run of git. */
const batchPaths = 500;

const textsAt = async (git: Git, commit: string, paths: readonly string[], atMost?: number): Promise<readonly (string | null)[]> => {
  const blobs = new Map<string, Blob>();
  for (let from = 0; from < paths.length; from += batchPaths)
    for (const [path, blob] of await blobsAt(git, commit, paths.slice(from, from + batchPaths), atMost)) blobs.set(path, blob);
  const texts = new Map<string, string>();
  let batch: Blob[] = [];
  const readBatch = async (): Promise<void> => {
    if (batch.length > 0) for (const [object, text] of await blobTexts(git, commit, batch, atMost === undefined)) texts.set(object, text);
    batch = [];
  };
  for (const blob of new Map([...blobs.values()].map((each) => [each.object, each])).values()) {
    if (batch.reduce((sum, { bytes }) => sum + bytes, blob.bytes) > batchBytes) await readBatch();
    batch.push(blob);
  }
  await readBatch();
  return paths.map((path) => texts.get(blobs.get(path)?.object ?? '') ?? null);
};

interface Blob {
  readonly path: string;
  readonly object: string;
  readonly bytes: number;
}

/** The files that some paths of a commit lead to. Git resolves `..` and doubled slashes; such names are not paths of a tree. */
const blobsAt = async (git: Git, commit: string, paths: readonly string[], atMost?: number): Promise<ReadonlyMap<string, Blob>> => {
  const direct = await regularFiles(git, commit, paths, atMost);
  const others = paths.filter((path) => !direct.has(path) && path !== '.' && posix.normalize(path) === path && !path.startsWith('../'));
  if (others.length === 0) return direct;
  const followed = [...(await followLinks(others, linksAt(git, commit), atMost !== undefined))].filter(([path, real]) => real !== path);
  const real = await regularFiles(git, commit, [...new Set(followed.map(([, to]) => to))], atMost);
  return new Map([
    ...direct,
    ...followed.flatMap(([path, to]) => {
      const blob = real.get(to);
      return blob === undefined ? [] : [[path, blob] as const];
    }),
  ]);
};

const regularFiles = async (git: Git, commit: string, paths: readonly string[], atMost?: number): Promise<ReadonlyMap<string, Blob>> => {
  const found = new Map<string, Blob>();
  if (paths.length === 0) return found;
  const wanted = new Set(paths);
  const listed = (await git.read(['ls-tree', '-z', '--full-tree', '--long', commit, '--', ...paths])).toString('utf8');
  for (const entry of listed.split('\0')) {
    const match = /^100(?:644|755) blob ([0-9a-f]+) +(\d+)\t(.*)$/s.exec(entry);
    const [, object, bytes, path] = match ?? [];
    if (object === undefined || path === undefined || !wanted.has(path) || Number(bytes) > (atMost ?? Number.POSITIVE_INFINITY)) continue;
    if (Number(bytes) > maxFileBytes)
      throw new GateError('document-too-large', `A file of a commit was read. Expected at most ${maxFileBytes} bytes, got ${bytes}.`, {
        where: path,
      });
    found.set(path, { path, object, bytes: Number(bytes) });
  }
  return found;
};

/** object → its content: for each asked, in turn, git prints a line about it, its bytes and a newline. */
const blobTexts = async (
  git: Git,
  commit: string,
  blobs: readonly Blob[],
  refusePointers: boolean,
): Promise<ReadonlyMap<string, string>> => {
  const printed = await git.read(['cat-file', '--batch'], { input: blobs.map(({ object }) => `${object}\n`).join('') });
  const texts = new Map<string, string>();
  let at = 0;
  for (const { object, bytes, path } of blobs) {
    const about = `${object} blob ${bytes}\n`;
    if (printed.toString('latin1', at, at + about.length) !== about)
      throw new GateError('git-failed', `\`git cat-file\` was asked for object ${object}. Expected its content, got something else.`, {
        where: 'git',
      });
    at += about.length;
    const isPointer = isLfsPointer(printed.subarray(at, at + bytes));
    if (isPointer && refusePointers) throw lfsPointer(`${path} of commit ${commit.slice(0, 12)}`);
    if (!isPointer) texts.set(object, printed.toString('utf8', at, at + bytes));
    at += bytes + 1;
  }
  return texts;
};
