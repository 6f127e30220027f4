/** What a verdict holds, sorted as a reader wants it: the worst first, ties by name. */
import { type ErrorCode, errorTable } from '../errors.ts';
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

/** How many tolerances worse head is than base (negative: better); 0 without a change. */
export const severity = ({ better, change, tolerance }: MetricVerdict): number => {
  if (change === null || !Number.isFinite(change.estimate)) return 0;
  return ((better === 'lower' ? 1 : -1) * change.estimate) / (tolerance > 0 ? tolerance : 1e-6);
};

/** The metrics with a verdict of this kind, those that moved most for the worse (`improved`: for the better) first. */
export const listedMetrics = (verdict: Verdict, kind: VerdictKind): readonly ListedMetric[] =>
  verdict.cells
    .flatMap((cell) => cell.metrics.filter((metric) => metric.verdict === kind).map((metric) => ({ cell, metric })))
    .sort(
      (a, b) =>
        (kind === 'improved' ? 1 : -1) * (severity(a.metric) - severity(b.metric)) ||
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

/** Something that did not run to its end, or did not run at all: a whole cell (no metric named) or some metrics for one reason. */
export interface Failure {
  readonly cell: CellVerdict;
  readonly kind: 'failed' | 'missing';
  readonly metrics: readonly string[];
  readonly reason: string;
  /** What to do about it; null where the reason says that itself. */
  readonly remedy: string | null;
}

const unexplained = 'no reason was recorded: look at the job log';

const isFailure = (kind: VerdictKind | null): kind is 'failed' | 'missing' => kind === 'failed' || kind === 'missing';

const isCode = (word: string): word is ErrorCode => Object.hasOwn(errorTable, word);

/** What to do about the error that a reason names. */
const remedyOf = (reason: string): string | null => {
  const [, word = ''] = /\berror\[([a-z-]+)\]/.exec(reason) ?? [];
  return isCode(word) ? errorTable[word].remedy : null;
};

const failuresOf = (cell: CellVerdict): readonly Failure[] => {
  const grouped = new Map<string, Omit<Failure, 'remedy'>>();
  const whole = isFailure(cell.verdict) && (cell.reason !== null || !cell.metrics.some((metric) => isFailure(metric.verdict)));
  if (whole && isFailure(cell.verdict))
    grouped.set(`${cell.verdict} ${cell.reason}`, { cell, kind: cell.verdict, metrics: [], reason: cell.reason ?? unexplained });
  for (const metric of cell.metrics) {
    if (!isFailure(metric.verdict)) continue;
    const key = `${metric.verdict} ${metric.reason ?? (whole ? cell.reason : null)}`;
    const known = grouped.get(key);
    if (whole && known?.metrics.length === 0) continue;
    grouped.set(key, {
      cell,
      kind: metric.verdict,
      metrics: [...(known?.metrics ?? []), metricName(metric)],
      reason: metric.reason ?? unexplained,
    });
  }
  return [...grouped.values()].map((failure) => ({ ...failure, remedy: remedyOf(failure.reason) }));
};

/** Every failed or missing cell and metric, one entry per cell and reason, by cell. */
export const failures = (verdict: Verdict): readonly Failure[] =>
  verdict.cells.flatMap(failuresOf).sort((a, b) => byName(a.cell.id, b.cell.id));

/** What to do about the errors that a cell's failures name, each once. */
export const remedies = (cell: CellVerdict): readonly string[] => [...new Set(failuresOf(cell).flatMap(({ remedy }) => remedy ?? []))];

/** The order in which verdicts matter to a reader. */
export const verdictOrder = [
  'regressed',
  'failed',
  'missing',
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

/** The models of a verdict in order of first appearance, each with its cells. */
export const cellsByModel = (verdict: Verdict): ReadonlyMap<string, readonly CellVerdict[]> => {
  const models = new Map<string, CellVerdict[]>();
  for (const cell of verdict.cells) models.set(cell.model, [...(models.get(cell.model) ?? []), cell]);
  return models;
};
