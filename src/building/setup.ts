import { GateError } from '../errors.ts';
import { splitCommand } from '../processes/command-line.ts';
import type { Confinement } from '../processes/confinement.ts';
import { lastOutput, telling } from '../processes/last-output.ts';
import { runCommand } from '../processes/run-command.ts';
import type { Plan } from '../records/plan.ts';

/** Installing takes longer than a build: a short `limits.seconds` does not hold for it. */
const setupSeconds = 600;

/** Where a setup runs. */
interface SetupPlace {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly confinement: Confinement;
  /** What it is called in errors. */
  readonly where: string;
}

/** Runs the `setup:` command of one side; null: there is none. Throws `setup-failed`. */
export const setUp = async (
  { limits }: Plan,
  command: string | null,
  { folder, environment, confinement, where }: SetupPlace,
): Promise<void> => {
  if (command === null) return;
  const timeoutSeconds = Math.max(setupSeconds, limits.seconds);
  const result = await runCommand({
    argv: splitCommand(command, {}, 'setup'),
    cwd: folder,
    environment,
    confinement,
    timeoutSeconds,
    maxOutputBytes: 64 * 1024,
  });
  if (result.status !== 'exited' || result.code !== 0) {
    const said = telling(result);
    const how =
      result.status === 'timeout'
        ? `did not end within ${timeoutSeconds} s (${setupSeconds} s, or limits.seconds where that is more)`
        : result.code === null
          ? `was ended (${result.signal ?? result.status})`
          : `ended with exit status ${result.code}`;
    throw new GateError('setup-failed', `The \`setup:\` command was run. It ${how}. ${lastOutput(said)}`, {
      where: `setup of ${where}`,
    });
  }
};
