import { readFileSync } from 'node:fs';
import { arch, availableParallelism, platform } from 'node:os';
import { join } from 'node:path';
import type { CommandLine } from '../config/command-line.ts';
import type { CommandName } from '../config/command-table.ts';
import { helpText } from '../config/help.ts';
import { startLine } from '../planning/announcement.ts';
import { requirePlannedCheckout, requireReviewed, startedBy } from '../planning/comparison.ts';
import { planRun } from '../planning/plan.ts';
import { encodeDocument } from '../records/decode.ts';
import type { RunVerdict } from '../records/verdict.ts';
import type { CommandContext } from '../run/context.ts';
import { openRunFolder, readPlan } from '../run/run-folder.ts';
import type { CommandOutput } from './command-output.ts';
import { doctor } from './doctor.ts';
import { initCommand } from './init.ts';
import { measureRun } from './measure.ts';
import { modelsCommand } from './models.ts';
import { decide, type EndedRun, runAll, updateAll } from './run.ts';
import { runtimeCommand } from './runtime.ts';
import { storeCommand } from './store.ts';

export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** How a command ended: the exit status of the command line, and what the action makes of it. */
export interface Ended {
  /**
   * 0 nothing regressed; 1 a regression or a failure; 2 usage or configuration; 3 it could not be
   * decided.
   */
  readonly exitCode: number;
  /** Whether the job of the action fails: `fail-on` may let a status other than 0 pass. */
  readonly failsJob: boolean;
  /** Null: the command comes to none. */
  readonly verdict: RunVerdict | null;
}

const done: Ended = { exitCode: 0, failsJob: false, verdict: null };

/** Commands that take longer than a moment say at once what they begin. */
const working: ReadonlySet<CommandName> = new Set(['run', 'plan', 'measure', 'update']);

const ownVersion = ({ packageRoot }: CommandContext): string => JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')).version;

const opening = (command: CommandName, context: CommandContext): string =>
  startLine({
    command,
    version: ownVersion(context),
    started: startedBy(context),
    base: context.options.base,
    platform: `${platform()}-${arch()}`,
    processors: availableParallelism(),
    node: process.versions.node,
  });

/** Runs one command; what it has to say goes to `output`, and to the host where it is a verdict. Throws coded errors. */
export const runCommandLine = async (line: CommandLine, context: CommandContext, output: Output): Promise<Ended> => {
  const setting = {
    columns: Math.min(output.columns ?? 100, 140),
    colour: output.isTTY === true && !process.env['NO_COLOR'],
    runUrl: context.host.runUrl,
  };
  const finish = (outcome: EndedRun): Ended => {
    if (line.options.json) output.write(outcome.reports.json);
    const { exitCode, failsJob, verdict } = outcome;
    return { exitCode, failsJob, verdict: verdict.verdict };
  };
  const answer = ({ exitCode, text, json }: CommandOutput): Ended => {
    output.write(line.options.json ? `${JSON.stringify(json, null, 2)}\n` : `${text}\n`);
    return { exitCode, failsJob: exitCode !== 0, verdict: null };
  };
  if (working.has(line.command)) context.host.log.info(opening(line.command, context));
  switch (line.command) {
    case 'run':
      return finish(await runAll(context, setting));
    case 'plan': {
      const run = await planRun(context);
      context.host.log.info(`Plan written to ${run.folder}.`);
      if (line.options.json) output.write(encodeDocument(readPlan(run).plan));
      return done;
    }
    case 'measure': {
      const run = await openRunFolder(context);
      await requirePlannedCheckout(context, readPlan(run).plan);
      await measureRun(context, run);
      return done;
    }
    case 'gate': {
      const run = await openRunFolder(context);
      await requireReviewed(context, readPlan(run).plan, run.folder);
      return finish(await decide(context, run, { ...setting, took: null }));
    }
    case 'update':
      return finish(await updateAll(context, setting));
    case 'init':
      return answer(await initCommand(context));
    case 'doctor':
      return answer(await doctor(context));
    case 'models':
      return answer(modelsCommand(line.operands, context));
    case 'store':
      return answer(await storeCommand(line.operands, context));
    case 'runtime':
      return answer(await runtimeCommand(line.operands, context));
    case 'help':
      output.write(`${helpText()}\n`);
      return done;
    case 'version':
      output.write(`${ownVersion(context)}\n`);
      return done;
  }
};
