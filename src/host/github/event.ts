import { GateError } from '../../errors.ts';
import type { ChangeBase, ChangeEvent, HostEvent, ReviewedCommit } from '../../records/event.ts';
import { commitId } from '../../records/words.ts';
import { branchName, decode, type ListedPullRequest, type PullRequest, payloads, readPayload } from './payload.ts';

/** What of a run's event the host works with. */
export interface RunEvent {
  readonly event: HostEvent;
  readonly owner: string;
  readonly repository: string;
  /** A pull request from another repository: its token is read-only. */
  readonly fork: boolean;
  /** How to ask for the pull request, where the payload does not say all of it. */
  readonly lookUp: LookUp | null;
}

export type LookUp =
  /** `workflow_run` names the pull requests of forks only by branch (`OWNER:BRANCH`) and commit. */
  | { readonly by: 'head'; readonly label: string; readonly commit: string }
  /** `issue_comment` names no commit. */
  | { readonly by: 'number'; readonly number: number };

type Environment = Readonly<Record<string, string | undefined>>;

/** What every event of a repository shares. */
interface Setting {
  /** Address of the repository. */
  readonly address: string;
  readonly defaultBranch: string | null;
  /** `GITHUB_SHA`; null where the runner does not say. */
  readonly runCommit: string | null;
}

const any: ReviewedCommit = { kind: 'any' };

const commitOnly = (head: string): ReviewedCommit => ({ kind: 'commit', head, merge: null, merged: false });

const defaultBase = ({ defaultBranch }: Setting, instead: string | null): ChangeBase => ({
  kind: 'branch',
  name: defaultBranch,
  commit: null,
  instead,
});

const change = (setting: Setting, checkout: ReviewedCommit, base: ChangeBase, number: number | null = null): ChangeEvent => ({
  kind: 'change',
  repository: setting.address,
  number,
  checkout,
  base,
});

export const isMerged = ({ merged, merged_at }: PullRequest): boolean => merged === true || merged_at != null;

/** `merge`: the merge commit that GitHub made for this run, null where it made none. */
const pullRequestEvent = (repository: string, pull: PullRequest, merge: string | null): ChangeEvent => {
  const merged = isMerged(pull) && pull.merge_commit_sha != null;
  return {
    kind: 'change',
    repository,
    number: pull.number,
    checkout: { kind: 'commit', head: pull.head.sha, merge: merged ? (pull.merge_commit_sha ?? null) : merge, merged },
    base: { kind: 'branch', name: pull.base.ref, commit: pull.base.sha, instead: null },
  };
};

const isFork = ({ head, base }: PullRequest): boolean =>
  head.repo === null || base.repo === null || head.repo.full_name !== base.repo.full_name;

/**
 * The base of a commit whose pull requests are listed: theirs where they agree on the branch, else
 * the default branch.
 */
const listedBase = (setting: Setting, head: string, listed: readonly ListedPullRequest[], otherwise: string): ChangeBase => {
  const own = listed.filter((pull) => pull.head.sha === head);
  const [first] = own;
  if (first === undefined) return defaultBase(setting, otherwise);
  if (own.some(({ base }) => base.ref !== first.base.ref))
    return defaultBase(
      setting,
      `Pull requests into several branches have commit ${head.slice(0, 12)}: the default branch is the base branch.`,
    );
  return { kind: 'branch', name: first.base.ref, commit: first.base.sha, instead: null };
};

const noPullRequest = 'The event names no pull request: the default branch is the base branch.';
/** Events whose runs are about the commit that `workflow_run.head_sha` names. */
const ofHeadCommit: ReadonlySet<string> = new Set([
  'pull_request',
  'pull_request_review',
  'pull_request_review_comment',
  'push',
  'merge_group',
]);

interface Read {
  readonly event: HostEvent;
  readonly fork?: boolean;
  readonly lookUp?: LookUp | null;
}

/** GitHub's id for the commit of a branch that was not there before, or is not there afterwards. */
const isNone = (commit: string): boolean => /^0+$/.test(commit);

const readPush = (setting: Setting, payload: unknown, where: string): Read => {
  const { ref, before, after, head_commit: tagged } = decode(payloads.push, payload, where);
  const named = ref.startsWith('refs/tags/') ? tagged?.id : after;
  const pushed = after !== undefined && isNone(after) ? null : (named ?? setting.runCommit);
  const checkout = pushed === null ? any : commitOnly(pushed);
  if (setting.defaultBranch === null || ref !== `refs/heads/${setting.defaultBranch}`)
    return { event: change(setting, checkout, defaultBase(setting, null)) };
  const { address: repository, defaultBranch: branch } = setting;
  return { event: { kind: 'default-branch', repository, branch, checkout, commit: pushed, before: isNone(before) ? null : before } };
};

const readWorkflowRun = (setting: Setting, payload: unknown, where: string, own: string): Read => {
  const { workflow_run: run } = decode(payloads.workflowRun, payload, where);
  const fork = run.head_repository?.full_name !== own;
  const checkout = run.event === undefined || ofHeadCommit.has(run.event) ? commitOnly(run.head_sha) : any;
  if (run.event === 'push' && !fork && run.head_branch === setting.defaultBranch) {
    const { address: repository, defaultBranch: branch } = setting;
    return { event: { kind: 'default-branch', repository, branch, checkout, commit: run.head_sha, before: null } };
  }
  const label = run.head_repository === null || run.head_branch === null ? null : `${run.head_repository.owner.login}:${run.head_branch}`;
  return {
    event: change(setting, checkout, listedBase(setting, run.head_sha, run.pull_requests, noPullRequest)),
    fork,
    lookUp: label === null || checkout.kind === 'any' ? null : { by: 'head', label, commit: run.head_sha },
  };
};

const unknownHead = 'The event names no commit of the pull request: the default branch is the base branch.';

/**
 * Whoever sends a dispatch may put the pull request in it, as a payload has it or only its number.
 */
const readDispatch = (setting: Setting, payload: unknown, where: string): Read => {
  const sent = decode(payloads.dispatch, payload, where).client_payload?.pull_request;
  if (sent === undefined || sent === null) return scheduled(setting);
  const whole = payloads.pullRequest.safeParse({ pull_request: sent });
  if (whole.success)
    return { event: pullRequestEvent(setting.address, whole.data.pull_request, null), fork: isFork(whole.data.pull_request) };
  const named = numberOf(sent);
  return {
    event: change(setting, { kind: 'off-base' }, defaultBase(setting, unknownHead)),
    lookUp: named === null ? null : { by: 'number', number: named },
  };
};

const numberOf = (sent: unknown): number | null => {
  const value = typeof sent === 'object' && sent !== null && 'number' in sent ? sent.number : sent;
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : null;
};

const readComment = (setting: Setting, payload: unknown, where: string): Read => {
  const { issue } = decode(payloads.issueComment, payload, where);
  if (issue.pull_request === undefined || issue.pull_request === null) return { event: change(setting, any, defaultBase(setting, null)) };
  return {
    event: change(setting, { kind: 'off-base' }, defaultBase(setting, unknownHead)),
    lookUp: { by: 'number', number: issue.number },
  };
};

/** A run that the default branch itself started. */
const scheduled = ({ address: repository, defaultBranch: branch, runCommit: commit }: Setting): Read => ({
  event: { kind: 'default-branch', repository, branch, checkout: any, commit, before: null },
});

/** The number of the only listed pull request with this head; null where there is none, or several. */
const listedNumber = (head: string, listed: readonly ListedPullRequest[]): number | null => {
  const [own, other] = listed.filter((pull) => pull.head.sha === head);
  return own === undefined || other !== undefined ? null : own.number;
};

const ofCommit = (setting: Setting, head: string, listed: readonly ListedPullRequest[] = []): Read => ({
  event: change(setting, commitOnly(head), listedBase(setting, head, listed, noPullRequest), listedNumber(head, listed)),
});

const readNamed = (eventName: string, setting: Setting, payload: unknown, where: string, environment: Environment, own: string): Read => {
  switch (eventName) {
    case 'push':
      return readPush(setting, payload, where);
    case 'schedule':
      return scheduled(setting);
    case 'repository_dispatch':
      return readDispatch(setting, payload, where);
    case 'workflow_dispatch': {
      const started = environment['GITHUB_REF'] ?? '';
      const onDefault = setting.defaultBranch !== null && started === `refs/heads/${setting.defaultBranch}`;
      return onDefault ? scheduled(setting) : { event: change(setting, any, defaultBase(setting, null)) };
    }
    case 'merge_group': {
      const { head_sha, base_sha } = decode(payloads.mergeGroup, payload, where).merge_group;
      const head = head_sha ?? setting.runCommit;
      return { event: change(setting, head === null ? any : commitOnly(head), { kind: 'commit', commit: base_sha }) };
    }
    case 'pull_request':
    case 'pull_request_target':
    case 'pull_request_review':
    case 'pull_request_review_comment': {
      const pull = decode(payloads.pullRequest, payload, where).pull_request;
      // The commit of a `pull_request_target` run is the base branch's.
      const merge = eventName === 'pull_request_target' ? null : setting.runCommit;
      return { event: pullRequestEvent(setting.address, pull, merge), fork: isFork(pull) };
    }
    case 'workflow_run':
      return readWorkflowRun(setting, payload, where, own);
    case 'issue_comment':
      return readComment(setting, payload, where);
    case 'check_suite': {
      const { head_sha, pull_requests } = decode(payloads.checkSuite, payload, where).check_suite;
      return ofCommit(setting, head_sha, pull_requests);
    }
    case 'check_run': {
      const { head_sha, pull_requests } = decode(payloads.checkRun, payload, where).check_run;
      return ofCommit(setting, head_sha, pull_requests);
    }
    case 'deployment':
    case 'deployment_status':
      return ofCommit(setting, decode(payloads.deployment, payload, where).deployment.sha);
    case 'status':
      return ofCommit(setting, decode(payloads.status, payload, where).sha);
    default:
      return { event: change(setting, any, defaultBase(setting, null)) };
  }
};

/**
 * The event once GitHub was asked: with the pull request that was found, or with why the default
 * branch is its base branch.
 */
export const completedEvent = (event: ChangeEvent, found: readonly PullRequest[], failure: string | null): ChangeEvent => {
  const [first] = found;
  if (first !== undefined && found.length === 1) return pullRequestEvent(event.repository, first, null);
  const { base } = event;
  if (base.kind === 'commit') return event;
  if (first !== undefined)
    return { ...event, base: { ...base, instead: 'Several pull requests have this head: the default branch is the base branch.' } };
  return { ...event, base: { ...base, instead: failure === null ? base.instead : `${base.instead} (${failure})` } };
};

/**
 * What started the run, from `GITHUB_EVENT_NAME`, `GITHUB_EVENT_PATH` and the other variables of a
 * runner. Each event says which commit may be checked out and what base is; docs/events.md has the
 * table. Only a push to, and a scheduled or dispatched run on, the default branch are
 * `default-branch`; everything else is a change: so is a merge-queue group, which the queue may
 * still throw away. Throws `document-invalid` or `document-too-large` for a payload that GitHub did
 * not write.
 */
export const readEvent = (environment: Environment): RunEvent => {
  const eventName = environment['GITHUB_EVENT_NAME'] ?? '';
  const where = `event ${eventName}`;
  const slug = /^([\w.-]{1,100})\/([\w.-]{1,100})$/.exec(environment['GITHUB_REPOSITORY'] ?? '');
  if (slug === null)
    throw new GateError('document-invalid', 'The variable GITHUB_REPOSITORY was read. Expected OWNER/NAME, got something else.', { where });
  const payload = readPayload(environment['GITHUB_EVENT_PATH']);
  const known = decode(payloads.other, payload, where).repository?.default_branch;
  // Old `schedule` payloads hold no repository; such a run is on the default branch.
  const current = eventName === 'schedule' ? environment['GITHUB_REF_NAME'] : undefined;
  const defaultBranch = known ?? (current === undefined ? null : decode(branchName, current, 'GITHUB_REF_NAME'));
  const [own = '', owner = '', repository = ''] = slug;
  const setting: Setting = {
    address: `${environment['GITHUB_SERVER_URL'] || 'https://github.com'}/${own}`,
    defaultBranch,
    runCommit: commitId.safeParse(environment['GITHUB_SHA']).data ?? null,
  };
  const read = readNamed(eventName, setting, payload, where, environment, own);
  return {
    event: read.event,
    owner,
    repository,
    fork: read.fork ?? false,
    lookUp: read.lookUp ?? null,
  };
};
