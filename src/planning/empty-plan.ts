import type { Config } from '../config/config.ts';
import type { Plan } from '../records/plan.ts';
import type { CommandContext } from '../run/context.ts';
import { openRunFolder, type RunFolder, writeBaselines, writePlan } from '../run/run-folder.ts';
import { describeRuntime } from '../run/runtime-description.ts';

/**
 * Writes the plan of a change that is none, or of which nothing can be measured: without cells, so that every later phase sees
 * it.
 */
export const writeEmptyPlan = async (
  context: CommandContext,
  known: {
    readonly head: Plan['head'];
    readonly reviewed: Plan['reviewed'];
    readonly config: Config;
    readonly policy: Plan['policy'];
    readonly warnings: readonly string[];
    readonly event: Plan['event'];
    /** Why there is nothing to compare, for the log. */
    readonly why: string;
    /** Null: head is its own base. */
    readonly base: Plan['base'];
  },
): Promise<RunFolder> => {
  const { head, reviewed, config, policy, warnings, event, why, base } = known;
  const run = await openRunFolder(context);
  writePlan(run, {
    schema: 'optimization-gate/plan/1',
    head,
    reviewed,
    base,
    event,
    warnings,
    seed: context.options.seed,
    policy,
    policyChanges: [],
    runtime: await describeRuntime(context, config.runtime, false),
    baseRuntime: null,
    baseWorker: null,
    models: [],
    builds: [],
    cells: [],
    environment: [],
    isolation: null,
    lfs: false,
    buildTwice: false,
    folders: { head: '', base: '' },
    setup: { head: null, base: null },
    limits: config.limits,
    budgetMinutes: null,
  });
  writeBaselines(run, []);
  context.host.log.info(`Nothing to compare: ${why}.`);
  return run;
};
