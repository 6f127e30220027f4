import { GateError } from '../src/errors.ts';
import { runCommand } from '../src/processes/run-command.ts';

const npmOwn = /^npm_/i;
const npmKept = /^npm_config_(cache|registry|userconfig|globalconfig)$/i;

/**
 * This process's environment, for programs of the developer's own machine. Of what `npm run` adds only the places of its cache and
 * settings stay: the rest would tell an npm that is started in another folder that it is still in this one.
 */
export const ownEnvironment = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => {
      const [name, value] = entry;
      return value !== undefined && (!npmOwn.test(name) || npmKept.test(name));
    }),
  );

export interface Program {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
  /** Exit statuses that count as done; 0 alone unless told. */
  readonly accepted?: readonly number[];
}

export interface Finished {
  readonly seconds: number;
  readonly code: number;
  readonly stdout: string;
}

/** Runs a program to its end and takes the time. Throws `internal` with the beginning of its output when it does not end as it should. */
export const runProgram = async ({ accepted = [0], ...program }: Program): Promise<Finished> => {
  const result = await runCommand({ ...program, maxOutputBytes: 1 << 24, clock: () => performance.now() / 1000 });
  const stdout = result.stdout.toString('utf8');
  if (result.status !== 'exited' || result.code === null || !accepted.includes(result.code)) {
    const said = `${stdout}\n${result.stderr}`.trim().slice(0, 1000);
    throw new GateError('internal', `${result.status}${result.code === null ? '' : ` with ${result.code}`}: ${said}`, {
      where: program.argv.slice(0, 3).join(' '),
    });
  }
  return { seconds: result.seconds ?? 0, code: result.code, stdout };
};
