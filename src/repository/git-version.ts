import { GateError } from '../errors.ts';
import { runCommand } from '../processes/run-command.ts';

/** The oldest release of git that has all that the gate asks of it: the command table of the tests says what that is. */
export const oldestGit = '2.30';

const parsed = (text: string): readonly [number, number] | null => {
  const [, major, minor] = /(\d{1,6})\.(\d{1,6})/.exec(text) ?? [];
  return major === undefined || minor === undefined ? null : [Number(major), Number(minor)];
};

/** Whether a release, as git prints it (`2.39.5 (Apple Git-154)`), is none that the gate works with. */
export const isTooOld = (version: string): boolean => {
  const [found, oldest] = [parsed(version), parsed(oldestGit)];
  return found === null || oldest === null || found[0] < oldest[0] || (found[0] === oldest[0] && found[1] < oldest[1]);
};

/** The release of git on the path. Throws `git-failed` where it cannot be started, and `git-too-old`. */
export const requireGit = async (cwd: string, environment: Readonly<Record<string, string>>): Promise<string> => {
  const argv = ['git', '--version'];
  const ended = await runCommand({ argv, cwd, environment, timeoutSeconds: 60, maxOutputBytes: 4096 });
  const printed = ended.stdout.toString('utf8').trim();
  if (ended.status !== 'exited' || ended.code !== 0)
    throw new GateError(
      'git-failed',
      `\`git\` was looked for on PATH. Expected release ${oldestGit} or newer, got: ${ended.stderr.trim() || ended.status}`,
      { where: 'git' },
    );
  const version = printed.replace(/^git version /, '');
  if (isTooOld(version))
    throw new GateError(
      'git-too-old',
      `The release of git was asked for. Expected ${oldestGit} or newer, got "${printed.slice(0, 100)}".`,
      { where: 'git' },
    );
  return version;
};
