import { type Client, listAll } from './client.ts';
import { isMerged, type LookUp } from './event.ts';
import { GitHubFailure } from './failure.ts';
import { type PullRequest, pullRequest } from './payload.ts';

/**
 * The pull requests that an event is about: the one of a number, or those from a branch whose head
 * is the given commit: the open ones, else what was merged since. Empty when there is none or it
 * has moved on. A number in an
 * artifact is not to be trusted, so commits are what is matched. Throws a `GitHubFailure`.
 */
export const findPullRequests = async (client: Client, wanted: LookUp): Promise<readonly PullRequest[]> => {
  if (wanted.by === 'number') {
    const { data } = await client.rest('GET /repos/{owner}/{repo}/pulls/{pull_number}', { pull_number: wanted.number });
    const read = pullRequest.safeParse(data);
    if (!read.success) throw new GitHubFailure('other', `the answer about pull request #${wanted.number} cannot be read`);
    return [read.data];
  }
  const all = (await listAll(client, 'GET /repos/{owner}/{repo}/pulls', { state: 'all', head: wanted.label })).flatMap((one) => {
    const { success, data } = pullRequest.safeParse(one);
    return success && data.head.sha === wanted.commit ? [data] : [];
  });
  const open = all.filter(({ state }) => state === 'open');
  return open.length > 0 ? open : all.filter(isMerged);
};
