import { GateError } from '../errors.ts';
import type { Baseline } from '../records/baseline.ts';
import type { Plan } from '../records/plan.ts';
import type { Samples } from '../records/sample.ts';
import type { Verdict } from '../records/verdict.ts';
import { buildSeconds, repeatedBuilds } from './build-cost.ts';
import { cellVerdictOf, judgeMetrics, outcomeBeforeMetrics } from './cell.ts';
import type { CellState } from './cell-state.ts';
import { coverageOf } from './coverage.ts';
import { judgeDerived, type RunFigures } from './derived-metric.ts';
import type { JudgedCell } from './figure.ts';
import type { JudgedMetric } from './judged-metric.ts';
import { requireLaunchOrder } from './launch-order.ts';
import { isDerived } from './metric-key.ts';
import { nothingToCompare } from './nothing-to-compare.ts';
import { judgeRequirements } from './requirement.ts';
import { runOutcome } from './run-verdict.ts';
import { falseAlarms, readSelfChecks, selfCheckKinds, selfCheckOutcome, selfCheckTarget } from './self-check.ts';
import { summaryOf } from './summary.ts';
import { progressOf, type TestProgress } from './test-progress.ts';

export interface JudgeInput {
  readonly plan: Plan;
  readonly planDigest: string;
  readonly samples: Samples;
  readonly samplesDigest: string;
  readonly baselines: readonly Baseline[];
  readonly baselinesDigest: string | null;
}

interface Judged {
  readonly cellState: CellState;
  readonly metrics: readonly JudgedMetric[];
}

/** Derived metrics take their places among the others, in the plan's order. */
const withDerived = (judged: readonly Judged[], { plan, samples }: JudgeInput, figures: RunFigures): readonly Judged[] => {
  const known: readonly JudgedCell[] = judged.map(({ cellState, metrics }) => ({
    id: cellState.cell.id,
    model: cellState.cell.model,
    metrics: metrics.map((metric) => metric.verdict),
    buildSeconds: {
      base: buildSeconds(plan, cellState.cell, 'base', samples),
      head: buildSeconds(plan, cellState.cell, 'head', samples),
    },
  }));
  return judged.map(({ cellState, metrics }, at) => {
    const own = known[at];
    if (own === undefined || outcomeBeforeMetrics(cellState, samples, plan.policy) !== null) return { cellState, metrics };
    const sampled = [...metrics];
    return {
      cellState,
      metrics: cellState.cell.metrics.flatMap((spec) =>
        isDerived(spec) ? judgeDerived(spec, own, known, figures) : (sampled.shift() ?? []),
      ),
    };
  });
};

const detectableOf = (cells: Verdict['cells']): Record<string, number> => {
  const entries = cells.flatMap((cell) =>
    cell.metrics.flatMap((metric) =>
      metric.detectable === null ? [] : [[`${cell.id} ${metric.id}@${metric.point}`, metric.detectable] as const],
    ),
  );
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
};

const requireSameRun = ({ samples, planDigest }: JudgeInput): void => {
  if (samples.plan !== null && samples.plan !== planDigest)
    throw new GateError(
      'run-mismatch',
      `The samples were held against the plan. Expected those of plan ${planDigest}, got those of ${samples.plan}.`,
    );
};

const impressionWarnings = ({ policy: { looks, screen } }: Plan): string[] =>
  looks.length > 0
    ? []
    : [
        `first impression (\`quick\`): ${screen} launches of everything that changed, and no confirmation; run without \`quick\` before you merge`,
      ];

const selfCheckWarnings = (progress: TestProgress, plan: Plan, outcomes: Verdict['selfChecks']): string[] => {
  if (selfCheckTarget(plan, progress.cells) === null) return [];
  return selfCheckKinds
    .filter((kind) => !outcomes.some((outcome) => outcome.kind === kind))
    .map((kind) => `the self-check ${kind} was not measured to its end`);
};

/**
 * The verdict: everything recomputed from raw samples, a pure function of its input (same input,
 * same bytes, in whatever order launches were read). Throws `run-mismatch` for samples of another
 * plan, `samples-contradictory` for confirming launches that the rule cannot have asked for, and
 * `document-invalid` for a policy whose looks overspend alpha; anything that merely did not run
 * becomes `missing`, `failed` or `inconclusive`.
 */
export const judge = (input: JudgeInput): Verdict => {
  const { plan, samples } = input;
  requireSameRun(input);
  if (plan.cells.length === 0) return nothingToCompare(input);
  const progress = progressOf(plan, samples, false);
  requireLaunchOrder(progress, plan);
  const target = selfCheckTarget(plan, progress.cells);
  const readings = target === null ? [] : readSelfChecks(target, samples);
  const selfChecks = readings.flatMap((reading) => selfCheckOutcome(reading) ?? []);
  const direct = progress.cells.map((cellState): Judged => ({ cellState, metrics: judgeMetrics(cellState, progress, input) }));
  const changed = progress.cells.some(({ status }) => status === 'changed');
  const figures = { falseAlarms: falseAlarms(readings, plan.policy.alpha), changed, controlled: target !== null };
  const judged = withDerived(direct, input, figures);
  const requirements = judgeRequirements(judged, plan, samples);
  const cells = judged.map(({ cellState, metrics }) =>
    cellVerdictOf(cellState, metrics, requirements.get(cellState.cell.id) ?? [], samples, plan.policy),
  );
  const outcome = runOutcome(
    cells,
    judged.flatMap((each) => each.metrics),
    selfChecks,
    plan.policy,
  );
  return {
    schema: 'optimization-gate/verdict/1',
    ...outcome,
    summary: summaryOf(outcome, cells, selfChecks),
    plan: input.planDigest,
    samples: input.samplesDigest,
    baselines: input.baselinesDigest,
    cells,
    coverage: coverageOf(cells),
    statistics: { alpha: plan.policy.alpha, family: progress.family, smallestDetectable: detectableOf(cells) },
    selfChecks,
    repeatedBuilds: repeatedBuilds(samples),
    runnerClass: samples.runnerClass,
    environment: samples.environment,
    policyChanges: plan.policyChanges,
    warnings: [...plan.warnings, ...samples.warnings, ...impressionWarnings(plan), ...selfCheckWarnings(progress, plan, selfChecks)],
    seed: plan.seed,
  };
};
