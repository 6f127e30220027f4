import { defaultBranchName } from './default-branch.ts';
import { type Git, gitError } from './git.ts';

/** What git says of the checkout as it is, without a commit to compare with. There may be none. */
export interface CheckoutFacts {
  /** Paths of the files below a folder, relative to the root, that git tracks. */
  trackedBelow(folder: string): Promise<readonly string[]>;
  /** Paths of the files that git tracks or does not ignore. One that is tracked may be gone from the disk. */
  presentFiles(): Promise<readonly string[]>;
  /** Which of these files differ from those of the commit that is checked out, or are not in it. */
  unsaved(paths: readonly string[]): Promise<readonly string[]>;
  /** Which of these paths git would ignore; a folder that is not there ends in `/`. */
  ignoredAmong(paths: readonly string[]): Promise<readonly string[]>;
  /** Name of the default branch as this clone knows it; null where nothing says it. */
  defaultBranch(): Promise<string | null>;
}

const names = (listed: Buffer): readonly string[] =>
  listed
    .toString('utf8')
    .split('\0')
    .filter((name) => name !== '');

const trackedBelow = async (git: Git, folder: string): Promise<readonly string[]> =>
  names(await git.read(['ls-files', '-z', '--cached', '--full-name', '--', folder === '' ? '.' : folder]));

const presentFiles = async (git: Git): Promise<readonly string[]> => {
  const listed = await git.read(['ls-files', '-z', '--cached', '--others', '--exclude-standard']);
  // A repository inside of this one ends in `/`.
  return [...new Set(names(listed))].filter((path) => !path.endsWith('/'));
};

const unsaved = async (git: Git, paths: readonly string[]): Promise<readonly string[]> => {
  const saved = await Promise.all(
    paths.map(async (path) => {
      // Of the content itself, since the index may say that git need not look.
      const onDisk = await git.line(['hash-object', '--', path]);
      return onDisk !== null && onDisk === (await git.line(['rev-parse', '--verify', '--quiet', '--end-of-options', `HEAD:${path}`]));
    }),
  );
  return paths.filter((_, index) => saved[index] !== true);
};

const ignoredAmong = async (git: Git, paths: readonly string[]): Promise<readonly string[]> => {
  if (paths.length === 0) return [];
  const args = ['check-ignore', '-z', '--stdin'];
  const found = await git.run(args, {
    input: paths.map((path) => `${path}\0`).join(''),
    environment: { GIT_LITERAL_PATHSPECS: '0' },
  });
  // Status 1: none is ignored.
  if (found.status !== 'exited' || found.code === null || found.code > 1) throw gitError(args, found);
  return names(found.stdout);
};

export const checkoutFacts = (git: Git): CheckoutFacts => ({
  trackedBelow: (folder) => trackedBelow(git, folder),
  presentFiles: () => presentFiles(git),
  unsaved: (paths) => unsaved(git, paths),
  ignoredAmong: (paths) => ignoredAmong(git, paths),
  defaultBranch: () => defaultBranchName(git),
});
