/** What a verdict holds, sorted as a reader wants it: the worst first, ties by name. */
import { byImportance } from '../records/severity.ts';
import type { CellVerdict, MetricVerdict, Verdict, VerdictKind } from '../records/verdict.ts';

/** A metric and the cell it belongs to. */
export interface ListedMetric {
  readonly cell: CellVerdict;
  readonly metric: MetricVerdict;
}

/** By code unit: the same on every machine, unlike a locale's order. */
export const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** `decode-latency@decode-b1`; the point is left out where it is empty. */
export const metricName = (metric: Pick<MetricVerdict, 'id' | 'point'>): string =>
  metric.point === '' ? metric.id : `${metric.id}@${metric.point}`;

/**
 * The metrics with a verdict of this kind: speed and quality before bytes and counts, then those that moved most for the worse
 * (`improved`: for the better) first.
 */
export const listedMetrics = (verdict: Verdict, kind: VerdictKind): readonly ListedMetric[] =>
  verdict.cells
    .flatMap((cell) => cell.metrics.filter((metric) => metric.verdict === kind).map((metric) => ({ cell, metric })))
    .sort(
      (a, b) =>
        byImportance(a.metric, b.metric, kind === 'improved' ? 'better' : 'worse') ||
        byName(a.cell.id, b.cell.id) ||
        byName(metricName(a.metric), metricName(b.metric)),
    );

/** A pass with something to say of it, such as what accepts it; a null metric stands for the whole cell. */
export interface Reservation {
  readonly cell: CellVerdict;
  readonly metric: MetricVerdict | null;
  readonly reason: string;
}

/** Every pass that has a reason: cells first, then metrics, those that moved most for the worse first. */
export const reservations = (verdict: Verdict): readonly Reservation[] => [
  ...verdict.cells.flatMap((cell) =>
    cell.verdict === 'passed' && cell.reason !== null ? [{ cell, metric: null, reason: cell.reason }] : [],
  ),
  ...listedMetrics(verdict, 'passed').flatMap(({ cell, metric }) =>
    metric.reason === null ? [] : [{ cell, metric, reason: metric.reason }],
  ),
];

/** The order in which verdicts matter to a reader. */
export const verdictOrder = [
  'regressed',
  'failed',
  'missing',
  'unmet',
  'inconclusive',
  'improved',
  'new',
  'passed',
  'unchanged',
] as const satisfies readonly VerdictKind[];

/** `1 regressed, 2 improved, 30 unchanged`: the cells by verdict, those that matter first. */
export const cellCounts = (cells: readonly CellVerdict[]): string =>
  verdictOrder
    .map((kind) => ({ kind, count: cells.filter((cell) => cell.verdict === kind).length }))
    .filter(({ count }) => count > 0)
    .map(({ kind, count }) => `${count} ${kind}`)
    .join(', ');

/** What stands above the cells that no model takes part in. */
export const measurementsTitle = 'measurements';

/** A cell of a model. */
export type ModelCell = CellVerdict & { readonly model: string };

/** The cells of models, and those that no model takes part in. */
export const cellsByKind = (
  cells: readonly CellVerdict[],
): { readonly modelled: readonly ModelCell[]; readonly measured: readonly CellVerdict[] } => ({
  modelled: cells.flatMap((cell) => (cell.model === null ? [] : [{ ...cell, model: cell.model }])),
  measured: cells.filter(({ model }) => model === null),
});

/** The models of a verdict in order of first appearance, each with its cells. */
export const cellsByModel = (verdict: Verdict): ReadonlyMap<string, readonly CellVerdict[]> => {
  const models = new Map<string, CellVerdict[]>();
  for (const cell of verdict.cells) if (cell.model !== null) models.set(cell.model, [...(models.get(cell.model) ?? []), cell]);
  return models;
};
