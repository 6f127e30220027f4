/** Payloads of events as far as the host reads them. */
import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import { GateError } from '../../errors.ts';
import { commitId } from '../../records/words.ts';

const MAX_PAYLOAD_BYTES = 32 * 1024 * 1024;
const name = z.string().min(1).max(255);

/** A name of a branch or tag that git takes, and that no command line mistakes for an option. */
export const branchName = z
  .string()
  .max(1024)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: git forbids control characters in names
  .regex(/^(?![-/])(?!.*\.\.)[^\u0000-\u0020\u007f~^:?*[\\]+$/, 'a branch name');

const repository = z.object({ full_name: name, default_branch: branchName.optional() });
const number = z.int().positive();
const ownRepository = z.object({ full_name: name }).nullable();

/** A pull request as payloads and answers of the interface have it. */
export const pullRequest = z.object({
  number,
  state: name.optional(),
  merged: z.boolean().nullish(),
  /** Lists have this in place of `merged`. */
  merged_at: z.string().max(100).nullish(),
  merge_commit_sha: commitId.nullish(),
  head: z.object({ sha: commitId, repo: ownRepository }),
  base: z.object({ ref: branchName, sha: commitId, repo: ownRepository }),
});
export type PullRequest = z.infer<typeof pullRequest>;

/** What a run or check says of the pull requests with its commit: none of those from forks. */
const listed = z
  .array(z.object({ number, head: z.object({ sha: commitId }), base: z.object({ ref: branchName, sha: commitId }) }))
  .default([]);
export type ListedPullRequest = z.infer<typeof listed>[number];

const check = z.object({ head_sha: commitId, pull_requests: listed });

export const payloads = {
  push: z.object({
    ref: z.string().max(1100),
    before: commitId,
    /** Of an annotated tag the object of the tag, which is no commit. */
    after: commitId.optional(),
    head_commit: z.object({ id: commitId }).nullish(),
  }),
  pullRequest: z.object({ pull_request: pullRequest }),
  mergeGroup: z.object({ merge_group: z.object({ head_sha: commitId.optional(), base_sha: commitId }) }),
  workflowRun: z.object({
    workflow_run: z.object({
      event: name.optional(),
      head_sha: commitId,
      head_branch: branchName.nullable(),
      head_repository: z.object({ full_name: name, owner: z.object({ login: name }) }).nullable(),
      pull_requests: listed,
    }),
  }),
  issueComment: z.object({ issue: z.object({ number, pull_request: z.unknown().optional() }) }),
  checkSuite: z.object({ check_suite: check }),
  checkRun: z.object({ check_run: z.object({ head_sha: commitId, pull_requests: listed }) }),
  deployment: z.object({ deployment: z.object({ sha: commitId }) }),
  status: z.object({ sha: commitId }),
  /** `client_payload` holds what the sender put there. */
  dispatch: z.object({ client_payload: z.object({ pull_request: z.unknown().optional() }).nullish().catch(null) }),
  other: z.object({ repository: repository.optional() }),
} as const;

/** The payload as it lies on disk. Throws `document-invalid` or `document-too-large`. */
export const readPayload = (path: string | undefined): unknown => {
  if (path === undefined || path === '')
    throw new GateError('document-invalid', 'The event of this run was read. Expected the variable to name a file, got none.', {
      where: 'GITHUB_EVENT_PATH',
    });
  try {
    const { size } = statSync(path);
    if (size > MAX_PAYLOAD_BYTES)
      throw new GateError('document-too-large', `The event of this run was read. Its file has ${size} bytes, more than GitHub writes.`, {
        where: path,
      });
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error instanceof GateError) throw error;
    throw new GateError('document-invalid', `The event of this run was read. Its file cannot be: ${(error as Error).message}`, {
      where: path,
      cause: error,
    });
  }
};

/** What a schema makes of a value. Throws `document-invalid`, which names the place. */
export const decode = <T>(schema: z.ZodType<T>, payload: unknown, where: string): T => {
  const result = schema.safeParse(payload);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new GateError(
    'document-invalid',
    `The event of this run was read. At ${issue?.path.join('.') || 'its top'}: ${issue?.message ?? 'not valid'}.`,
    { where },
  );
};
