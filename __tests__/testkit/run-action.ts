import { execFileSync, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface ActionRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly outputs: Readonly<Record<string, string>>;
  /** Names of the outputs, as often as they were written. */
  readonly outputNames: readonly string[];
  readonly summary: string;
  /** What else it told the runner: variables, search path and state of later steps. */
  readonly told: Readonly<Record<'env' | 'path' | 'state', string>>;
  /** Workflow commands as the runner would obey them. */
  readonly commands: readonly WorkflowCommand[];
}

export interface WorkflowCommand {
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly message: string;
}

const decoded = (text: string): string =>
  text.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%3A', ':').replaceAll('%2C', ',').replaceAll('%25', '%');

/** Workflow commands in a step's output, found as the runner finds them: `::name k=v::text` at the start of a trimmed line, or `##[name]` anywhere. */
export const workflowCommands = (output: string): readonly WorkflowCommand[] =>
  output.split(/\r\n|\r|\n/).flatMap((line) => {
    const found = /^::([\w-]+)(?: ([^:]*(?:%3A[^:]*)*))?::(.*)$/.exec(line.trim()) ?? /##\[([\w-]+)(?: ([^\]]*))?\](.*)$/.exec(line);
    if (found === null) return [];
    const properties = (found[2] ?? '')
      .split(/[,;]/)
      .flatMap((pair) => (pair.includes('=') ? [[pair.slice(0, pair.indexOf('=')), decoded(pair.slice(pair.indexOf('=') + 1))]] : []));
    return [{ name: found[1] ?? '', properties: Object.fromEntries(properties), message: decoded(found[3] ?? '') }];
  });

/** Outputs as the runner reads them from its command file: `name=value`, or `name<<MARK`, lines, `MARK`. */
export const parseOutputs = (text: string): readonly (readonly [string, string])[] => {
  const outputs: (readonly [string, string])[] = [];
  const lines = text.split(/\r?\n/);
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    const here = /^([^=]+?)<<(.+)$/.exec(line);
    const plain = /^([^=]+)=(.*)$/.exec(line);
    if (here !== null) {
      const end = lines.indexOf(here[2] ?? '', at + 1);
      if (end < 0) throw new Error(`output ${here[1]} does not end`);
      outputs.push([here[1] ?? '', lines.slice(at + 1, end).join('\n')]);
      at = end;
    } else if (plain !== null) {
      outputs.push([plain[1] ?? '', plain[2] ?? '']);
    }
  }
  return outputs;
};

/** Makes a folder and all in it another user's. */
export const giveTo = (user: number, folder: string): void => void execFileSync('chown', ['-R', `${user}:${user}`, folder]);

/**
 * Runs a program as the runner runs a `node24` action: `INPUT_*`, file commands, the event's payload on disk, nothing else of this
 * process' environment but PATH and HOME. `input` names keep their dashes, as on GitHub.
 */
export const runAction = async (options: {
  readonly program: string;
  readonly cwd: string;
  readonly eventName: string;
  readonly event: unknown;
  readonly inputs?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly arguments?: readonly string[];
  /** The user that runs it; only the superuser can play another one. */
  readonly user?: number;
  /** Cancels the job, as the runner does it, once this is so. */
  readonly cancelWhen?: () => boolean;
}): Promise<ActionRun> => {
  const folder = await mkdtemp(join(tmpdir(), 'gate-runner-'));
  const file = (name: string): string => join(folder, name);
  await Promise.all(['output', 'env', 'path', 'state', 'summary'].map((name) => writeFile(file(name), '')));
  await writeFile(file('event.json'), typeof options.event === 'string' ? options.event : JSON.stringify(options.event));
  await mkdir(file('temp'));
  const inputs = Object.entries(options.inputs ?? {}).map(([name, value]) => [`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`, value]);
  const environment = {
    PATH: process.env.PATH ?? '',
    HOME: folder,
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    GITHUB_EVENT_NAME: options.eventName,
    GITHUB_EVENT_PATH: file('event.json'),
    GITHUB_OUTPUT: file('output'),
    GITHUB_ENV: file('env'),
    GITHUB_PATH: file('path'),
    GITHUB_STATE: file('state'),
    GITHUB_STEP_SUMMARY: file('summary'),
    GITHUB_WORKSPACE: options.cwd,
    GITHUB_REPOSITORY: 'octo/models',
    GITHUB_RUN_ID: '1',
    GITHUB_RUN_ATTEMPT: '1',
    RUNNER_TEMP: file('temp'),
    RUNNER_ENVIRONMENT: 'github-hosted',
    RUNNER_OS: 'Linux',
    ...options.environment,
    ...Object.fromEntries(inputs),
  };
  if (options.user !== undefined) giveTo(options.user, folder);
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve, reject) => {
    const child = spawn(process.execPath, [options.program, ...(options.arguments ?? [])], {
      cwd: options.cwd,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.user === undefined ? {} : { uid: options.user, gid: options.user }),
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    const { cancelWhen = () => false } = options;
    const watch = setInterval(() => {
      if (!cancelWhen()) return;
      clearInterval(watch);
      child.kill('SIGINT');
    }, 100);
    child.stdout.on('data', (part: Buffer) => stdout.push(part));
    child.stderr.on('data', (part: Buffer) => stderr.push(part));
    child.on('error', reject);
    child.on('close', (code) => {
      clearInterval(watch);
      resolve({ code, stdout: Buffer.concat(stdout).toString('utf8'), stderr: Buffer.concat(stderr).toString('utf8') });
    });
  });
  try {
    const { code, stdout, stderr } = await ended;
    const text = (name: string): Promise<string> => readFile(file(name), 'utf8');
    const written = parseOutputs(await text('output'));
    return {
      code,
      stdout,
      stderr,
      outputs: Object.fromEntries(written),
      outputNames: written.map(([name]) => name),
      summary: await text('summary'),
      told: { env: await text('env'), path: await text('path'), state: await text('state') },
      commands: workflowCommands(stdout),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
