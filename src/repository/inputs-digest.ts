import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { GateError } from '../errors.ts';
import type { Git } from './git.ts';
import { globTest } from './glob.ts';

/** One file that an optimization depends on; `path` and `object` as git names them, `path` byte by byte in latin1. */
interface InputFile {
  readonly mode: string;
  readonly object: string;
  readonly path: string;
}

/** A commit, or the files on disk: tracked ones as they are now and untracked ones that are not ignored. */
export type Tree = 'working-tree' | { readonly commit: string };

/**
 * sha256 over the path, mode and content of all files of a tree that match some pattern (`glob.ts`), so equal content gives an equal digest
 * whether it is committed or not. Content counts as git would store it: line endings and filters do not matter. Throws
 * `config-invalid` for a pattern that is wrong or matches no file.
 */
export const digestInputs = async (git: Git, tree: Tree, patterns: readonly string[], temporary: string): Promise<string> => {
  const tests = patterns.map((pattern) => ({ pattern, test: globTest(pattern, 'inputs'), matched: false }));
  if (tests.length === 0) throw new GateError('config-invalid', 'no patterns are given', { where: 'inputs' });
  const wanted = (path: string): boolean => {
    const name = Buffer.from(path, 'latin1').toString('utf8');
    let any = false;
    for (const one of tests) {
      if (!one.test(name)) continue;
      one.matched = true;
      any = true;
    }
    return any;
  };
  const files = tree === 'working-tree' ? await workingFiles(git, wanted, temporary) : await committedFiles(git, tree.commit, wanted);
  const unmatched = tests.find((one) => !one.matched);
  if (unmatched !== undefined) {
    const place = tree === 'working-tree' ? 'the working tree' : `commit ${tree.commit.slice(0, 12)}`;
    throw new GateError('config-invalid', `the pattern ${JSON.stringify(unmatched.pattern)} matches no file of ${place}`, {
      where: 'inputs',
    });
  }
  const hash = createHash('sha256');
  for (const { mode, object, path } of files.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0)))
    hash.update(`${mode} ${object} ${path}\0`, 'latin1');
  return hash.digest('hex');
};

const committedFiles = async (git: Git, commit: string, wanted: (path: string) => boolean): Promise<readonly InputFile[]> =>
  entries(await git.read(['ls-tree', '-r', '-z', '--full-tree', commit]))
    .map((entry) => parseEntry(entry, 2))
    .filter((file) => wanted(file.path));

/**
 * The files on disk are added to a copy of the index, with a folder of its own for the objects: so git itself settles modes,
 * links, filters and line endings, and neither the real index nor the repository changes.
 */
const workingFiles = async (git: Git, wanted: (path: string) => boolean, temporary: string): Promise<readonly InputFile[]> => {
  // Tag S: left out of the working tree by a sparse checkout, so the index knows it best. A folder is another repository.
  const listed = entries(await git.read(['ls-files', '-z', '-t', '--cached', '--others', '--exclude-standard', '--full-name']))
    .map((entry) => ({ tag: entry.slice(0, 1), path: entry.slice(2) }))
    .filter(({ path }) => !path.endsWith('/') && wanted(path));
  const scratch = await mkdtemp(join(temporary, 'optimization-gate-index-'));
  try {
    const [index, objects] = await Promise.all([gitPath(git, 'index'), gitPath(git, 'objects')]);
    const ownObjects = join(scratch, 'objects');
    await mkdir(ownObjects);
    const copy = join(scratch, 'index');
    await copyIndex(index, copy);
    const environment = {
      GIT_INDEX_FILE: copy,
      GIT_OBJECT_DIRECTORY: ownObjects,
      GIT_ALTERNATE_OBJECT_DIRECTORIES: JSON.stringify(objects),
    };
    const changed = listed.filter(({ tag }) => tag !== 'S').map(({ path }) => `${path}\0`);
    if (changed.length > 0) {
      await git.read(['add', '--all', '--pathspec-from-file=-', '--pathspec-file-nul'], {
        input: Buffer.from([...new Set(changed)].join(''), 'latin1'),
        environment,
      });
    }
    return entries(await git.read(['ls-files', '-z', '--stage', '--full-name'], { environment }))
      .map((entry) => parseEntry(entry, 1))
      .filter((file) => wanted(file.path));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
};

const gitPath = async (git: Git, name: string): Promise<string> => {
  const path = await git.line(['rev-parse', '--path-format=absolute', '--git-path', name]);
  if (path === null) throw new GateError('git-failed', `git does not say where its ${name} is`, { where: 'git' });
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
