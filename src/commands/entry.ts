import { realpathSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asksForText, type CommandLine } from '../config/command-line.ts';
import { GateError } from '../errors.ts';
import type { Host } from '../host/contract.ts';
import { installedNode, majorOf } from '../processes/other-node.ts';
import { killAllProcesses } from '../processes/process-group.ts';
import type { CommandContext } from '../run/context.ts';
import { defaultStoreRoot } from '../store/store.ts';

/** The oldest Node that has all that the gate is written for. */
const oldestNode = 24;

/** Throws `node-too-old` on a Node that lacks what the gate is written for. */
export const checkNode = (version: string): void => {
  if (!(majorOf(version) >= oldestNode))
    throw new GateError('node-too-old', `The version of Node was read. Expected ${oldestNode} or newer, got ${version}.`);
};

/**
 * The Node that a command is to be run with instead: the one that is installed beside the package.
 * Null where this one will do. Throws `node-too-old` where it will not, and there is no other.
 */
export const otherNode = (line: Pick<CommandLine, 'command'>, version: string, packageRoot: string): string | null => {
  if (asksForText(line) || majorOf(version) >= oldestNode) return null;
  const other = installedNode(packageRoot, oldestNode);
  if (other !== null) return other;
  throw new GateError(
    'node-too-old',
    `\`${line.command}\` was to be run by Node ${version}. Expected Node ${oldestNode} or newer, or one in a node_modules folder beside the package, found none.`,
    { where: packageRoot },
  );
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
  readonly baseOverrides?: readonly string[];
  readonly ownOverrides?: readonly string[];
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
    baseOverrides: around.baseOverrides ?? [],
    ownOverrides: around.ownOverrides ?? overrides,
    inputNotes: around.inputNotes ?? [],
    root,
    workingDirectory,
    workspace: realFolder(around.folder),
    packageRoot: resolve(dirname(program), '..'),
    worker: programBeside(around.entry, 'worker'),
    storeRoot: resolve(root, options.store ?? defaultStoreRoot(around.environment) ?? join('.optimization-gate', 'store')),
    ortPath: ortPath === null ? null : resolve(root, ortPath),
    searchesLibraries: true,
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

/**
 * Aborted by the first SIGINT or SIGTERM, which also ends every process that was started; a second one ends this process as usual. So does the
 * end of an older Node that runs this one in its place.
 */
export const abortOnSignals = (): AbortSignal => {
  const stop = new AbortController();
  const abort = (): void => {
    stop.abort();
    killAllProcesses();
    process.exitCode = 3;
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, abort);
  process.once('disconnect', abort);
  // Listening must not keep this process alive.
  process.channel?.unref();
  return stop.signal;
};
