const side = (fullName: string | null) => ({ repo: fullName === null ? null : { full_name: fullName } });
const repository = { full_name: 'octo/models', default_branch: 'main' };
const zeros = '0'.repeat(40);

/** Payloads as GitHub sends them, cut to what matters. `head`: the repository that a pull request comes from. */
export const events = {
  pullRequest: (number: number, head: string | null = 'octo/models') => ({
    action: 'synchronize',
    number,
    pull_request: { number, head: side(head), base: side('octo/models') },
    repository,
  }),
  push: (ref: string, before = zeros) => ({ ref, before, after: 'a'.repeat(40), repository }),
  mergeGroup: (baseSha: string, baseRef = 'refs/heads/main') => ({
    action: 'checks_requested',
    merge_group: { base_sha: baseSha, base_ref: baseRef },
    repository,
  }),
  workflowRun: (head: { owner: string; name: string; branch: string; commit: string }) => ({
    action: 'completed',
    workflow_run: {
      head_sha: head.commit,
      head_branch: head.branch,
      head_repository: { full_name: `${head.owner}/${head.name}`, owner: { login: head.owner } },
      pull_requests: [],
    },
    repository,
  }),
  schedule: () => ({ schedule: '0 3 * * *', repository }),
  workflowDispatch: () => ({ inputs: {}, repository }),
};
