import { setTimeout as pauseFor } from 'node:timers/promises';
import { asSentence, GateError } from '../../errors.ts';
import { allowedEnvironment } from '../../processes/environment.ts';
import type { HostEvent } from '../../records/event.ts';
import type { Coded } from '../../records/words.ts';
import type { Annotation, Host, Published } from '../contract.ts';
import { noteMarkdown, plainLines } from '../plain-text.ts';
import { commitBaselines } from './baseline-commit.ts';
import { workflowCache } from './cache.ts';
import { type CacheLimits, cacheLimits } from './cache-process.ts';
import { type Client, openClient } from './client.ts';
import { openCommandFiles } from './command-files.ts';
import { commentBody, commentMarker, syncComment } from './comment.ts';
import { completedEvent, type LookUp, readEvent } from './event.ts';
import { GitHubFailure, tokenRemedy } from './failure.ts';
import { jobLog } from './log.ts';
import { appendOutputs } from './output.ts';
import { findPullRequests } from './pull-request.ts';
import { type RetryLimits, retrying } from './retry.ts';
import { runUrl } from './run-url.ts';
import { appendSummary } from './summary.ts';
import { workflowSource } from './workflow.ts';

export interface GitHubHostOptions {
  /** Default: `GITHUB_TOKEN` of the environment. */
  readonly token?: string | null;
  /** Post the pull-request comment; default true. */
  readonly comment?: boolean;
  /** Tells the comments of several gates on one pull request apart; default `default`. */
  readonly commentKey?: string;
  /** Seeds the jitter of pauses; default: the run, its attempt and the job. */
  readonly seed?: string;
  /** Time for one answer of GitHub; default 20 s. */
  readonly requestSeconds?: number;
  readonly pause?: (milliseconds: number) => Promise<void>;
  /** The file that does one operation of the workflow cache; without one the cache is off. */
  readonly cacheWorker?: string;
  /** How long the cache may take; default `cacheLimits`. */
  readonly cacheLimits?: CacheLimits;
  readonly write?: (text: string) => void;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** GitHub shows ten annotations of a level per step. */
const SHOWN_ANNOTATIONS = 10;
const MAX_ANNOTATION = 4_000;

const annotate = async (annotations: readonly Annotation[]): Promise<void> => {
  if (annotations.length === 0) return;
  const { error, warning, notice } = await import('@actions/core');
  const levels = { error, warning, notice };
  const left = { error: SHOWN_ANNOTATIONS, warning: SHOWN_ANNOTATIONS, notice: SHOWN_ANNOTATIONS };
  for (const { level, title, message } of annotations) {
    if (left[level] === 0) continue;
    left[level] -= 1;
    levels[level](plainLines(message).join('\n').slice(0, MAX_ANNOTATION), { title: plainLines(title).join(' ').slice(0, 250) });
  }
};

const coded = (code: 'github-permission' | 'github-failed', message: string): Coded => ({
  code,
  message: message.slice(0, 2_000),
  arm: null,
});

const commentRefused = (error: unknown, number: number | null, fork: boolean): Coded => {
  const what = `The comment${number === null ? '' : ` on pull request #${number}`} was not posted`;
  if (!(error instanceof GitHubFailure))
    return coded('github-failed', asSentence(`${what}: ${error instanceof Error ? error.message : String(error)}`));
  if (error.kind === 'token') return coded('github-permission', `${what}: ${asSentence(error.message)} ${tokenRemedy}`);
  if (error.kind !== 'permission') return coded('github-failed', asSentence(`${what}: ${error.message}`));
  const remedy = fork
    ? 'The token of a pull request from a fork is read-only, whatever `permissions:` says. The report is in the job summary. For a comment, review the change, push it to a branch of this repository and open the pull request there.'
    : 'The job needs `permissions: pull-requests: write`.';
  return coded('github-permission', `${what}: ${asSentence(error.message)} ${remedy}`);
};

const noNumber = (lookUp: LookUp | null): string =>
  lookUp?.by === 'number' ? `GitHub did not tell about pull request #${lookUp.number}` : 'the event names no pull request';

const required = (environment: Environment, name: string, fallback: string): string => environment[name] || fallback;

/**
 * A run inside GitHub Actions: its event, log, cache, report and baselines. Reads the event's payload at once and throws
 * `document-invalid` when it is not one, `usage-bad-value` for a bad `commentKey`; the packages of GitHub's toolkit are loaded when first used.
 * Honours `GITHUB_API_URL`, `GITHUB_GRAPHQL_URL` and `GITHUB_SERVER_URL`.
 */
export const githubHost = (environment: Environment, options: GitHubHostOptions = {}): Host => {
  const run = readEvent(environment);
  const key = options.commentKey ?? 'default';
  commentMarker(key);
  const log = jobLog(options.write ?? ((text) => void process.stdout.write(text)));
  const token = (options.token === undefined ? environment['GITHUB_TOKEN'] : options.token) || null;
  const slug = `${run.owner}/${run.repository}`;
  const page = runUrl(environment);
  const patience = (attempts: number, seconds: number): RetryLimits => ({
    attempts,
    seconds,
    seed: options.seed ?? ['GITHUB_RUN_ID', 'GITHUB_RUN_ATTEMPT', 'GITHUB_JOB'].map((one) => environment[one] ?? '').join('\n'),
    pause: options.pause ?? ((milliseconds) => pauseFor(milliseconds)),
  });

  const numberOf = (name: string): number => Number(/^\d{1,15}$/.exec(environment[name] ?? '')?.[0] ?? 0);

  let opened: Promise<Client> | undefined;
  const client = (secret: string): Promise<Client> => {
    const apiUrl = required(environment, 'GITHUB_API_URL', 'https://api.github.com');
    opened ??= openClient({
      token: secret,
      owner: run.owner,
      repository: run.repository,
      apiUrl,
      graphqlUrl: required(environment, 'GITHUB_GRAPHQL_URL', `${apiUrl.replace(/\/v3\/?$/, '')}/graphql`),
      timeout: 1000 * (options.requestSeconds ?? 20),
    });
    return opened;
  };

  /** The event, completed once it was asked for. */
  let event = run.event;
  const completeEvent = async (): Promise<HostEvent> => {
    if (run.event.kind !== 'change' || run.lookUp === null || run.event.base.kind !== 'branch' || run.event.base.instead === null)
      return event;
    const { lookUp, event: told } = run;
    try {
      if (token === null) throw new Error('there is no token to ask GitHub with');
      const github = await client(token);
      event = completedEvent(told, await retrying(() => findPullRequests(github, lookUp), patience(3, 30)), null);
    } catch (error) {
      event = completedEvent(told, [], `asking GitHub failed: ${error instanceof Error ? error.message : String(error)}`);
    }
    return event;
  };

  const commented = async (github: Client): Promise<number> => {
    if (event.kind === 'change' && event.number !== null) return event.number;
    const found = run.lookUp?.by === 'head' ? await findPullRequests(github, run.lookUp) : [];
    const [first] = found;
    if (first === undefined) throw new GitHubFailure('not-found', 'no open or merged pull request has this commit as its head');
    if (found.length > 1) throw new GitHubFailure('other', 'several pull requests have this commit as their head');
    return first.number;
  };

  const post = async ({ comment, opensComment, severity, project }: Published): Promise<Coded | null> => {
    if (options.comment === false) return null;
    // A run that ended early may not have asked yet.
    if (run.lookUp?.by === 'number') await completeEvent();
    let number = event.kind === 'change' ? event.number : null;
    if (number === null && run.lookUp?.by !== 'head') {
      if (event.kind === 'change') log.info(`No comment is posted: ${noNumber(run.lookUp)}. The report is in the job summary.`);
      return null;
    }
    if (token === null)
      return coded(
        'github-permission',
        'The comment was not posted: there is no token. Give the input `token` one with `permissions: pull-requests: write`.',
      );
    try {
      const github = await client(token);
      await retrying(
        async () => {
          number = await commented(github);
          const stamp = { run: numberOf('GITHUB_RUN_ID'), attempt: numberOf('GITHUB_RUN_ATTEMPT'), severity };
          const marker = commentMarker(key, project);
          const body = commentBody(marker, stamp, comment, page === null ? 'the job summary' : `the [job summary](${page})`);
          const outcome = await syncComment(github, { number, marker, stamp, body, opens: opensComment });
          if (outcome === 'newer') log.info('The comment on the pull request was not changed: a later run wrote it.');
          if (outcome === 'worse')
            log.warn(
              'The comment on the pull request was not changed: another job of this run found worse. For two comments, give each job an input `comment-key` of its own.',
            );
        },
        patience(5, 120),
      );
      return null;
    } catch (error) {
      return commentRefused(error, number, run.fork);
    }
  };

  const commandFiles = openCommandFiles(environment);
  /** All code under test has ended when the first of them is written. */
  const restoreCommandFiles = (): void => {
    const changed = commandFiles.restore();
    if (changed.length > 0)
      log.warn(`Code under test wrote to ${changed.join(', ')}, which only the runner and the gate may do. What it wrote was removed.`);
  };

  const summarise = async (markdown: string, kind: 'report' | 'note'): Promise<Coded | null> => {
    restoreCommandFiles();
    try {
      await appendSummary(environment['GITHUB_STEP_SUMMARY'], markdown, kind);
      return null;
    } catch (error) {
      return coded(
        'github-failed',
        asSentence(`The job summary was not written: ${error instanceof Error ? error.message : String(error)}`),
      );
    }
  };

  const cacheNotes: string[] = [];
  const cache = workflowCache(environment, {
    program: options.cacheWorker ?? null,
    limits: options.cacheLimits ?? cacheLimits,
    say: (text) => {
      log.warn(text);
      cacheNotes.push(text);
    },
  });
  const noted = (text: string): Promise<Coded | null> => summarise(noteMarkdown(text), 'note');

  const publish = async (report: Published): Promise<readonly Coded[]> => {
    log.info(report.text);
    await annotate(report.annotations);
    const unsummarised = await summarise(report.summary, 'report');
    const unposted = await post(report);
    const notes = [...(unposted === null ? [] : [unposted.message]), ...cacheNotes];
    const unnoted = notes.length === 0 ? null : await noted(notes.join('\n'));
    return [unsummarised, unposted, unnoted].filter((one) => one !== null);
  };

  const baselineWriter = (): { readonly branch: string; readonly secret: string } => {
    if (run.event.kind !== 'default-branch')
      throw new GateError(
        'baseline-untrusted',
        'Baselines were to be written. They come from the default branch, and this run is about a change.',
      );
    if (token === null)
      throw new GateError(
        'github-permission',
        'Baselines were to be written. There is no token: give the input `token` one with `permissions: contents: write`.',
      );
    const { branch } = run.event;
    if (branch === null)
      throw new GateError('baseline-untrusted', 'Baselines were to be written. The event does not name the default branch.');
    return { branch, secret: token };
  };
  const outputs = new Map<string, string | number | boolean>();

  return {
    isOwnMachine: false,
    runUrl: page,
    workflow: workflowSource(environment),
    event: run.event,
    completeEvent,
    log,
    cache,
    subjectEnvironment: allowedEnvironment(environment),
    environmentWith: (declared) => allowedEnvironment(environment, declared),
    publish,
    requireBaselineWriter: () => void baselineWriter(),
    writeBaselines: async (change) => {
      const { branch, secret } = baselineWriter();
      return commitBaselines(await client(secret), change, { slug, branch, patience: patience(16, 120) });
    },
    setOutputs: (named) => {
      for (const [name, value] of Object.entries(named)) outputs.set(name, value);
    },
    writeOutputs: () => {
      restoreCommandFiles();
      for (const name of appendOutputs(environment['GITHUB_OUTPUT'], Object.fromEntries(outputs)))
        log.warn(`The output ${name} was not set: it is longer than GitHub takes.`);
    },
  };
};
