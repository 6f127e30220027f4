import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { events } from '../testkit/events.ts';
import { type Committed, commitFiles, createRepository, git } from '../testkit/git.ts';
import { type GitHubService, startGitHub } from '../testkit/github.ts';
import { type ResultsService, startResultsService } from '../testkit/results-service.ts';
import { type ActionRun, giveTo, runAction } from '../testkit/run-action.ts';
import { copyPackage } from './package-copy.ts';

type Files = Readonly<Record<string, string>>;

/** A repository on a GitHub of its own, with runners that start empty: nothing but git, the cache and comments lasts between runs. */
export interface Scene {
  readonly github: GitHubService;
  readonly results: ResultsService;
  /** Folder of the checkout, as the last run left it. */
  readonly workspace: string;
  /** Home folder of the job's user. */
  readonly home: string;
  /** Folder of the action: what the gate runs. */
  readonly installed: string;
  /** Puts a commit on top of a branch, which begins at `main` where it is new. */
  commit(branch: string, message: string, files: Readonly<Record<string, Committed>>): Promise<string>;
  /** What `main` or another branch holds. */
  show(branch: string, path: string): Promise<string>;
  list(branch: string, folder: string): Promise<readonly string[]>;
  head(branch: string): Promise<string>;
  /** Moves a branch to a commit, forwards or backwards. */
  move(branch: string, commit: string): Promise<void>;
  /** Merges a branch into `main` as GitHub does; returns what `main` was before. */
  merge(branch: string): Promise<string>;
  /** Runs the action on the merge commit of a pull request. */
  pullRequest(number: number, branch: string, inputs?: Files, environment?: Files): Promise<ActionRun>;
  /** Runs the last job once more in the workspace that it left, as on a runner of one's own that does not clean up. */
  again(inputs?: Files): Promise<ActionRun>;
  /** Runs the action on `main`, as after a push on top of `before`; `commit`: what was pushed, where that is not the last commit. */
  push(before: string | undefined, inputs?: Files, environment?: Files, commit?: string): Promise<ActionRun>;
  /** Runs the action after a comment on a pull request, whose merge commit the workflow checks out. */
  comment(number: number, branch: string, inputs?: Files): Promise<ActionRun>;
  /** Does this in the checkout of each later job before the action, as an earlier step. */
  step(work: (workspace: string) => unknown): void;
  /** Runs later jobs as another user of the machine, whose the runner's folders are. */
  runAs(user: number): void;
  /** Cancels the next job once this is so. */
  cancelWhen(isSo: () => boolean): void;
  close(): Promise<void>;
}

const ortPath = join(import.meta.dirname, '..', '..');

export interface SceneOptions {
  /** Options of the checkout's `git clone`. */
  readonly clone?: readonly string[];
  /** Path of the workflow that runs the action, in the repository; without it the workflow is another repository's. */
  readonly workflowFile?: string | null;
}

export const openScene = async (files: Files, { clone = [], workflowFile = null }: SceneOptions = {}): Promise<Scene> => {
  const root = mkdtempSync(join(tmpdir(), 'gate-scene-'));
  const origin = join(root, 'origin.git');
  const runner = join(root, 'runner');
  const workspace = join(runner, 'work', 'models');
  const home = join(runner, 'home');
  const installed = join(root, 'action');
  await createRepository(origin, files);
  await git(origin, ['config', 'uploadpack.allowFilter', 'true']);
  await git(origin, ['config', 'uploadpack.allowAnySHA1InWant', 'true']);
  const [program, github, results] = await Promise.all([
    copyPackage(installed).then((folder) => join(folder, 'dist', 'action.js')),
    startGitHub({ repository: origin }),
    startResultsService(join(root, 'cache')),
  ]);

  const head = async (branch: string): Promise<string> => (await git(origin, ['rev-parse', `refs/heads/${branch}`])).trim();
  const update = (ref: string, commit: string): Promise<string> => git(origin, ['update-ref', ref, commit]);

  const mergeCommit = async (branch: string): Promise<string> => {
    const [main, other] = [await head('main'), await head(branch)];
    const tree = (await git(origin, ['merge-tree', '--write-tree', main, other])).trim();
    return (await git(origin, ['commit-tree', tree, '-p', main, '-p', other, '-m', `Merge ${branch}`])).trim();
  };

  let earlierStep: (workspace: string) => unknown = () => {};
  let user: number | undefined;
  let cancelWhen: (() => boolean) | undefined;

  /** A runner's machine is new for every job: an empty home, an empty store, a fresh clone of what the event names. */
  const checkOut = async (reference: string, local: string): Promise<Record<string, string>> => {
    rmSync(runner, { recursive: true, force: true });
    for (const folder of ['home', 'temp', 'work']) mkdirSync(join(runner, folder), { recursive: true });
    await git(root, ['clone', '--quiet', ...clone, `file://${origin}`, workspace]);
    await git(workspace, ['fetch', '--quiet', 'origin', `+${reference}:${local}`]);
    await git(workspace, ['checkout', '--quiet', '--detach', local]);
    await earlierStep(workspace);
    return {
      HOME: home,
      TMPDIR: join(runner, 'temp'),
      GITHUB_REF: reference,
      GITHUB_WORKFLOW_REF: workflow(reference),
      ...github.environment(),
    };
  };

  /** What the runner says of the workflow: one that the repository does not hold is required from outside. */
  const workflow = (reference: string): string =>
    `${workflowFile === null ? 'octo/required/gate.yml' : `octo/models/${workflowFile}`}@${reference}`;

  let runs = 0;
  let again: (inputs: Files) => Promise<ActionRun> = () => Promise.reject(new Error('nothing ran yet'));
  const run = (eventName: string, event: unknown, environment: Files, given: Files): Promise<ActionRun> => {
    const inputs = { 'ort-path': ortPath, token: github.token, ...given };
    runs += 1;
    const id = String(runs);
    const attempt = (number: number, more: Files): Promise<ActionRun> => {
      const identity = { GITHUB_JOB: 'gate', GITHUB_RUN_ID: id, GITHUB_RUN_ATTEMPT: String(number), ...environment };
      again = (changed) => attempt(number + 1, changed);
      const who = { ...(user === undefined ? {} : { user }), ...(cancelWhen === undefined ? {} : { cancelWhen }) };
      cancelWhen = undefined;
      if (user !== undefined) giveTo(user, runner);
      return runAction({ program, cwd: workspace, eventName, event, environment: identity, inputs: { ...inputs, ...more }, ...who });
    };
    return attempt(1, {});
  };

  /** Makes GitHub's merge commit of a pull request, and checks it out. */
  const checkOutMerge = async (number: number, branch: string): Promise<Record<string, string>> => {
    const reference = `refs/pull/${number}/merge`;
    await update(reference, await mergeCommit(branch));
    return checkOut(reference, `refs/remotes/pull/${number}/merge`);
  };

  return {
    github,
    results,
    workspace,
    home,
    installed,
    head,
    commit: async (branch, message, changes) => {
      const parent = await head(branch).catch(() => head('main'));
      const commit = await commitFiles(origin, { parent, files: changes, message, index: join(root, 'index') });
      await update(`refs/heads/${branch}`, commit);
      return commit;
    },
    show: (branch, path) => git(origin, ['show', `${branch}:${path}`]),
    list: async (branch, folder) =>
      (await git(origin, ['ls-tree', '-r', '--name-only', branch, `${folder}/`])).split('\n').filter((line) => line !== ''),
    move: async (branch, commit) => {
      await update(`refs/heads/${branch}`, commit);
    },
    merge: async (branch) => {
      const before = await head('main');
      await update('refs/heads/main', await mergeCommit(branch));
      return before;
    },
    pullRequest: async (number, branch, inputs = {}, more = {}) => {
      const base = { ref: 'main', sha: await head('main') };
      const event = events.pullRequest(number, 'octo/models', { head: await head(branch), base });
      const environment = await checkOutMerge(number, branch);
      return run('pull_request', event, { ...environment, ...results.environment(`refs/pull/${number}/merge`), ...more }, inputs);
    },
    comment: async (number, branch, inputs = {}) => {
      // Such a run is on the default branch.
      const environment = { ...(await checkOutMerge(number, branch)), GITHUB_REF: 'refs/heads/main' };
      return run('issue_comment', events.issueComment(number), { ...environment, ...results.environment() }, inputs);
    },
    again: (inputs = {}) => again(inputs),
    push: async (before, inputs = {}, more = {}, commit = undefined) => {
      const environment = await checkOut('refs/heads/main', 'refs/remotes/origin/main');
      if (commit !== undefined) await git(workspace, ['checkout', '--quiet', '--detach', commit]);
      const event = events.push('refs/heads/main', before, commit ?? (await head('main')));
      const inputsOfUpdate = { mode: 'update', comment: 'false', ...inputs };
      return run('push', event, { ...environment, ...results.environment(), ...more }, inputsOfUpdate);
    },
    step: (work) => {
      earlierStep = work;
    },
    runAs: (other) => {
      user = other;
      chmodSync(root, 0o755);
    },
    cancelWhen: (isSo) => {
      cancelWhen = isSo;
    },
    close: async () => {
      await Promise.all([github.close(), results.close()]);
      rmSync(root, { recursive: true, force: true });
    },
  };
};
