import type { Config } from '../config/config.ts';
import type { Plan } from '../records/plan.ts';
import type { CommandContext } from './context.ts';
import { openRunFolder, type RunFolder, writeBaselines, writePlan } from './run-folder.ts';
import { describeRuntime } from './runtime.ts';

/**
 * Writes the plan of a change that is none: without base and cells, so that every later phase sees
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
  },
): Promise<RunFolder> => {
  const { head, reviewed, config, policy, warnings } = known;
  const run = await openRunFolder(context);
  writePlan(run, {
    schema: 'optimization-gate/plan/1',
    head,
    reviewed,
    base: null,
    event: 'change',
    warnings,
    seed: context.options.seed,
    policy,
    policyChanges: [],
    runtime: await describeRuntime(context, config.runtime),
    baseRuntime: null,
    models: [],
    builds: [],
    cells: [],
    isolation: null,
    lfs: false,
    folders: { head: '', base: '' },
    setup: { head: null, base: null },
    limits: config.limits,
    budgetMinutes: null,
  });
  writeBaselines(run, []);
  context.host.log.info('Nothing to compare: the base branch holds the commit that is checked out.');
  return run;
};
