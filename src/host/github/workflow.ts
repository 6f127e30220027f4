import type { WorkflowSource } from '../contract.ts';

/** Events whose runs take the workflow file of the default branch, or of the base branch: no pull request can edit it. */
const ofBase: ReadonlySet<string> = new Set([
  'pull_request_target',
  'issue_comment',
  'issues',
  'workflow_run',
  'repository_dispatch',
  'schedule',
  'check_run',
  'check_suite',
  'status',
]);

/** Whose file the workflow of this run is, from `GITHUB_WORKFLOW_REF` (`OWNER/NAME/PATH@REF`) and the name of the event. */
export const workflowSource = (environment: Readonly<Record<string, string | undefined>>): WorkflowSource => {
  if (ofBase.has(environment['GITHUB_EVENT_NAME'] ?? '')) return { kind: 'trusted' };
  const [, repository, path] = /^([\w.-]{1,100}\/[\w.-]{1,100})\/([^@\0]{1,1024})@/.exec(environment['GITHUB_WORKFLOW_REF'] ?? '') ?? [];
  if (repository === undefined || path === undefined) return { kind: 'unknown' };
  // A required workflow may lie in a repository of its own.
  if (repository.toLowerCase() !== (environment['GITHUB_REPOSITORY'] ?? '').toLowerCase()) return { kind: 'trusted' };
  return {
    kind: 'change',
    path,
    job: environment['GITHUB_JOB'] || null,
    action: environment['GITHUB_ACTION_REPOSITORY'] || null,
  };
};
