import { resolve } from 'node:path';
import { GateError } from '../errors.ts';
import { type CommandResult, runCommand } from '../processes/run-command.ts';
import { saysDiskFull } from '../records/disk-error.ts';
import { withEnvironment } from './git-environment.ts';

const localSeconds = 300;
const networkSeconds = 600;
const maxOutputBytes = 256 * 1024 * 1024;

/** Nothing of the repository's own configuration may start a program, wait for a person, or leave work running. */
const settings: readonly string[] = [
  'core.hooksPath=/dev/null',
  // Empty, since releases before 2.36 take any other value for a program.
  'core.fsmonitor=',
  'gc.auto=0',
  'maintenance.auto=false',
  'core.quotePath=false',
  'core.safecrlf=false',
  'advice.addEmbeddedRepo=false',
  'core.pager=cat',
  'color.ui=false',
  'submodule.recurse=false',
].flatMap((one) => ['-c', one]);

export interface GitOptions {
  readonly input?: string | Uint8Array;
  /** Talks to a remote, so it may take longer. */
  readonly network?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs git in one folder. Paths in arguments are literal, never patterns. */
export interface Git {
  /** Where it runs. */
  readonly folder: string;
  /** Standard output of a command that must succeed. Throws `git-failed` with git's own message. */
  read(args: readonly string[], options?: GitOptions): Promise<Buffer>;
  /** The same, without the newline at the end, or null when the command fails. */
  line(args: readonly string[], options?: GitOptions): Promise<string | null>;
  run(args: readonly string[], options?: GitOptions): Promise<CommandResult>;
}

/**
 * Git in a folder, with an environment (`gitEnvironment`) to which only what makes it predictable is added.
 * @param besides more variables, by the command
 */
export const gitIn = (
  folder: string,
  environment: Readonly<Record<string, string>>,
  besides: (args: readonly string[]) => Promise<Readonly<Record<string, string>>> = async () => ({}),
): Git => {
  const run: Git['run'] = async (args, options = {}) =>
    runCommand({
      argv: ['git', ...settings, ...args],
      cwd: folder,
      environment: withEnvironment(
        withEnvironment(environment, {
          LC_ALL: 'C',
          // `git replace` puts another commit in the place of one.
          GIT_NO_REPLACE_OBJECTS: '1',
          GIT_TERMINAL_PROMPT: '0',
          GIT_OPTIONAL_LOCKS: '0',
          GIT_LITERAL_PATHSPECS: '1',
          ...(await besides(args)),
        }),
        options.environment ?? {},
      ),
      ...(options.input === undefined ? {} : { input: options.input }),
      timeoutSeconds: options.network === true ? networkSeconds : localSeconds,
      maxOutputBytes,
    });
  const read: Git['read'] = async (args, options) => {
    const result = await run(args, options);
    if (result.status === 'exited' && result.code === 0 && !result.truncated) return result.stdout;
    throw gitError(args, result);
  };
  return {
    folder,
    run,
    read,
    line: async (args, options) => {
      const result = await run(args, options);
      return result.status === 'exited' && result.code === 0 ? result.stdout.toString('utf8').replace(/\r?\n$/, '') : null;
    },
  };
};

/** Absolute path of a file or folder of a repository's own (`index`, `modules`), whether anything is there or not; null where git does not say. */
export const gitPath = async (git: Git, name: string): Promise<string | null> => {
  const path = await git.line(['rev-parse', '--git-path', name]);
  return path === null ? null : resolve(git.folder, path);
};

/** What git says where a clone lacks what a commit refers to: a partial clone that may not fetch, or a damaged one. */
const missingObjects =
  /from promisor remote|promisor remote unable|unable to read (tree|sha1|blob|[0-9a-f]{40})|missing (blob|tree|object)|bad (tree|blob) object/i;

/**
 * What git said when a command failed, as `git-failed`; as `objects-missing` where files of a commit
 * are not there, and as `disk-full` where it found no room.
 */
export const gitError = (args: readonly string[], result: CommandResult): GateError => {
  const late = `did not end within ${localSeconds} s, or ${networkSeconds} s with a remote (fixed limits)`;
  const status =
    result.status === 'exited'
      ? `ended with exit status ${result.code}`
      : result.status === 'timeout'
        ? late
        : `was ended (${result.status})`;
  const how = result.truncated ? `printed more than ${maxOutputBytes} bytes, a fixed limit` : status;
  const said = result.stderr.trim().slice(-2000);
  if (saysDiskFull(said))
    return new GateError(
      'disk-full',
      `\`git ${args[0] ?? ''}\` found no room on a disk: that of the repository, or that of temporary files (variable TMPDIR). It said: ${said}`,
      { where: 'git' },
    );
  return new GateError(
    missingObjects.test(said) ? 'objects-missing' : 'git-failed',
    `\`git ${args[0] ?? ''}\` was run. It ${how}${said === '' ? ' and said nothing.' : `. It said: ${said}`}`,
    { where: 'git' },
  );
};
