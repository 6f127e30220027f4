import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandLine } from '../config/command-line.ts';
import { helpText } from '../config/help.ts';
import type { CommandContext } from './context.ts';
import { doctor } from './doctor.ts';
import { measureRun } from './measure.ts';
import { modelsCommand } from './models.ts';
import { planRun } from './plan.ts';
import { decide, existingRun, type Outcome, runAll, updateAll } from './run.ts';

export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Runs one command and returns its exit status: the same for the command line and for the action. */
export const runCommandLine = async (line: CommandLine, context: CommandContext, output: Output): Promise<number> => {
  const setting = {
    columns: Math.min(output.columns ?? 100, 140),
    colour: output.isTTY === true && !process.env['NO_COLOR'],
    runUrl: runUrl(process.env),
  };
  const finish = (outcome: Outcome): number => {
    if (line.options.json && outcome.reports !== null) output.write(outcome.reports.json);
    return outcome.exitCode;
  };
  switch (line.command) {
    case 'run':
      return finish(await runAll(context, setting));
    case 'plan':
      context.host.log.info(`Plan written to ${(await planRun(context)).folder}.`);
      return 0;
    case 'measure':
      await measureRun(context, existingRun(context));
      return 0;
    case 'gate':
      return finish(await decide(context, existingRun(context), { ...setting, durationSeconds: null }));
    case 'update':
      return finish(await updateAll(context, setting));
    case 'doctor':
      output.write(`${await doctor(context)}\n`);
      return 0;
    case 'models':
      output.write(`${await modelsCommand(line.operands, context)}\n`);
      return 0;
    case 'help':
      output.write(`${helpText()}\n`);
      return 0;
    case 'version':
      output.write(`${JSON.parse(readFileSync(join(context.packageRoot, 'package.json'), 'utf8')).version}\n`);
      return 0;
  }
};

const runUrl = (environment: Readonly<Record<string, string | undefined>>): string | null => {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: run } = environment;
  return server && repository && run ? `${server}/${repository}/actions/runs/${run}` : null;
};
