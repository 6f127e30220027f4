import { join } from 'node:path';
import { GateError } from '../errors.ts';
import { failsJob } from '../gate/run-verdict.ts';
import { planRun } from '../planning/plan.ts';
import { digestOf } from '../records/decode.ts';
import type { Plan } from '../records/plan.ts';
import type { Verdict } from '../records/verdict.ts';
import type { CommandContext } from '../run/context.ts';
import { takeMachineLock } from '../run/machine-lock.ts';
import { dropOutcome, openRunFolder, type RunFolder, readPlan } from '../run/run-folder.ts';
import { gateRun } from './gate.ts';
import { measureRun } from './measure.ts';
import { type ReportSetting, type Reports, writeReports } from './report.ts';
import { requireUpdatable, updateRun } from './update.ts';

export interface EndedRun {
  readonly exitCode: number;
  /** Whether a job that ends so has failed, by the policy's `fail-on`. */
  readonly failsJob: boolean;
  readonly verdict: Verdict;
  readonly reports: Reports;
  readonly run: RunFolder;
}

/**
 * plan, measure, gate and report in one job. The exit status is the verdict's; what goes wrong while
 * publishing cannot change it. Another run that writes the same folder is waited for. `requirePlan`
 * throws where it is useless to measure.
 */
export const runAll = async (
  context: CommandContext,
  setting: Omit<ReportSetting, 'took'>,
  requirePlan: (plan: Plan) => void = () => {},
): Promise<EndedRun> => {
  const opened = await openRunFolder(context);
  const lock = await takeMachineLock(context, `run-${digestOf(opened.folder).slice(0, 16)}`, 'run in the same folder');
  try {
    dropOutcome(opened);
    const started = context.clock();
    const run = await planRun(context);
    requirePlan(readPlan(run).plan);
    const held = await measureRun(context, run);
    const seconds = Math.round((context.clock() - started) / 100) / 10;
    const waitedSeconds = Math.round((held + lock.waitedSeconds) * 10) / 10;
    return await decide(context, run, { ...setting, took: { seconds: Math.max(0, seconds - held), waitedSeconds } });
  } finally {
    lock.release();
  }
};

/** Gate and report of a run folder that is measured already. */
export const decide = async (context: CommandContext, run: RunFolder, setting: ReportSetting): Promise<EndedRun> => {
  const verdict = gateRun(run);
  const reports = await writeReports(context, run, verdict, setting);
  for (const problem of await context.host.publish(reports)) context.host.log.warn(`${problem.code}: ${problem.message}`);
  context.host.setOutputs({
    verdict: verdict.verdict,
    'exit-code': verdict.exitCode,
    regressions: countOf(verdict, 'regressed'),
    improvements: countOf(verdict, 'improved'),
    inconclusive: countOf(verdict, 'inconclusive'),
    missing: countOf(verdict, 'missing') + countOf(verdict, 'failed'),
    'report-json': join(run.reportFolder, 'report.json'),
    'report-folder': run.reportFolder,
    'coverage-judged': verdict.coverage.judged,
    'coverage-total': verdict.coverage.total,
    'runner-class': verdict.runnerClass ?? '',
  });
  return {
    exitCode: verdict.exitCode,
    failsJob: failsJob(verdict, context.options.failOn ?? readPlan(run).plan.policy.failOn),
    verdict,
    reports,
    run,
  };
};

const countOf = (verdict: Verdict, kind: string): number =>
  verdict.cells.reduce((sum, cell) => sum + cell.metrics.filter((metric) => metric.verdict === kind).length, 0);

/**
 * On merge: measures what is not measured yet, then writes the baselines. A regression on the default branch is reported, and is
 * the new baseline. Throws `usage-bad-value` with `--quick`: a first impression is no baseline. What can never become a baseline is refused
 * before anything is measured: `baseline-untrusted`.
 */
export const updateAll = async (context: CommandContext, setting: Omit<ReportSetting, 'took'>): Promise<EndedRun> => {
  if (context.options.quick)
    throw new GateError(
      'usage-bad-value',
      '`quick` was given with `update`. A first impression without a confirmation cannot become a baseline: leave it out.',
      { where: 'quick' },
    );
  context.host.requireBaselineWriter();
  const outcome = await runAll(context, setting, requireUpdatable);
  await updateRun(context, outcome.run);
  return outcome;
};
