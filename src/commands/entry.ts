import { realpathSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CommandLine } from '../config/command-line.ts';
import { GateError } from '../errors.ts';
import type { Host } from '../host/contract.ts';
import { killAllProcesses } from '../processes/process-group.ts';
import type { CommandContext } from '../run/context.ts';
import { defaultStoreRoot } from '../store/store.ts';

/** Throws `node-too-old` on a Node that lacks what the gate is written for. */
export const checkNode = (version: string): void => {
  const major = Number(version.split('.')[0]);
  if (!(major >= 24)) throw new GateError('node-too-old', `The version of Node was read. Expected 24 or newer, got ${version}.`);
};

/** What an entry knows that the commands do not. */
export interface Surroundings {
  /** `import.meta.url` of the entry: the worker program lies beside it. */
  readonly entry: string;
  /** Folder that the working directory is given in. */
  readonly folder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly host: (root: string) => Host;
  readonly clock: () => number;
  readonly now: () => Date;
  readonly signal: AbortSignal;
  /** See `CommandContext`. */
  readonly inputNotes?: readonly string[];
}

/**
 * The folder that a command is started in as the shell names it, with the links on the way, which
 * the system leaves out. The links of base may lead elsewhere.
 */
export const startFolder = ({ PWD: named }: Readonly<Record<string, string | undefined>>, folder: string): string => {
  if (named === undefined || !isAbsolute(named)) return folder;
  try {
    return realpathSync(named) === realpathSync(folder) ? named : folder;
  } catch {
    // Whoever started this left the variable as it was elsewhere.
    return folder;
  }
};

/** File of another program of the package, beside the one that runs. */
export const programBeside = (entry: string, name: 'worker' | 'cache-worker'): string => {
  const program = fileURLToPath(entry);
  return join(dirname(program), `${name}${program.endsWith('.ts') ? '.ts' : '.js'}`);
};

/**
 * The context of a command. Folders that were given in words are relative to the working directory, which is taken without links: git names
 * its folders so, and what lies inside the repository must be seen to. Throws `usage-bad-value` for a working directory that is not there.
 */
export const openContext = ({ options, overrides }: Pick<CommandLine, 'options' | 'overrides'>, around: Surroundings): CommandContext => {
  const workingDirectory = resolve(around.folder, options.workingDirectory);
  const root = realFolder(workingDirectory);
  const program = fileURLToPath(around.entry);
  const ortPath = options.ortPath ?? (around.environment['ORT_PATH'] || null);
  return {
    host: around.host(root),
    options,
    overrides,
    inputNotes: around.inputNotes ?? [],
    root,
    workingDirectory,
    workspace: realFolder(around.folder),
    packageRoot: resolve(dirname(program), '..'),
    worker: programBeside(around.entry, 'worker'),
    storeRoot: resolve(root, options.store ?? defaultStoreRoot(around.environment) ?? join('.optimization-gate', 'store')),
    ortPath: ortPath === null ? null : resolve(root, ortPath),
    clock: around.clock,
    now: around.now,
    signal: around.signal,
  };
};

const realFolder = (folder: string): string => {
  try {
    return realpathSync(folder);
  } catch (cause) {
    throw new GateError('usage-bad-value', 'The working directory was opened. Expected a folder, found none.', { where: folder, cause });
  }
};

/** Lets a reader that has seen enough (`| head`) go away: what is still written is lost, and the exit status stays that of the command. */
export const letReadersLeave = (streams: readonly NodeJS.WritableStream[]): void => {
  for (const stream of streams)
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
};

/** Aborted by the first SIGINT or SIGTERM, which also ends every process that was started; a second one ends this process as usual. */
export const abortOnSignals = (): AbortSignal => {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      stop.abort();
      killAllProcesses();
      process.exitCode = 3;
    });
  }
  return stop.signal;
};
