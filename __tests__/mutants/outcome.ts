import type { ReportDocument } from '../../src/report/document.ts';
import type { Mutant } from './mutant.ts';

type Cell = ReportDocument['cells'][number];

/** What the gate made of something that was planted. */
export interface Outcome {
  readonly kind: 'caught' | 'caught-by-another' | 'missed' | 'left-alone' | 'disturbed';
  /** The metrics that spoke, or what the cell ended with. */
  readonly by: string;
}

const moved = (cell: Cell, verdicts: readonly string[]): readonly string[] => [
  ...new Set(cell.metrics.flatMap(({ id, verdict }) => (verdict !== null && verdicts.includes(verdict) ? [id] : []))),
];

/** Metrics that head's own measuring code cannot judge, because it gives the reference model other numbers than base's does. */
const doubted = (cell: Cell): readonly string[] =>
  cell.metrics.some(
    ({ verdict, reason }) => verdict === 'inconclusive' && reason?.includes('of the reference model otherwise than') === true,
  )
    ? ['other-measure']
    : [];

/** Whether the right metric has noticed a mutant. */
export const outcomeOfMutant = ({ noticedBy }: Pick<Mutant, 'noticedBy'>, cells: readonly Cell[]): Outcome => {
  const regressed = cells.flatMap((cell) => [
    ...moved(cell, ['regressed']),
    ...doubted(cell),
    ...(cell.verdict === 'failed' ? ['build'] : []),
  ]);
  const right = regressed.filter((id) => noticedBy.includes(id));
  if (right.length > 0) return { kind: 'caught', by: right.join(', ') };
  if (regressed.length > 0) return { kind: 'caught-by-another', by: regressed.join(', ') };
  return { kind: 'missed', by: cells.map(({ verdict }) => verdict).join(', ') || 'no report' };
};

/** Whether a placebo was left alone. */
export const outcomeOfPlacebo = (cells: readonly Cell[]): Outcome => {
  const spoke = cells.flatMap((cell) => [...moved(cell, ['regressed', 'improved']), ...(cell.verdict === 'failed' ? ['build'] : [])]);
  if (spoke.length > 0 || cells.length === 0) return { kind: 'disturbed', by: spoke.join(', ') || 'no report' };
  return { kind: 'left-alone', by: cells.map(({ verdict }) => verdict).join(', ') };
};
