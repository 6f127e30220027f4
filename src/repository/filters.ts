import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isLfsPointerFile, lfsPointer } from '../records/lfs-pointer.ts';
import { type Git, gitError, gitIn } from './git.ts';
import { settingsEnvironment } from './git-environment.ts';
import { globTest } from './glob.ts';
import { fileBehind } from './on-disk.ts';

/** Which files of a tree somebody reads, as globs, and whether Git LFS may be asked for them. */
export interface NeededFiles {
  /** Declared as inputs, or of a model: a pointer in place of one is an error. */
  readonly declared: readonly string[];
  /** Perhaps read: made like the checkout's, whatever they are. */
  readonly possible: readonly string[];
  /** Fetch what Git LFS keeps of them. */
  readonly lfs: boolean;
}

/** The filter programs (`filter.NAME.*`) of git's configuration: NAME → the settings that say what they run, as git prints them. */
export type FilterDrivers = ReadonlyMap<string, string>;

/** Git LFS starts programs of its own, which these name. */
const followed = '^(filter|lfs|credential|http|remote|url)\\.|^core\\.(sshcommand|askpass)$';

/** The filter programs that git would run in a repository now. */
const filterDrivers = async (git: Git): Promise<FilterDrivers> => {
  const { stdout } = await git.run(['config', '-z', '--get-regexp', followed]);
  const drivers = new Map<string, string>();
  let others = '';
  for (const setting of split(stdout)) {
    const name = /^filter\.(.*)\.[^.]+$/s.exec(setting.split('\n', 1)[0] ?? '')?.[1];
    if (name === undefined) others += `${setting}\0`;
    else drivers.set(name, `${drivers.get(name) ?? ''}${setting}\0`);
  }
  return new Map([...drivers].map(([name, own]) => [name, `${own}\0${others}`]));
};

/**
 * Settings that keep git from running any filter program, as environment of git.
 * @param but those that may run, as long as they are set as here
 */
export const withoutFilters = async (git: Git, but: FilterDrivers = new Map()): Promise<Readonly<Record<string, string>>> => {
  const names = [...(await filterDrivers(git))].filter(([name, set]) => but.get(name) !== set).map(([name]) => name);
  return settingsEnvironment(
    names.flatMap((name): readonly (readonly [string, string])[] => [
      [`filter.${name}.clean`, ''],
      [`filter.${name}.smudge`, ''],
      [`filter.${name}.process`, ''],
      [`filter.${name}.required`, 'false'],
    ]),
  );
};

/** Commands that run filter programs. */
const filtering: ReadonlySet<string> = new Set(['add', 'checkout-index', 'diff', 'status', 'worktree']);
/** Folder that git keeps what all worktrees share in → the filter programs that it named when this process first asked. */
const firstDrivers = new Map<string, Promise<FilterDrivers>>();

/** Whether code under test has run, which may have written git's settings. */
export interface SettingsTrust {
  lost: boolean;
}

/** Git starts the program `git-remote-NAME` for a protocol NAME that it may use: nobody can call one by this name. */
const noProtocol = { GIT_ALLOW_PROTOCOL: randomUUID() };

/**
 * Git in a folder, which starts no program that code under test may have set, since nothing would end
 * what that starts: no filter that was set since this process first asked, and once `trust` is lost no
 * transport either (git fetches what a partial clone lacks by the program that its settings name).
 */
export const guardedGit = (folder: string, environment: Readonly<Record<string, string>>, trust: SettingsTrust): Git => {
  const git = gitIn(folder, environment);
  let first: Promise<FilterDrivers> | null = null;
  const allowed = async (): Promise<Readonly<Record<string, string>>> => {
    first ??= rememberFilters(git, folder, trust);
    return withoutFilters(git, await first);
  };
  return gitIn(folder, environment, async ([command = '']) => ({
    ...(trust.lost ? noProtocol : {}),
    ...(filtering.has(command) ? await allowed() : {}),
  }));
};

/**
 * The filter programs of the repository of a folder, as this process first found them. None of a
 * repository that is found only once `trust` is lost.
 */
export const rememberFilters = async (git: Git, folder: string, trust: SettingsTrust): Promise<FilterDrivers> => {
  const shared = resolve(folder, (await git.line(['rev-parse', '--git-common-dir'])) ?? '.git');
  const known = firstDrivers.get(shared) ?? (trust.lost ? Promise.resolve(new Map()) : filterDrivers(git));
  firstDrivers.set(shared, known);
  return known;
};

/** A checkout: git in its root, that root, and how messages call it. */
export interface Checkout {
  readonly git: Git;
  readonly folder: string;
  readonly name: string;
}

/**
 * A checkout, and where its root lies in the whole tree: empty, or the path of a submodule with a
 * `/` at the end.
 */
export interface Part extends Checkout {
  readonly below: string;
}

/**
 * Fetches what Git LFS keeps of the needed files of the checkout under review, where that was asked
 * for. Returns what Git LFS said.
 */
export const fillCheckout = async (head: Checkout, needed: NeededFiles): Promise<string> => {
  if (!needed.lfs) return '';
  const checkout: Part = { ...head, below: '' };
  const files = await filteredFiles(checkout, [...needed.declared, ...needed.possible]);
  const pointers = files.filter(({ path }) => isLfsPointerFile(join(checkout.folder, path)));
  return runFilters(
    checkout,
    pointers.map(({ path }) => path),
  );
};

/**
 * Runs the filters of the needed files of a worktree, in which none has run, for those files that
 * were filtered in the checkout `like` too (or that Git LFS keeps, where it may be asked). Returns
 * what the filters said.
 */
export const fillWorktree = async (worktree: Part, like: Part, needed: NeededFiles): Promise<string> => {
  const patterns = [...needed.declared, ...needed.possible];
  const files = await filteredFiles(worktree, patterns);
  if (files.length === 0) return '';
  const there = await filteredFiles(like, patterns);
  const raw = await rawFiles(
    like,
    there.map(({ path }) => path),
  );
  const drivers = new Set(there.filter(({ path }) => !raw.has(path)).map(({ filter }) => filter));
  const wanted = files.filter(({ path, filter }) => {
    if (needed.lfs && isLfsPointerFile(join(worktree.folder, path))) return true;
    return there.some((each) => each.path === path) ? !raw.has(path) : drivers.has(filter);
  });
  return runFilters(
    worktree,
    wanted.map(({ path }) => path),
  );
};

/**
 * Throws `lfs-pointer` for a declared file of a checkout, submodules included, in whose place there
 * is a pointer.
 * @param said what Git LFS printed when it was asked for the files
 */
export const refusePointers = async ({ git, folder, name }: Checkout, { declared }: NeededFiles, said: string): Promise<void> => {
  if (declared.length === 0) return;
  const matches = testOf(declared);
  // A submodule that only base has is not in the configuration, which both sides share.
  const everySubmodule = ['-c', 'submodule.active=.'];
  const paths = split(await git.read([...everySubmodule, 'ls-files', '-z', '--cached', '--recurse-submodules', '--full-name'])).filter(
    matches,
  );
  const pointer = paths.find((path) => isLfsPointerFile(join(folder, path)));
  if (pointer !== undefined) throw lfsPointer(`${pointer} of ${name}`, said);
};

/** Tracked files of a checkout that have a filter and are Git LFS pointers. */
export const pointersIn = async (checkout: Checkout): Promise<readonly string[]> => {
  const files = await filteredFiles({ ...checkout, below: '' }, ['**']);
  return files.flatMap(({ path }) => (isLfsPointerFile(join(checkout.folder, path)) ? [path] : []));
};

const testOf = (patterns: readonly string[]): ((path: string) => boolean) => {
  const tests = patterns.map((pattern) => globTest(pattern, 'inputs'));
  return (path) => tests.some((test) => test(path));
};

/** Tracked files of a part of the tree that some pattern matches, relative to the part's root. */
export const trackedFiles = async ({ git, below }: Part, patterns: readonly string[]): Promise<readonly string[]> => {
  if (patterns.length === 0) return [];
  const matches = testOf(patterns);
  return split(await git.read(['ls-files', '-z', '--cached', '--full-name'])).filter((path) => matches(`${below}${path}`));
};

const split = (output: Buffer): readonly string[] =>
  output
    .toString('utf8')
    .split('\0')
    .filter((each) => each !== '');

interface FilteredFile {
  readonly path: string;
  readonly filter: string;
}

/** The tracked files that match a pattern and have a filter by their attributes. */
const filteredFiles = async (checkout: Part, patterns: readonly string[]): Promise<readonly FilteredFile[]> => {
  const paths = await trackedFiles(checkout, patterns);
  if (paths.length === 0) return [];
  const told = (await checkout.git.read(['check-attr', '-z', '--stdin', 'filter'], { input: paths.join('\0') }))
    .toString('utf8')
    .split('\0');
  return paths.flatMap((path, index) => {
    const filter = told[3 * index + 2] ?? '';
    return ['', 'unspecified', 'unset', 'set'].includes(filter) ? [] : [{ path, filter }];
  });
};

/** Which of the files are on disk what git stores: no filter has run. Only files of the stored size are read whole. */
const rawFiles = async ({ git, folder }: Checkout, paths: readonly string[]): Promise<ReadonlySet<string>> => {
  const raw = new Set(paths.filter((path) => isLfsPointerFile(join(folder, path))));
  const stored = new Map(
    split(await git.read(['ls-files', '-z', '--stage', '--full-name'])).map((entry) => [
      entry.slice(entry.indexOf('\t') + 1),
      entry.split(' ')[1] ?? '',
    ]),
  );
  const there = paths.filter((path) => !raw.has(path) && !path.includes('\n') && fileBehind(join(folder, path)) !== null);
  const sizes = await linesOf(
    git,
    ['cat-file', '--batch-check=%(objectsize)'],
    there.map((path) => stored.get(path) ?? ''),
  );
  const likely = there.filter((path, index) => String(fileBehind(join(folder, path))?.size) === sizes[index]);
  const hashes = await linesOf(git, ['hash-object', '--no-filters', '--stdin-paths'], likely);
  for (const [index, path] of likely.entries()) if (hashes[index] === stored.get(path)) raw.add(path);
  return raw;
};

/** What git prints for each line of its input. */
const linesOf = async (git: Git, args: readonly string[], input: readonly string[]): Promise<readonly string[]> =>
  input.length === 0 ? [] : (await git.read(args, { input: `${input.join('\n')}\n` })).toString('latin1').split('\n');

/**
 * Checks files out again, this time through their filters, and returns what the filters said. A
 * file that Git LFS cannot provide stays a pointer. Throws `git-failed` where another filter fails.
 */
const runFilters = async ({ git, folder }: Checkout, paths: readonly string[]): Promise<string> => {
  if (paths.length === 0) return '';
  for (const path of paths) rmSync(join(folder, path), { force: true });
  const args = ['checkout-index', '-u', '-z', '--stdin'];
  const listOf = (names: readonly string[]): string => names.map((path) => `${path}\0`).join('');
  const filtered = await git.run(args, { input: listOf(paths), network: true });
  const lost = paths.filter((path) => fileBehind(join(folder, path)) === null);
  if (lost.length > 0) await git.read(args, { input: listOf(lost), environment: await withoutFilters(git) });
  if (lost.some((path) => !isLfsPointerFile(join(folder, path)))) throw gitError(args, filtered);
  return filtered.stderr.trim();
};
