import type { Baseline } from '../records/baseline.ts';
import type { MetricSpec } from '../records/metric.ts';
import type { GatePolicy, Plan } from '../records/plan.ts';
import type { Samples } from '../records/sample.ts';
import type { CellVerdict, RequirementVerdict, VerdictKind } from '../records/verdict.ts';
import { gapReason, gapVerdict, unread } from './absent-metric.ts';
import { accepted, lossReason, retired } from './acceptance.ts';
import { type CellState, isTimed } from './cell-state.ts';
import { codedWords } from './failure.ts';
import { ineffective } from './ineffective.ts';
import { type JudgedMetric, metricVerdictOf, unmeasured } from './judged-metric.ts';
import { isDerived, metricKey, pointOf } from './metric-key.ts';
import { withoutOwnMeasure } from './other-measure.ts';
import { decidingRequirement, requirementWords } from './requirement-words.ts';
import { runtimeChange, withoutRuntimeEffect } from './runtime-change.ts';
import { withEarlier } from './stored-entry.ts';
import type { TestProgress } from './test-progress.ts';
import { comparesMetric } from './tested-metric.ts';
import { judgeTiming } from './timing-metric.ts';
import { judgeNew, judgeUnchanged, judgeWithoutBase } from './uncompared-metric.ts';
import { judgePlain } from './untested-metric.ts';

/** All that the metrics of one cell are judged from. */
export interface JudgedFiles {
  readonly plan: Plan;
  readonly samples: Samples;
  readonly baselines: readonly Baseline[];
}

/** Verdict of a whole cell where its metrics have no say, and why. */
export interface CellOutcome {
  readonly verdict: VerdictKind;
  readonly reason: string;
}

/** Why there is nothing to compare head with; null where there is. */
const withoutBase = ({ failure, onlyBase }: CellState): string | null =>
  failure !== null && onlyBase ? `base failed, so there is nothing to compare with: ${codedWords(failure)}` : null;

/** Of a cell that head lacks: missing, unless base's acceptances retire it. */
const removedOutcome = ({ cell }: CellState, { at }: Samples, policy: GatePolicy): CellOutcome => {
  const reason = retired(cell, policy, at);
  return reason === null ? { verdict: 'missing', reason: lossReason(cell, policy, at) } : { verdict: 'passed', reason };
};

/** What is known of a cell before its numbers: removed, skipped, failed, or not reached. Null: its metrics decide. */
export const outcomeBeforeMetrics = (cellState: CellState, samples: Samples, policy: GatePolicy): CellOutcome | null => {
  const { cell, status, failure, settled } = cellState;
  if (status === 'removed') return removedOutcome(cellState, samples, policy);
  if (status === 'skipped')
    return {
      verdict: 'unchanged',
      reason: `not judged: ${cell.skipped?.reason ?? settled?.error?.message ?? 'it was skipped'}`,
    };
  if (failure !== null && !cellState.onlyBase && (status !== 'unchanged' || cellState.broken))
    return {
      verdict: 'failed',
      reason: status === 'unchanged' ? `base runs the same and fails too: ${codedWords(failure)}` : codedWords(failure),
    };
  if (status === 'pending') return { verdict: gapVerdict(samples), reason: gapReason(samples, 'it was never built to its end') };
  return null;
};

/**
 * Why a cell without anything to compare is no pass all the same: it was never seen to work. Null
 * where it was.
 */
const unseenReason = ({ status, unseen, failure }: CellState, samples: Samples): string | null => {
  if (unseen.length === 0 || (status !== 'unchanged' && status !== 'new')) return null;
  const points = unseen.map(({ id }) => id).join(', ');
  return gapReason(
    samples,
    `no launch has run ${points} to its end${failure === null ? ', so nothing shows that it works' : `. ${failure.message}`}`,
  );
};

const withoutNumbers = (cellState: CellState, outcome: CellOutcome): readonly JudgedMetric[] =>
  cellState.cell.metrics.map((spec) => {
    if (cellState.status === 'skipped') return unmeasured(spec, cellState.cell.skipped?.status ?? 'not-applicable', null, outcome.reason);
    if (outcome.verdict === 'passed') return unmeasured(spec, 'not-applicable', null, outcome.reason);
    if (outcome.verdict === 'failed') return metricVerdictOf(spec, { state: 'failed', verdict: 'failed', reason: outcome.reason });
    return unmeasured(spec, 'missing', outcome.verdict, outcome.reason);
  });

const judgeCompared = (cellState: CellState, spec: MetricSpec, progress: TestProgress, { plan, samples }: JudgedFiles): JudgedMetric => {
  const tested = progress.metrics.get(metricKey(cellState.cell, spec));
  const excuse = (judged: JudgedMetric): JudgedMetric => accepted(judged, cellState.cell, plan.policy, samples.at);
  return tested === undefined
    ? excuse(judgeWhole(cellState, spec, plan, samples))
    : judgeTiming(tested, samples, plan.policy, progress.family, excuse);
};

/** A metric that no test decides passes only by all of the launches that were asked for. */
const judgeWhole = (cellState: CellState, spec: MetricSpec, plan: Plan, samples: Samples): JudgedMetric => {
  const judged = judgePlain(cellState, spec, samples, plan.policy);
  const lacking = judged.verdict.verdict === 'regressed' ? null : lackingLaunches(cellState, spec, plan.policy);
  return lacking === null ? judged : unread(spec, 'missing', lacking, samples, judged.verdict.warnings);
};

/**
 * Which of the launches that base and head are compared by are not there; null where none is
 * lacking.
 */
const lackingLaunches = ({ cell, solo, screen }: CellState, spec: MetricSpec, policy: GatePolicy): string | null => {
  const point = pointOf(cell, spec);
  if (point?.kind === 'solo') {
    const slots = solo.filter(({ slot }) => slot.point.id === point.id && (slot.arm === 'base' || slot.arm === 'head'));
    const short = slots.find(({ slot, tally }) => tally.complete.length < slot.point.launches);
    return short === undefined
      ? null
      : `only ${short.tally.complete.length} of ${point.launches} launches of ${short.slot.arm} are complete`;
  }
  const have = screen.complete.length;
  return point !== null && isTimed(point) && have < policy.screen
    ? `only ${have} of ${policy.screen} screening launches are complete`
    : null;
};

/** A launch that fails takes nothing back: a regression that the complete ones show stays one. */
const keepingRegressions = (
  metrics: readonly JudgedMetric[],
  cellState: CellState,
  progress: TestProgress,
  evidence: JudgedFiles,
): readonly JudgedMetric[] =>
  cellState.status !== 'changed'
    ? metrics
    : metrics.map((metric) => {
        if (isDerived(metric.spec)) return metric;
        const judged = judgeCompared(cellState, metric.spec, progress, evidence);
        return judged.verdict.verdict === 'regressed' ? judged : metric;
      });

/** The metrics of one cell that read samples; those that read other metrics come later and are left out. */
export const judgeMetrics = (cellState: CellState, progress: TestProgress, evidence: JudgedFiles): readonly JudgedMetric[] => {
  const { plan, samples, baselines } = evidence;
  const outcome = outcomeBeforeMetrics(cellState, samples, plan.policy);
  if (outcome !== null) return keepingRegressions(withoutNumbers(cellState, outcome), cellState, progress, evidence);
  const noBase = withoutBase(cellState);
  const runtime = cellState.status === 'new' ? null : runtimeChange(plan);
  const metrics = cellState.cell.metrics
    .filter((spec) => !isDerived(spec))
    .map((spec) => {
      if (noBase !== null) return judgeWithoutBase(cellState, spec, samples, plan, noBase);
      if (cellState.status === 'new') return judgeNew(cellState, spec, samples, plan);
      if (!comparesMetric(cellState, spec)) return judgeUnchanged(cellState, spec, samples, plan, baselines);
      return judgeCompared(cellState, spec, progress, evidence);
    })
    .map((judged) => withoutOwnMeasure(withoutRuntimeEffect(judged, cellState, runtime), cellState))
    .map((judged) => withEarlier(judged, cellState, evidence));
  return noBase === null ? metrics : keepingRegressions(metrics, cellState, progress, evidence);
};

/** Worst first. */
const order: readonly VerdictKind[] = ['regressed', 'failed', 'missing', 'unmet', 'inconclusive', 'improved', 'passed', 'new', 'unchanged'];

/** The worst verdict that any metric carries, or one of `others`; null when there is none. */
const worstOf = (metrics: readonly JudgedMetric[], others: readonly VerdictKind[]): VerdictKind | null =>
  order.find((kind) => others.includes(kind) || metrics.some((metric) => metric.verdict.verdict === kind)) ?? null;

/** Puts a cell's verdict together from its metrics, in the plan's order. */
export const cellVerdictOf = (
  cellState: CellState,
  metrics: readonly JudgedMetric[],
  requirements: readonly RequirementVerdict[],
  samples: Samples,
  policy: GatePolicy,
): CellVerdict => {
  const { cell, status, failure } = cellState;
  const outcome = outcomeBeforeMetrics(cellState, samples, policy);
  const noBase = withoutBase(cellState);
  const unseen = unseenReason(cellState, samples);
  const worst = worstOf(metrics, [
    ...(noBase === null ? [] : ['inconclusive' as const]),
    ...(unseen === null ? [] : [gapVerdict(samples)]),
    ...(requirements.some(({ outcome }) => outcome === 'unmet') ? ['unmet' as const] : []),
    ...(requirements.some(({ holdsRun }) => holdsRun) ? ['inconclusive' as const] : []),
  ]);
  const deciding = worst === 'unmet' || worst === 'inconclusive' ? decidingRequirement(requirements) : null;
  const required = deciding === null ? null : requirementWords(deciding);
  const reason = outcome?.reason ?? noBase ?? unseen ?? required ?? (worst === null ? 'shown only: none of its metrics decides' : null);
  // What differs is not unchanged because nothing of it gates.
  const shownOnly = status === 'changed' ? 'passed' : 'unchanged';
  const warnings = [...(cellState.settled?.warnings ?? []), ...ineffective(metrics, cell.claims), ...cellState.repeated];
  if (failure !== null && outcome === null && noBase === null) warnings.push(`its figures could not be measured: ${failure.message}`);
  return {
    id: cell.id,
    model: cell.model,
    optimization: cell.optimization,
    verdict: worst === 'regressed' ? worst : (outcome?.verdict ?? worst ?? shownOnly),
    reason,
    warnings,
    headline: cell.headline,
    metrics: metrics.map((metric) => metric.verdict),
    requirements,
  };
};
