import type { CellVerdict, MetricVerdict, Verdict } from '../records/verdict.ts';
import type { Json } from '../records/words.ts';
import type { TimeTaken } from './context.ts';
import type { ReportDocument, ReportMetric } from './document.ts';
import { reasonOf } from './state-text.ts';

const finite = (value: number | null): number | null => (value !== null && Number.isFinite(value) ? value : null);

const reportMetricOf = (metric: MetricVerdict): ReportMetric => {
  const head = finite(metric.head);
  const { change, interval } = metric;
  return {
    id: metric.id,
    point: metric.point,
    unit: metric.unit,
    better: metric.better,
    kind: metric.kind,
    role: metric.role,
    scale: metric.scale,
    verdict: metric.verdict,
    state: metric.state,
    reference: finite(metric.reference),
    base: finite(metric.base),
    head,
    earlier: finite(metric.earlier),
    interval: interval !== null && Number.isFinite(interval.lower) && Number.isFinite(interval.upper) ? interval : null,
    change:
      change === null || !Number.isFinite(change.estimate)
        ? null
        : { estimate: change.estimate, lower: finite(change.lower), upper: finite(change.upper) },
    tolerance: metric.tolerance,
    p: finite(metric.p),
    launches: metric.launches,
    detectable: finite(metric.detectable),
    reason: reasonOf(metric, head),
    warnings: metric.warnings,
  };
};

const reportCell = (cell: CellVerdict): ReportDocument['cells'][number] => ({
  model: cell.model,
  optimization: cell.optimization,
  verdict: cell.verdict,
  reason: cell.reason,
  warnings: cell.warnings,
  metrics: cell.metrics.map(reportMetricOf),
  requirements: cell.requirements,
});

const isObject = (value: Json): value is { readonly [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * report.json as data: the verdict without its raw samples. A number that was not measured is null and has a reason.
 * An environment that is not an object stands under `details`. `took`: the whole run, null when unknown.
 */
export const reportDocument = (verdict: Verdict, took: TimeTaken | null): ReportDocument => ({
  schema: 'optimization-gate/report/1',
  verdict: verdict.verdict,
  exitCode: verdict.exitCode,
  summary: verdict.summary,
  cells: verdict.cells.map(reportCell),
  coverage: verdict.coverage,
  statistics: verdict.statistics,
  selfChecks: verdict.selfChecks,
  repeatedBuilds: verdict.repeatedBuilds,
  environment: {
    ...(isObject(verdict.environment) ? verdict.environment : verdict.environment === null ? {} : { details: verdict.environment }),
    runnerClass: verdict.runnerClass,
  },
  policyChanges: verdict.policyChanges,
  warnings: verdict.warnings,
  seed: verdict.seed,
  durationSeconds: finite(took?.seconds ?? null),
  waitedSeconds: finite(took?.waitedSeconds ?? null),
});
