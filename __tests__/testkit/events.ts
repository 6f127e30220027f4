const side = (fullName: string | null) => ({ repo: fullName === null ? null : { full_name: fullName } });
const zeros = '0'.repeat(40);
const repositoryOf = (defaultBranch: string) => ({ full_name: 'octo/models', default_branch: defaultBranch });
const repository = repositoryOf('main');

/**
 * Commits and branches of a pull request; what is left out stands for nothing that is checked out.
 */
export interface PullRequestCommits {
  readonly head?: string;
  readonly base?: { readonly ref: string; readonly sha: string };
  readonly merged?: string;
}

export const pullRequestOf = (number: number, commits: PullRequestCommits = {}, head: string | null = 'octo/models') => ({
  number,
  merged: commits.merged !== undefined,
  merge_commit_sha: commits.merged ?? null,
  head: { ref: 'topic', sha: commits.head ?? 'a'.repeat(40), ...side(head) },
  base: { ...(commits.base ?? { ref: 'main', sha: 'b'.repeat(40) }), ...side('octo/models') },
});

/**
 * Payloads as GitHub sends them, cut to what matters. `head`: the repository that a pull request
 * comes from.
 */
export const events = {
  pullRequest: (number: number, head: string | null = 'octo/models', commits: PullRequestCommits = {}, defaultBranch = 'main') => ({
    action: 'synchronize',
    number,
    pull_request: pullRequestOf(number, commits, head),
    repository: repositoryOf(defaultBranch),
  }),
  /** An annotated tag of a commit. */
  tag: (ref: string, object: string, commit: string) => ({ ...events.push(ref, zeros, object), head_commit: { id: commit } }),
  push: (ref: string, before = zeros, after?: string, defaultBranch = 'main') => ({
    ref,
    before,
    ...(after === undefined ? {} : { after }),
    repository: repositoryOf(defaultBranch),
  }),
  mergeGroup: (baseSha: string, baseRef = 'refs/heads/main', headSha = 'a'.repeat(40)) => ({
    action: 'checks_requested',
    merge_group: { base_sha: baseSha, base_ref: baseRef, head_sha: headSha },
    repository,
  }),
  workflowRun: (
    head: { owner: string; name: string; branch: string; commit: string },
    more: { readonly event?: string; readonly pull_requests?: readonly unknown[] } = {},
  ) => ({
    action: 'completed',
    workflow_run: {
      event: 'pull_request',
      head_sha: head.commit,
      head_branch: head.branch,
      head_repository: { full_name: `${head.owner}/${head.name}`, owner: { login: head.owner } },
      pull_requests: [],
      ...more,
    },
    repository,
  }),
  schedule: () => ({ schedule: '0 3 * * *', repository }),
  workflowDispatch: () => ({ inputs: {}, repository }),
  repositoryDispatch: (clientPayload: unknown) => ({ action: 'benchmark', client_payload: clientPayload, repository }),
  issueComment: (number: number, onPullRequest = true) => ({
    action: 'created',
    issue: { number, ...(onPullRequest ? { pull_request: { url: 'https://api.github.com/pulls' } } : {}) },
    comment: { body: '/benchmark' },
    repository,
  }),
};
