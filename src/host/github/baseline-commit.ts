import { z } from 'zod';
import { asSentence, GateError } from '../../errors.ts';
import { commitId } from '../../records/words.ts';
import { checkBaselineFiles, checkBaselinePath } from '../baseline-path.ts';
import type { BaselineChange, BaselineReader, Descends } from '../contract.ts';
import type { Client } from './client.ts';
import { GitHubFailure, tokenRemedy } from './failure.ts';
import { type RetryLimits, retrying } from './retry.ts';

const FOLDER = 'baselines';
const mutation = `mutation($input: CreateCommitOnBranchInput!) { createCommitOnBranch(input: $input) { commit { oid } } }`;
const reference = z.object({ object: z.object({ sha: commitId }) });

const notFound = (error: unknown): boolean => error instanceof GitHubFailure && error.kind === 'not-found';

const headOf = async (client: Client, branch: string): Promise<string> => {
  const { data } = await client.rest('GET /repos/{owner}/{repo}/git/ref/{ref}', { ref: `heads/${branch}` });
  const read = reference.safeParse(data);
  if (!read.success) throw new GitHubFailure('other', `the head of ${branch} is not a commit`);
  return read.data.object.sha;
};

const comparison = z.object({ status: z.enum(['ahead', 'behind', 'diverged', 'identical']) });

/** How the second commit stands to the first. */
const relation = async (client: Client, first: string, second: string): Promise<z.infer<typeof comparison>['status']> => {
  const { data } = await client.rest('GET /repos/{owner}/{repo}/compare/{basehead}', { basehead: `${first}...${second}`, per_page: 1 });
  const read = comparison.safeParse(data);
  if (!read.success) throw new GitHubFailure('other', `how ${first} and ${second} differ cannot be read`);
  return read.data.status;
};

/** How the head of the branch stands to the measured commit: `ahead` of it or `identical` with it where that was merged. */
const requireMerged = async (client: Client, measured: string, head: string, branch: string): Promise<void> => {
  if (measured === head) return;
  const untrusted = (why: string): GateError =>
    new GateError('baseline-untrusted', `Baselines of commit ${measured} were to be written. ${why}.`, { where: `branch ${branch}` });
  try {
    const status = await relation(client, measured, head);
    if (!['ahead', 'identical'].includes(status)) throw untrusted(`Branch ${branch} does not hold that commit (${status})`);
  } catch (error) {
    throw notFound(error) ? untrusted('GitHub does not know that commit') : error;
  }
};

const trailer = (forCommit: string): string => `Baseline-For: ${forCommit}`;

/** Whether GitHub knows that `commit` has `ancestor` among its ancestors. Each commit is asked for once. */
const descendsFrom = (client: Client, ancestor: string): Descends => {
  const known = new Map<string, Promise<boolean>>([[ancestor, Promise.resolve(false)]]);
  const ask = async (commit: string): Promise<boolean> => {
    try {
      return (await relation(client, ancestor, commit)) === 'ahead';
    } catch (error) {
      if (notFound(error)) return false;
      throw error;
    }
  };
  return (commit) => {
    const answer = known.get(commit) ?? ask(commit);
    known.set(commit, answer);
    return answer;
  };
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
      return new GateError(
        'github-permission',
        `Baselines were to be written. GitHub refused: ${asSentence(error.message)} ${tokenRemedy}`,
        options,
      );
    case 'permission':
      return new GateError(
        'github-permission',
        `Baselines were to be written. GitHub refused: ${asSentence(error.message)} The job needs \`permissions: contents: write\`.`,
        options,
      );
    case 'protected':
      return new GateError(
        'github-permission',
        `Baselines were to be written. A rule protects the branch: ${asSentence(error.message)} Give the input \`token\` one of an app or person that may bypass it.`,
        options,
      );
    case 'stale':
      return new GateError(
        'baseline-conflict',
        `Baselines were to be written. Other jobs were faster each time (${error.message}); nothing was written or lost.`,
        options,
      );
    default:
      return new GateError('github-failed', `Baselines were to be written. GitHub failed: ${asSentence(error.message)}`, options);
  }
};

/**
 * Commits an update of baselines/ on a branch, on top of exactly the head that its content was computed from. When another
 * writer was faster or an answer was lost, it starts anew at the new head, so nothing is lost and nothing is written twice:
 * unchanged content means `already`. Jobs of several runner classes and projects each write their own for one commit.
 * Throws `baseline-untrusted` where the branch does not hold the measured commit (a merge queue's group that is still waiting, a commit that
 * was forced away), `github-permission`, `baseline-conflict`, `github-failed`, `baseline-invalid`, and what `change.files` throws.
 */
export const commitBaselines = async (
  client: Client,
  change: BaselineChange,
  target: { readonly slug: string; readonly branch: string; readonly patience: RetryLimits },
): Promise<'written' | 'already'> => {
  const { branch } = target;
  const forCommit = commitId.safeParse(change.forCommit);
  if (!forCommit.success)
    throw new GateError('baseline-invalid', 'Baselines were to be written. Expected a full commit id, got another name.', {
      where: change.forCommit.slice(0, 80),
    });
  const descends = descendsFrom(client, forCommit.data);
  const attempt = async (): Promise<'written' | 'already'> => {
    const head = await headOf(client, branch);
    await requireMerged(client, forCommit.data, head, branch);
    const read = readerAt(client, head);
    const additions: { readonly path: string; readonly contents: string }[] = [];
    for (const [path, content] of checkBaselineFiles(await change.files(read, descends))) {
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
    return await retrying(attempt, target.patience);
  } catch (error) {
    throw error instanceof GitHubFailure ? refused(error, branch) : error;
  }
};
