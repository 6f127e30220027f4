/** What did not run to its end, or could not be compared: each cause once, with all the cells that it has stopped. */
import { type ErrorCode, errorTable } from '../errors.ts';
import type { CellVerdict, Verdict } from '../records/verdict.ts';
import { byCause, causeOf } from './cause.ts';
import { byName, type ListedMetric, listedMetrics, metricName } from './listed-metric.ts';

/** How a failure leaves its cells or metrics; `inconclusive`: base gave nothing to compare with. */
type FailureKind = 'failed' | 'missing' | 'inconclusive';

/** One cause, and what it has stopped: whole cells (no metric named) or some of their metrics. */
export interface Failure {
  readonly cells: readonly [CellVerdict, ...CellVerdict[]];
  readonly kind: FailureKind;
  readonly metrics: readonly string[];
  /** As the first cell has it. */
  readonly reason: string;
  /** What to do about it; null where the reason says that itself. */
  readonly remedy: string | null;
}

const unexplained = 'no reason was recorded: look at the job log';

const isCode = (word: string): word is ErrorCode => Object.hasOwn(errorTable, word);

/** What to do about the error that a reason names. */
const remedyOf = (reason: string): string | null => {
  const [, word = ''] = /\berror\[([a-z-]+)\]/.exec(reason) ?? [];
  return isCode(word) ? errorTable[word].remedy : null;
};

interface OwnFailure {
  readonly cell: CellVerdict;
  readonly metrics: readonly string[];
  readonly reason: string;
}

/** A whole cell that ended so, for a reason of its own or for none that its metrics would give. */
const isWhole = (cell: CellVerdict, kind: FailureKind): boolean =>
  cell.verdict === kind && (cell.reason !== null || !cell.metrics.some(({ verdict }) => verdict === kind));

/** The failures of one cell, one entry per reason. What a metric says of its whole cell is not said again. */
const failuresOf = (cell: CellVerdict, kind: FailureKind): readonly OwnFailure[] => {
  const whole = isWhole(cell, kind);
  const own = cell.metrics.filter(({ verdict, reason }) => verdict === kind && !(whole && (reason === null || reason === cell.reason)));
  return [
    ...(whole ? [{ cell, metrics: [], reason: cell.reason ?? unexplained }] : []),
    ...byCause(own, ({ reason }) => reason ?? '').map((same) => ({
      cell,
      metrics: same.map(metricName),
      reason: same[0].reason ?? unexplained,
    })),
  ];
};

/** The same failures of several cells as one. */
const joined = (kind: FailureKind, found: readonly OwnFailure[]): readonly Failure[] =>
  byCause(
    found.toSorted((a, b) => byName(a.cell.id, b.cell.id)),
    ({ cell, metrics, reason }) => `${metrics.length === 0} ${causeOf(reason, cell.model)}`,
  ).map(([first, ...others]) => ({
    cells: [first.cell, ...others.map(({ cell }) => cell)],
    kind,
    metrics: [...new Set([first, ...others].flatMap(({ metrics }) => metrics))],
    reason: first.reason,
    remedy: remedyOf(first.reason),
  }));

/** Every failed or missing cell and metric: one entry per cause, by its first cell. */
export const failures = (verdict: Verdict): readonly Failure[] =>
  (['failed', 'missing'] as const)
    .flatMap((kind) =>
      joined(
        kind,
        verdict.cells.flatMap((cell) => failuresOf(cell, kind)),
      ),
    )
    .sort((a, b) => byName(a.cells[0].id, b.cells[0].id));

/** Cells that are undecided as a whole, such as those whose base failed: one entry per cause. */
export const undecidedCells = (verdict: Verdict): readonly Failure[] =>
  joined(
    'inconclusive',
    verdict.cells.flatMap((cell) => (isWhole(cell, 'inconclusive') ? [{ cell, metrics: [], reason: cell.reason ?? unexplained }] : [])),
  );

/** Undecided metrics that no cause of their whole cell explains, those of one cause together. */
export const undecidedMetrics = (verdict: Verdict): readonly (readonly [ListedMetric, ...ListedMetric[]])[] =>
  byCause(
    listedMetrics(verdict, 'inconclusive').filter(
      ({ cell, metric }) => !(isWhole(cell, 'inconclusive') && (metric.reason === null || metric.reason === cell.reason)),
    ),
    ({ cell, metric }) => causeOf(metric.reason ?? '', cell.model),
  );

/** What to do about the errors that a cell's failures name, each once. */
export const remedies = (cell: CellVerdict): readonly string[] => [
  ...new Set(
    (['failed', 'missing', 'inconclusive'] as const)
      .flatMap((kind) => failuresOf(cell, kind))
      .flatMap(({ reason }) => remedyOf(reason) ?? []),
  ),
];
