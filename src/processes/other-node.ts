import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';

/** `24.21.0` → 24; NaN for what is no version. */
export const majorOf = (version: string): number => Number(/^v?(\d+)\./.exec(version)?.[1]);

/**
 * The packages of npm that bring Node: `node`, whose install script fetches the binary, and the
 * package that this script fetches, for package managers that run no scripts.
 */
const packagesOfNode = (): readonly string[] => {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  return ['node', `node-${platform}-${process.arch}`];
};

const upwards = (folder: string): readonly string[] => (dirname(folder) === folder ? [folder] : [folder, ...upwards(dirname(folder))]);

/** How long a Node may take to say its version. */
const versionMilliseconds = 20_000;

/** Whether a program is a Node of at least this major version that runs on this machine. */
const isNode = (program: string, major: number): boolean => {
  const { stdout } = spawnSync(program, ['--version'], {
    encoding: 'utf8',
    timeout: versionMilliseconds,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return majorOf((stdout ?? '').trim()) >= major;
};

/** The nearest Node of at least a major version that npm installed in a folder or above it; null where there is none. */
export const installedNode = (folder: string, major: number): string | null => {
  const program = process.platform === 'win32' ? 'node.exe' : 'node';
  const installed = upwards(folder).flatMap((each) => packagesOfNode().map((name) => join(each, 'node_modules', name, 'bin', program)));
  return installed.find((file) => existsSync(file) && isNode(file, major)) ?? null;
};

const passedOn = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const satisfies readonly NodeJS.Signals[];

/**
 * Runs a program in place of this one: with its input, output, environment and signals. Returns the
 * exit status. The program has a session of its own, so that a terminal signals it once, through
 * this process. Its message channel closes when this process is gone. Throws where it cannot start.
 */
export const runInstead = (program: string, args: readonly string[]): Promise<number> =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'], detached: true, windowsHide: true });
    const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
    for (const signal of passedOn) process.on(signal, pass);
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      for (const each of passedOn) process.removeListener(each, pass);
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
