import { accessSync, constants, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { programNamed } from '../building/leak/code-copies.ts';
import { openTemporaryFolder } from '../building/temporary-folder.ts';
import { openTrees } from '../building/trees.ts';
import { GateError } from '../errors.ts';
import { planRun } from '../planning/plan.ts';
import { commandWords } from '../processes/command-line.ts';
import type { Plan, SubjectRef } from '../records/plan.ts';
import { counted } from '../report/number.ts';
import { openRepository } from '../repository/repository.ts';
import { type CommandContext, subjectEnvironment } from '../run/context.ts';
import { readPlan } from '../run/run-folder.ts';
import { type Check, type FailedCheck, failedCheck, isFailed, tried } from './check.ts';

/**
 * What a run would refuse before it measures: a plan is made as a run makes it, in a temporary folder, base is checked out, and the
 * programs that the configuration names are looked for. No user code runs.
 */
export const planChecks = async (context: CommandContext): Promise<readonly (Check | FailedCheck)[]> => {
  const temporary = await openTemporaryFolder(tmpdir());
  try {
    const trial = quietly({ ...context, options: { ...context.options, runDir: join(temporary.folder, 'run') } });
    const planned = await tried('plan', async () => {
      const { plan } = readPlan(await planRun(trial));
      const warnings = plan.warnings.length === 0 ? '' : `; ${plan.warnings.join(' ')}`;
      const says = `${counted(plan.cells.length, 'cell')}, ${counted(plan.builds.length, 'build')}${warnings}`;
      return { check: { status: plan.warnings.length === 0 ? ('ok' as const) : ('warning' as const), says }, plan };
    });
    if (planned.found === null) return [planned.check];
    const { plan } = planned.found;
    const trees = await tried('base tree', async () => {
      await (await openTrees(trial, plan, null)).release();
      return { check: { status: 'ok' as const, says: plan.base === null ? 'there is nothing to compare' : 'can be checked out' } };
    });
    return [planned.check, ...(isFailed(trees.check) ? [trees.check] : []), ...(await programChecks(context, plan))];
  } finally {
    await temporary.release();
  }
};

/** What planning says on its way is said by the check itself. */
const quietly = (context: CommandContext): CommandContext => {
  const log = { info: () => {}, warn: () => {}, progress: () => {}, endProgress: () => {} };
  return { ...context, host: { ...context.host, log } };
};

/** A command of head's configuration, and how a message calls it. */
interface Named {
  readonly what: string;
  readonly command: string;
}

const commandsOf = (plan: Plan): readonly Named[] => {
  const named = (what: string, { door, tree }: SubjectRef): readonly Named[] => {
    if (tree !== 'head' || door.kind === 'builtin') return [];
    return [{ what: `${door.kind} of ${what}`, command: door.kind === 'module' ? door.module : door.command }];
  };
  const all = [
    ...plan.builds.flatMap(({ cell, subject }) => named(optimizationOf(cell), subject)),
    ...plan.cells.flatMap(({ id, arms }) => arms.flatMap(({ policy }) => (policy === null ? [] : named(optimizationOf(id), policy)))),
  ];
  return [...new Map(all.map((each) => [`${each.what} ${each.command}`, each])).values()];
};

/** Of MODEL/OPTIMIZATION, or of the name of a measurement. */
const optimizationOf = (cell: string): string => cell.slice(cell.indexOf('/') + 1);

const script = /^[\w./@-]+\.(py|mjs|cjs|js|mts|cts|ts|sh|bash|rb|pl|jl|R|lua)$/;

/** What of a command is not there: its program, and the script that this runs, the first that stands as a word of its own. */
const missingOf = (command: string, folder: string, searchPath: string): readonly string[] => {
  const [program = '', ...words] = commandWords(command, 'command');
  const [found] = programNamed(program, folder, searchPath);
  const place = program.includes('/') ? `at ${resolve(folder, program)}` : 'on PATH';
  const missing = found === undefined ? [`no program ${program} ${place}`] : mayRun(found) ? [] : [`${found} may not be run`];
  // After `-c` and the like stands a program of its own, in which nothing is looked up. Later names may be of what it writes.
  const [named] = words.filter((word, at) => script.test(word) && !(words[at - 1] ?? '').startsWith('-'));
  const absent = named === undefined || existsSync(resolve(folder, named)) ? [] : [`no file ${named} in ${folder}`];
  return [...missing, ...absent];
};

const mayRun = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

const programChecks = async (context: CommandContext, plan: Plan): Promise<readonly (Check | FailedCheck)[]> => {
  const { PATH: searchPath = '' } = subjectEnvironment(context);
  const folder = join((await openRepository(context.root)).folder, plan.folders.head);
  const { head: setup } = plan.setup;
  const check = (
    { what, command }: Named,
    refusal: 'setup-failed' | 'build-failed' | 'subject-crashed',
  ): readonly (Check | FailedCheck)[] => {
    const id = `program of ${what}`;
    const isModule = what.startsWith('module ');
    try {
      const missing = isModule
        ? existsSync(resolve(folder, command))
          ? []
          : [`no file ${command} in ${folder}`]
        : missingOf(command, folder, searchPath);
      if (missing.length === 0) return [];
      // Setup may put it there, which only a run finds out.
      if (setup !== null && refusal !== 'setup-failed')
        return [{ id, status: 'warning', says: `${missing.join('; ')}: a run goes on only where \`setup\` puts it there` }];
      throw new GateError(refusal, `The program of this command was looked for. Found: ${missing.join('; ')}.`, { where: command });
    } catch (thrown) {
      return [failedCheck(id, thrown)];
    }
  };
  const commands = commandsOf(plan);
  const failures = [
    ...(setup === null ? [] : check({ what: 'setup', command: setup }, 'setup-failed')),
    ...commands.flatMap((named) => check(named, named.what.startsWith('command ') ? 'build-failed' : 'subject-crashed')),
  ];
  const count = commands.length + (setup === null ? 0 : 1);
  if (failures.length > 0 || count === 0) return failures;
  return [{ id: 'programs', status: 'ok', says: `${counted(count, 'command')} of the configuration: every program is there` }];
};
