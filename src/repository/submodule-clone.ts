import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Checkout, withoutFilters } from './filters.ts';
import { type Git, gitError, gitPath } from './git.ts';
import { settingsEnvironment } from './git-environment.ts';

/** Where a submodule comes from that the checkout under review does not have. */
export interface CloneSource {
  readonly commit: string;
  /** To be asked in turn; the first is its remote. */
  readonly addresses: readonly string[];
  /** Git folder that the checkout kept of it; null where there is none. */
  readonly kept: string | null;
  /** Git whose credentials hold for the address. */
  readonly parent: Git;
}

/**
 * Checks a submodule out as a repository of its own, with what the checkout kept of it, or fetched.
 * Null when it is done, else what went wrong: then the folder is empty.
 */
export const cloneSubmodule = async (
  { git, folder }: Pick<Checkout, 'git' | 'folder'>,
  { commit, addresses, kept, parent }: CloneSource,
): Promise<string | null> => {
  const format = commit.length === 64 ? 'sha256' : 'sha1';
  await git.read(['init', '--quiet', '--template=', `--object-format=${format}`]);
  // What fetches for the submodule, such as Git LFS, asks its remote.
  await git.read(['config', 'remote.origin.url', addresses[0] ?? '']);
  if (kept !== null) await writeFile(join(folder, '.git/objects/info/alternates'), `${join(kept, 'objects')}\n`);
  const checkOut = async (): Promise<string | null> => {
    const args = ['checkout', '--quiet', '--force', '--detach', commit];
    const done = await git.run(args, { environment: await withoutFilters(git) });
    return done.status === 'exited' && done.code === 0 ? null : gitError(args, done).message;
  };
  if (kept !== null && (await checkOut()) === null) return null;
  const settings = { network: true, environment: await networkSettings(parent) };
  const fetchFrom = async (address: string): Promise<string | null> => {
    const args = ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--depth=1', '--end-of-options', address, commit];
    const fetched = await git.run(args, settings);
    return fetched.status === 'exited' && fetched.code === 0 ? checkOut() : gitError(args, fetched).message;
  };
  let failure = 'it has no address';
  for (const address of addresses) {
    const failed = await fetchFrom(address);
    if (failed === null) return null;
    failure = failed;
  }
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  return failure;
};

/** The folder in which a checkout keeps its submodules' repositories, also those of removed ones. */
export const modulesOf = (git: Git): Promise<string | null> => gitPath(git, 'modules');

/** The repository of one of them; null where there is none. */
export const keptRepository = (modules: string | null, name: string): string | null => {
  if (modules === null || name.split('/').includes('..')) return null;
  const folder = join(modules, name);
  return existsSync(join(folder, 'objects')) ? folder : null;
};

/** How a repository's own configuration talks to servers (a checkout step leaves its token there), as environment of git. */
const networkSettings = async (git: Git): Promise<Readonly<Record<string, string>>> => {
  const keys = '^((http|credential|url)\\.|core\\.sshcommand$)';
  const listed = (await git.line(['config', '-z', '--local', '--includes', '--get-regexp', keys])) ?? '';
  const settings = listed.split('\0').flatMap((entry) => {
    const [, key, value] = /^([^\n]+)\n(.*)$/s.exec(entry) ?? [];
    return key === undefined || value === undefined ? [] : [[key, value] as const];
  });
  return settingsEnvironment(settings);
};
