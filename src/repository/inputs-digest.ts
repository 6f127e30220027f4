import { createHash } from 'node:crypto';
import { existsSync, readlinkSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { GateError } from '../errors.ts';
import { type Git, gitPath } from './git.ts';
import { globReach } from './glob.ts';
import { type ListedTree, matchedFiles, type Reach } from './matched-files.ts';

/**
 * One file that an optimization depends on, or a submodule as a whole; `path` and `object` as git
 * names them, `path` byte by byte in latin1. The object of a submodule is its commit, with a digest
 * of its files where these differ from it.
 */
interface InputFile {
  readonly mode: string;
  readonly object: string;
  readonly path: string;
}

/** A commit, or the files on disk: tracked ones as they are now and untracked ones that are not ignored. */
export type Tree = 'working-tree' | { readonly commit: string };

/**
 * sha256 over the path, mode and content of all files of a tree that match some pattern
 * (`glob.ts`), so equal content gives an equal digest whether it is committed or not. Content
 * counts as git would store it: line endings and filters do not matter. The `.gitattributes` that
 * hold for a file count with it, since they decide what is checked out. A link counts with what it
 * leads to, and a submodule as a whole where a pattern matches it or may match one of its files.
 * Throws `config-invalid` for a pattern that is wrong or matches no file.
 * @param gitAt opens git in a folder; the first is opened in the root of the tree
 */
export const digestInputs = async (
  root: string,
  tree: Tree,
  patterns: readonly string[],
  temporary: string,
  gitAt: (folder: string) => Git,
): Promise<string> => {
  const tests = testsOf(patterns);
  if (tests.length === 0)
    throw new GateError('config-invalid', 'The patterns of `inputs` were read. Expected at least one, got none.', { where: 'inputs' });
  const reach = reachOf(tests);
  const wanted: Wanted = (listed) => withAttributes(listed.paths, matchedFiles(listed, reach).paths);
  const git = gitAt(root);
  const files =
    tree === 'working-tree'
      ? await workingFiles(root, wanted, temporary, gitAt)
      : wantedOf(await listCommit(git, root, tree.commit), wanted);
  const unmatched = tests.find((one) => !one.matched);
  if (unmatched !== undefined) {
    const place = tree === 'working-tree' ? 'the working tree' : `commit ${tree.commit.slice(0, 12)}`;
    throw new GateError(
      'config-invalid',
      `The files of ${JSON.stringify(unmatched.pattern)} were looked for in ${place}. Found none: patterns count from the root of the repository, whatever \`working-directory\` says.`,
      {
        where: 'inputs',
      },
    );
  }
  return digestOfFiles(files);
};

/** What some patterns match only through a link, relative to the root: files, folders and submodules. */
export const inputsBehindLinks = async (root: string, tree: Tree, patterns: readonly string[], git: Git): Promise<readonly string[]> => {
  const { listed } = tree === 'working-tree' ? await listDisk(git, root) : await listCommit(git, root, tree.commit);
  const { behindLinks } = matchedFiles(listed, reachOf(testsOf(patterns)));
  return [...behindLinks].map((path) => Buffer.from(path, 'latin1').toString('utf8')).sort();
};

interface PatternTest {
  readonly pattern: string;
  readonly reach: ReturnType<typeof globReach>;
  matched: boolean;
}

const testsOf = (patterns: readonly string[]): readonly PatternTest[] =>
  patterns.map((pattern) => ({ pattern, reach: globReach(pattern, 'inputs'), matched: false }));

/** How the patterns meet a path. Notes which of them matched something. */
const reachOf =
  (tests: readonly PatternTest[]): Reach =>
  (path, isSubmodule) => {
    const name = Buffer.from(path, 'latin1').toString('utf8');
    const all = tests.map((one) => {
      const met = one.reach(name);
      if (met === 'matches' || (met === 'below' && isSubmodule)) one.matched = true;
      return met;
    });
    return all.find((met) => met === 'matches') ?? all.find((met) => met === 'below') ?? 'none';
  };

const submoduleMode = '160000';
const linkMode = '120000';

/** The paths that count. */
type Wanted = (listed: ListedTree) => ReadonlySet<string>;

/** The files, and the attributes in the folders that they lie in. */
const withAttributes = (listed: ReadonlySet<string>, files: ReadonlySet<string>): ReadonlySet<string> => {
  const found = new Set(files);
  const folders = new Set<string>();
  for (const path of files)
    for (let end = path.lastIndexOf('/'); !folders.has(path.slice(0, end + 1)); end = path.lastIndexOf('/', end - 1)) {
      const folder = path.slice(0, end + 1);
      folders.add(folder);
      if (listed.has(`${folder}.gitattributes`)) found.add(`${folder}.gitattributes`);
      if (end === -1) break;
    }
  return found;
};

const digestOfFiles = (files: readonly InputFile[]): string => {
  const hash = createHash('sha256');
  for (const { mode, object, path } of files.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0)))
    hash.update(`${mode} ${object} ${path}\0`, 'latin1');
  return hash.digest('hex');
};

interface Listing {
  readonly listed: ListedTree;
  readonly files: readonly InputFile[];
}

const wantedOf = ({ listed, files }: Listing, wanted: Wanted): readonly InputFile[] => {
  const paths = wanted(listed);
  return files.filter(({ path }) => paths.has(path));
};

const listCommit = async (git: Git, root: string, commit: string): Promise<Listing> => {
  const files = entries(await git.read(['ls-tree', '-r', '-z', '--full-tree', commit])).map((entry) => parseEntry(entry, 2));
  const targets = await storedTargets(git, files);
  const modes = new Map(files.map(({ path, mode }) => [path, mode]));
  const listed: ListedTree = {
    paths: new Set(modes.keys()),
    isSubmodule: (path) => modes.get(path) === submoduleMode,
    linkTarget: (path) => targets.get(path) ?? null,
    root: latin(root),
  };
  return { listed, files };
};

/** Where those of some files that are links lead, as git stores it. */
const storedTargets = async (git: Git, files: readonly InputFile[]): Promise<ReadonlyMap<string, string>> => {
  const links = files.filter(({ mode }) => mode === linkMode);
  const targets = new Map<string, string>();
  if (links.length === 0) return targets;
  const input = links.map(({ object }) => `${object}\n`).join('');
  const printed = (await git.read(['cat-file', '--batch'], { input })).toString('latin1');
  let at = 0;
  for (const { path } of links) {
    // A line that ends in the number of bytes, the bytes, and a newline.
    const start = printed.indexOf('\n', at) + 1;
    const bytes = Number(printed.slice(printed.lastIndexOf(' ', start), start));
    targets.set(path, printed.slice(start, start + bytes));
    at = start + bytes + 1;
  }
  return targets;
};

/** The paths on disk; `sparse` are those that a sparse checkout leaves out. */
const listDisk = async (git: Git, root: string): Promise<{ readonly listed: ListedTree; readonly sparse: ReadonlySet<string> }> => {
  const indexed = entries(await git.read(['ls-files', '-z', '--stage', '--full-name'])).map((entry) => parseEntry(entry, 1));
  const pinned = new Set(indexed.flatMap(({ mode, path }) => (mode === submoduleMode ? [path] : [])));
  // Tag S: left out of the working tree by a sparse checkout, so the index knows it best. A folder is another repository.
  const tagged = entries(await git.read(['ls-files', '-z', '-t', '--cached', '--others', '--exclude-standard', '--full-name']))
    .map((entry) => ({ tag: entry.slice(0, 1), path: entry.slice(2) }))
    .filter(({ path }) => !path.endsWith('/'));
  const sparse = new Set(tagged.flatMap(({ tag, path }) => (tag === 'S' ? [path] : [])));
  const stored = await storedTargets(
    git,
    indexed.filter(({ path }) => sparse.has(path)),
  );
  const paths = new Set(tagged.map(({ path }) => path));
  const listed: ListedTree = {
    paths,
    isSubmodule: (path) => pinned.has(path),
    linkTarget: (path) => (sparse.has(path) ? (stored.get(path) ?? null) : paths.has(path) ? targetOnDisk(root, path) : null),
    root: latin(root),
  };
  return { listed, sparse };
};

/**
 * The files on disk are added to a copy of the index, with a folder of its own for the objects: so git itself settles modes,
 * links, filters and line endings, and neither the real index nor the repository changes.
 */
const workingFiles = async (
  root: string,
  wanted: Wanted,
  temporary: string,
  gitAt: (folder: string) => Git,
): Promise<readonly InputFile[]> => {
  const git = gitAt(root);
  const { listed, sparse } = await listDisk(git, root);
  const paths = wanted(listed);
  const scratch = await mkdtemp(join(temporary, 'optimization-gate-index-'));
  try {
    const [index, objects] = await Promise.all([requireGitPath(git, 'index'), requireGitPath(git, 'objects')]);
    const ownObjects = join(scratch, 'objects');
    await mkdir(ownObjects);
    const copy = join(scratch, 'index');
    await copyIndex(index, copy);
    const environment = {
      GIT_INDEX_FILE: copy,
      GIT_OBJECT_DIRECTORY: ownObjects,
      GIT_ALTERNATE_OBJECT_DIRECTORIES: JSON.stringify(objects),
    };
    const changed = [...paths].filter((path) => !sparse.has(path)).map((path) => `${path}\0`);
    if (changed.length > 0) {
      await git.read(['add', '--all', '--pathspec-from-file=-', '--pathspec-file-nul'], {
        input: Buffer.from(changed.join(''), 'latin1'),
        environment,
      });
    }
    const files = entries(await git.read(['ls-files', '-z', '--stage', '--full-name'], { environment }))
      .map((entry) => parseEntry(entry, 1))
      .filter(({ path }) => paths.has(path));
    return await Promise.all(files.map((file) => (file.mode === submoduleMode ? asOnDisk(file, root, temporary, gitAt) : file)));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
};

const latin = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

const targetOnDisk = (root: string, path: string): string | null => {
  try {
    return readlinkSync(Buffer.from(`${latin(root)}/${path}`, 'latin1'), 'latin1');
  } catch {
    // No link, or no longer there.
    return null;
  }
};

/** A submodule with what is on disk; one that is not checked out is what the index says. */
const asOnDisk = async (file: InputFile, root: string, temporary: string, gitAt: (folder: string) => Git): Promise<InputFile> => {
  const folder = join(root, Buffer.from(file.path, 'latin1').toString('utf8'));
  if (!existsSync(join(folder, '.git'))) return file;
  const status = await gitAt(folder).read(['status', '--porcelain', '-z', '--untracked-files=normal', '--ignore-submodules=none']);
  if (status.length === 0) return file;
  const content = digestOfFiles(await workingFiles(folder, ({ paths }) => paths, temporary, gitAt));
  return { ...file, object: `${file.object} ${content}` };
};

const requireGitPath = async (git: Git, name: string): Promise<string> => {
  const path = await gitPath(git, name);
  if (path === null)
    throw new GateError('git-failed', `\`git\` was asked where its ${name} lies. Expected a path, got none.`, { where: 'git' });
  return path;
};

const entries = (output: Buffer): readonly string[] =>
  output
    .toString('latin1')
    .split('\0')
    .filter((entry) => entry !== '');

/** `MODE … OBJECT …<tab>PATH`, where the object is the field at `objectAt`. */
const parseEntry = (entry: string, objectAt: number): InputFile => {
  const tab = entry.indexOf('\t');
  const fields = entry.slice(0, tab).split(' ');
  return { mode: fields[0] ?? '', object: fields[objectAt] ?? '', path: entry.slice(tab + 1) };
};

/** With its time: git reads a file again that could have changed within the tick in which the index was written, and knows that tick by this time. */
const copyIndex = async (index: string, copy: string): Promise<void> => {
  try {
    const { atimeMs, mtimeMs } = await stat(index);
    await copyFile(index, copy);
    await utimes(copy, Math.floor(atimeMs / 1000), Math.floor(mtimeMs / 1000));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
};
