import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { programFolders } from '../../processes/confinement.ts';
import { toolEnvironment } from '../../processes/environment.ts';
import { OutputTail } from '../../processes/output-tail.ts';
import { describeEnd, type GroupEnd, ProcessGroup } from '../../processes/process-group.ts';
import { type CacheFailure, judgeFailure } from './cache-failure.ts';
import { type BadAnswer, type CacheAnswer, type CacheRequest, cacheAnswer } from './cache-request.ts';
import { stepOf, type ToolkitLine, toolkitLine } from './toolkit-line.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** How long the cache may take. */
export interface CacheLimits {
  /** To find, reserve or finish an entry, all attempts together, seconds. */
  readonly findSeconds: number;
  /** A transfer that moves fewer bytes in `windowSeconds` is given up. */
  readonly windowBytes: number;
  readonly windowSeconds: number;
  /** One operation in all, seconds. */
  readonly wholeSeconds: number;
}

/** 1 MiB per second over 30 s, and ten minutes in all: beyond that, building anew is faster. */
export const cacheLimits: CacheLimits = { findSeconds: 30, windowBytes: 30 * 2 ** 20, windowSeconds: 30, wholeSeconds: 600 };

/** What the toolkit and its connections need beside what user code may see: the service, its token, and proxies with their passwords. */
const toolkitNames = [
  ...['ACTIONS_CACHE_MODE', 'ACTIONS_CACHE_SERVICE_V2', 'ACTIONS_CACHE_URL', 'ACTIONS_RESULTS_URL', 'ACTIONS_RUNTIME_TOKEN'],
  ...['ACTIONS_ORCHESTRATION_ID', 'GITHUB_SERVER_URL', 'NODE_EXTRA_CA_CERTS'],
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'all_proxy', 'no_proxy'],
];

const toolkitEnvironment = (environment: Environment, folder: string, temporary: string): Record<string, string> => ({
  ...toolEnvironment(environment),
  ...Object.fromEntries(
    toolkitNames.flatMap((name) => {
      const value = environment[name];
      return value === undefined ? [] : [[name, value]];
    }),
  ),
  // The programs that it starts see its token.
  ...(process.platform === 'win32' ? {} : { PATH: programFolders.join(delimiter) }),
  // Archives lie in the one, and what is in them is relative to the other.
  RUNNER_TEMP: temporary,
  GITHUB_WORKSPACE: folder,
});

/** How an operation ended: with what the toolkit returned, or with a failure; `key` is that of the entry that was found. */
export type CacheOutcome =
  | { readonly status: 'restored'; readonly key: string }
  | { readonly status: 'saved' }
  /** Nothing was found, or the mode of the workflow lets nothing be done. */
  | { readonly status: 'nothing' }
  | { readonly status: 'failed'; readonly failure: CacheFailure; readonly key: string | null };

const MAX_LINES = 500;
const stderrBytes = 16 * 1024;

/** Watches the steps of one operation, and stops it when a limit is passed. */
const watch = (limits: CacheLimits, stop: (kind: 'silent' | 'slow', detail: string) => void) => {
  let moved = 0;
  let step: NodeJS.Timeout | undefined;
  const whole = setTimeout(() => stop('slow', `it did not end within ${limits.wholeSeconds} s`), 1000 * limits.wholeSeconds);
  return {
    moved: (bytes: number): void => {
      moved = bytes;
    },
    enter: (name: 'asking' | 'transfer' | 'local'): void => {
      clearTimeout(step);
      let before = moved;
      if (name === 'asking') step = setTimeout(() => stop('silent', `limit ${limits.findSeconds} s`), 1000 * limits.findSeconds);
      if (name === 'transfer')
        step = setInterval(() => {
          const bytes = moved - before;
          before = moved;
          if (bytes < limits.windowBytes) stop('slow', `it moved ${bytes} bytes in ${limits.windowSeconds} s`);
        }, 1000 * limits.windowSeconds);
    },
    end: (): void => {
      clearTimeout(step);
      clearTimeout(whole);
    },
  };
};

/** The message that an operation failed with, or null: the toolkit returns the same where it found nothing. */
const failureSaid = (lines: readonly ToolkitLine[]): string | null => {
  const said = lines.findLast(({ level, text }) => level === 'warning' || level === 'error' || /^Failed to save: /.test(text));
  if (said === undefined) return null;
  // The toolkit takes every failed reservation for that of another job.
  const reason = lines
    .map(({ text }) => /^Failed to reserve cache: (?:\w*Error: )?(.*)$/s.exec(text)?.[1])
    .find((text) => text !== undefined);
  return reason ?? said.text.replace(/^Failed to (?:save|restore): /, '');
};

/** What is seen of one operation while it runs. */
interface Seen {
  readonly lines: ToolkitLine[];
  returned: Exclude<CacheAnswer, { readonly moved: number }> | null;
  bad: BadAnswer | null;
  /** Of the entry that was found. */
  key: string | null;
  isTransfer: boolean;
  late: CacheFailure | null;
}

const tarLine = /^(?:zstd|gzip|\S*tar): /;

const outcomeOf = (doing: CacheRequest['do'], seen: Seen, end: GroupEnd, stderr: string): CacheOutcome => {
  const { lines, returned, bad, key, isTransfer, late } = seen;
  const failed = (failure: CacheFailure): CacheOutcome => ({ status: 'failed', failure, key });
  const judged = (said: string): CacheOutcome => {
    const tar = [...lines.map(({ text }) => text).filter((text) => tarLine.test(text)), stderr].join('\n');
    return failed(judgeFailure({ doing, said, tar, bad, isTransfer }));
  };
  if (returned !== null && 'restored' in returned && returned.restored !== null) return { status: 'restored', key: returned.restored };
  // An answer that the toolkit keeps asking again for tells more than the time that it took.
  if (late !== null && returned === null) return bad === null ? failed(late) : judged('');
  const said = returned !== null && 'thrown' in returned ? returned.thrown : failureSaid(lines);
  if (said !== null) return judged(said);
  if (returned === null) return failed({ kind: 'other', detail: `the process of the cache ${describeEnd(end)}` });
  return { status: 'saved' in returned && returned.saved ? 'saved' : 'nothing' };
};

const operate = async (request: CacheRequest, group: ProcessGroup, limits: CacheLimits): Promise<CacheOutcome> => {
  const seen: Seen = { lines: [], returned: null, bad: null, key: null, isTransfer: false, late: null };
  const errors = new OutputTail(stderrBytes);
  const steps = watch(limits, (kind, detail) => {
    seen.late ??= { kind, detail };
    group.stop('timeout');
  });
  steps.enter(request.do === 'restore' ? 'asking' : 'local');
  group.child?.on('message', (message) => {
    const { data } = cacheAnswer.safeParse(message);
    if (data === undefined) return;
    if (!('moved' in data)) {
      seen.returned = data;
      return;
    }
    steps.moved(data.moved);
    seen.bad = data.bad;
  });
  group.child?.stderr?.on('data', (chunk: Buffer) => errors.push(chunk));
  const output = group.child?.stdout ?? null;
  if (output !== null)
    createInterface({ input: output }).on('line', (text) => {
      const line = toolkitLine(text);
      if (line === null) return;
      seen.lines.push(line);
      if (seen.lines.length > MAX_LINES) seen.lines.shift();
      const step = stepOf(line, request.do);
      if (step === null) return;
      seen.key = step.key ?? seen.key;
      seen.isTransfer ||= step.name === 'transfer';
      steps.enter(step.name);
    });
  const end = await group.ended;
  steps.end();
  return outcomeOf(request.do, seen, end, errors.text());
};

/** Does one operation of the workflow cache in `folder`, in a process of its own that is killed at the limits. Throws what the disk refuses. */
export const runCacheProcess = async (
  request: CacheRequest,
  around: { readonly program: string; readonly folder: string; readonly environment: Environment; readonly limits: CacheLimits },
): Promise<CacheOutcome> => {
  const folder = await realpath(around.folder);
  const temporary = await mkdtemp(join(around.environment['RUNNER_TEMP'] || tmpdir(), 'gate-cache-'));
  try {
    const group = new ProcessGroup({
      argv: [process.execPath, around.program, JSON.stringify(request)],
      cwd: folder,
      environment: toolkitEnvironment(around.environment, folder, temporary),
      memoryBytes: null,
      confinement: null,
      stdin: 'ignore',
      ipc: true,
    });
    return await operate(request, group, around.limits);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
};
