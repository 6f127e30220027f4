import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { git } from '../testkit/git.ts';

/** Makes a checkout anew with the files of its commit and no history, as `fetch-depth: 1` does. */
export const forgetHistory = async (workspace: string): Promise<void> => {
  const address = (await git(workspace, ['remote', 'get-url', 'origin'])).trim();
  const commit = (await git(workspace, ['rev-parse', 'HEAD'])).trim();
  rmSync(join(workspace, '.git'), { recursive: true });
  await git(workspace, ['init', '--quiet']);
  await git(workspace, ['remote', 'add', 'origin', address]);
  await git(workspace, ['fetch', '--quiet', '--depth=1', 'origin', commit]);
  await git(workspace, ['checkout', '--quiet', '--force', '--detach', commit]);
};

/** Lets a checkout ask this address in the place of its remote. */
export const moveRemote = async (workspace: string, address: string): Promise<void> => {
  await git(workspace, ['remote', 'set-url', 'origin', address]);
};
