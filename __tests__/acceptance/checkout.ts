import { git } from '../testkit/git.ts';

/** Leaves a checkout the files of its commit and no history, as `fetch-depth: 1` does. */
export const forgetHistory = async (workspace: string): Promise<void> => {
  const commit = (await git(workspace, ['rev-parse', 'HEAD'])).trim();
  await git(workspace, ['fetch', '--quiet', '--depth=1', 'origin', commit]);
};

/** Lets a checkout ask this address in the place of its remote. */
export const moveRemote = async (workspace: string, address: string): Promise<void> => {
  await git(workspace, ['remote', 'set-url', 'origin', address]);
};
