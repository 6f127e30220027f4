/** Sentences about the run, its cells or their metrics: the same one of several is said once. */
import type { CellVerdict, Verdict } from '../records/verdict.ts';
import { byCause, causeOf } from './cause.ts';
import { type ListedMetric, metricName } from './listed-metric.ts';

export interface Remark {
  /** As the first of them has it. */
  readonly text: string;
  /** Ids of the cells that it is about; none: the whole run. */
  readonly cells: readonly string[];
  /** Metrics that it is about; none: whole cells. */
  readonly metrics: readonly string[];
  readonly times: number;
}

interface OneRemark {
  readonly text: string;
  readonly cell: CellVerdict | null;
  readonly metric: string | null;
}

const joined = (found: readonly OneRemark[]): readonly Remark[] =>
  byCause(found, ({ text, cell }) => causeOf(text, cell?.model ?? null)).map((same) => ({
    text: same[0].text,
    cells: [...new Set(same.flatMap(({ cell }) => cell?.id ?? []))],
    metrics: [...new Set(same.flatMap(({ metric }) => metric ?? []))],
    times: same.length,
  }));

/** Warnings of the run. */
export const runRemarks = ({ warnings }: Pick<Verdict, 'warnings'>): readonly Remark[] =>
  joined(warnings.map((text) => ({ text, cell: null, metric: null })));

/** Warnings of cells. */
export const cellRemarks = ({ cells }: Pick<Verdict, 'cells'>): readonly Remark[] =>
  joined(cells.flatMap((cell) => cell.warnings.map((text) => ({ text, cell, metric: null }))));

/** Warnings of metrics that decide or advise. */
export const metricRemarks = ({ cells }: Pick<Verdict, 'cells'>): readonly Remark[] =>
  joined(
    cells.flatMap((cell) =>
      cell.metrics
        .filter(({ role }) => role !== 'described')
        .flatMap((metric) => metric.warnings.map((text) => ({ text, cell, metric: metricName(metric) }))),
    ),
  );

/** Reasons of the verdicts on these metrics. */
export const reasonRemarks = (found: readonly ListedMetric[]): readonly Remark[] =>
  joined(found.flatMap(({ cell, metric }) => (metric.reason === null ? [] : [{ text: metric.reason, cell, metric: metricName(metric) }])));
