import { z } from 'zod';
import { type Client, listAll } from './client.ts';

const pullRequest = z.object({ number: z.int().positive(), head: z.object({ sha: z.string() }) });

/**
 * Number of the open pull request from a branch (`OWNER:BRANCH`) whose head is the given commit; null when there is none or it has
 * moved on. `workflow_run` does not name the pull requests of forks, and a number in an artifact is not to be trusted.
 */
export const findPullRequest = async (
  client: Client,
  wanted: { readonly label: string; readonly commit: string },
): Promise<number | null> => {
  const open = await listAll(client, 'GET /repos/{owner}/{repo}/pulls', { state: 'open', head: wanted.label });
  for (const one of open) {
    const { success, data } = pullRequest.safeParse(one);
    if (success && data.head.sha === wanted.commit) return data.number;
  }
  return null;
};
