import { z } from 'zod';
import { GateError } from '../../errors.ts';
import { commitId } from '../../records/words.ts';
import { checkBaselineFiles, checkBaselinePath } from '../baseline-path.ts';
import type { BaselineChange, BaselineReader } from '../contract.ts';
import type { Client } from './client.ts';
import { GitHubFailure, tokenRemedy } from './failure.ts';
import { type Patience, patiently } from './patience.ts';

const FOLDER = 'baselines';
const mutation = `mutation($input: CreateCommitOnBranchInput!) { createCommitOnBranch(input: $input) { commit { oid } } }`;
const reference = z.object({ object: z.object({ sha: commitId }) });
const history = z.array(z.object({ commit: z.object({ message: z.string() }) }));

const notFound = (error: unknown): boolean => error instanceof GitHubFailure && error.kind === 'not-found';

const headOf = async (client: Client, branch: string): Promise<string> => {
  const { data } = await client.rest('GET /repos/{owner}/{repo}/git/ref/{ref}', { ref: `heads/${branch}` });
  const read = reference.safeParse(data);
  if (!read.success) throw new GitHubFailure('other', `the head of ${branch} is not a commit`);
  return read.data.object.sha;
};

const comparison = z.object({ status: z.enum(['ahead', 'behind', 'diverged', 'identical']) });

/** How the head of the branch stands to the measured commit: `ahead` of it or `identical` with it where that was merged. */
const requireMerged = async (client: Client, measured: string, head: string, branch: string): Promise<void> => {
  if (measured === head) return;
  const untrusted = (why: string): GateError =>
    new GateError('baseline-untrusted', `commit ${measured} was measured, and ${why}`, { where: `branch ${branch}` });
  try {
    const { data } = await client.rest('GET /repos/{owner}/{repo}/compare/{basehead}', { basehead: `${measured}...${head}`, per_page: 1 });
    const read = comparison.safeParse(data);
    if (!read.success) throw new GitHubFailure('other', `how ${measured} and ${head} differ cannot be read`);
    if (!['ahead', 'identical'].includes(read.data.status)) throw untrusted(`${branch} does not hold it (${read.data.status})`);
  } catch (error) {
    throw notFound(error) ? untrusted('GitHub does not know it') : error;
  }
};

const trailer = (forCommit: string): string => `Baseline-For: ${forCommit}`;

const alreadyWritten = async (client: Client, head: string, forCommit: string): Promise<boolean> => {
  const { data } = await client.rest('GET /repos/{owner}/{repo}/commits', { sha: head, path: FOLDER, per_page: 100 });
  const read = history.safeParse(data);
  if (!read.success) throw new GitHubFailure('other', 'the history of baselines/ is not a list of commits');
  return read.data.some(({ commit }) => commit.message.split(/\r?\n/).includes(trailer(forCommit)));
};

const fileAt =
  (client: Client, head: string): BaselineReader =>
  async (path) => {
    const route = `GET /repos/{owner}/{repo}/contents/${FOLDER}/{+path}`;
    try {
      const { data } = await client.rest(route, {
        path: checkBaselinePath(path),
        ref: head,
        headers: { accept: 'application/vnd.github.raw+json' },
      });
      if (typeof data !== 'string') throw new GitHubFailure('other', `${FOLDER}/${path} is not a file`);
      return data;
    } catch (error) {
      if (notFound(error)) return null;
      throw error;
    }
  };

/** Each file of that commit is asked for once. */
const readerAt = (client: Client, head: string): BaselineReader => {
  const known = new Map<string, Promise<string | null>>();
  const file = fileAt(client, head);
  return (path) => {
    const found = known.get(path) ?? file(path);
    known.set(path, found);
    return found;
  };
};

const refused = (error: GitHubFailure, branch: string): GateError => {
  const options = { where: `branch ${branch}`, cause: error };
  switch (error.kind) {
    case 'token':
      return new GateError('github-permission', `baselines were not written (${error.message}): ${tokenRemedy}`, options);
    case 'permission':
      return new GateError(
        'github-permission',
        `baselines were not written (${error.message}): the job needs \`permissions: contents: write\``,
        options,
      );
    case 'protected':
      return new GateError(
        'github-permission',
        `baselines were not written (${error.message}): give the input token one of an app or person that may bypass the rule`,
        options,
      );
    case 'stale':
      return new GateError(
        'baseline-conflict',
        `other writers were faster each time (${error.message}); nothing was written or lost`,
        options,
      );
    default:
      return new GateError('github-failed', `baselines were not written: ${error.message}`, options);
  }
};

/**
 * Commits an update of baselines/ on a branch, on top of exactly the head that its content was computed from. When another
 * writer was faster or an answer was lost, it starts anew at the new head, so nothing is lost and nothing is written twice:
 * the trailer `Baseline-For: COMMIT` (among the last 100 commits of baselines/) or unchanged content means `already`.
 * Throws `baseline-untrusted` where the branch does not hold the measured commit (a merge queue's group that is still waiting, a commit that
 * was forced away), `github-permission`, `baseline-conflict`, `github-failed`, `baseline-invalid`, and what `change.files` throws.
 */
export const commitBaselines = async (
  client: Client,
  change: BaselineChange,
  target: { readonly slug: string; readonly branch: string; readonly patience: Patience },
): Promise<'written' | 'already'> => {
  const { branch } = target;
  const forCommit = commitId.safeParse(change.forCommit);
  if (!forCommit.success)
    throw new GateError('baseline-invalid', 'the commit that was measured is not a full commit id', {
      where: change.forCommit.slice(0, 80),
    });
  const attempt = async (): Promise<'written' | 'already'> => {
    const head = await headOf(client, branch);
    await requireMerged(client, forCommit.data, head, branch);
    if (await alreadyWritten(client, head, forCommit.data)) return 'already';
    const read = readerAt(client, head);
    const additions: { readonly path: string; readonly contents: string }[] = [];
    for (const [path, content] of checkBaselineFiles(await change.files(read))) {
      if ((await read(path)) !== content)
        additions.push({ path: `${FOLDER}/${path}`, contents: Buffer.from(content, 'utf8').toString('base64') });
    }
    if (additions.length === 0) return 'already';
    await client.graphql(mutation, {
      input: {
        branch: { repositoryNameWithOwner: target.slug, branchName: branch },
        expectedHeadOid: head,
        message: { headline: `Update baselines for ${forCommit.data.slice(0, 12)} [skip ci]`, body: trailer(forCommit.data) },
        fileChanges: { additions },
      },
    });
    return 'written';
  };
  try {
    return await patiently(attempt, target.patience);
  } catch (error) {
    throw error instanceof GitHubFailure ? refused(error, branch) : error;
  }
};
