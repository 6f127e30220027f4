/** The one or two numbers by which an optimization is known, as its benchmark names them. */
import type { ReportColumn } from '../records/metric.ts';
import type { CellVerdict } from '../records/verdict.ts';
import { type Gain, gainOf, postOf } from './gain.ts';
import { absent, gainText, quantity, significant } from './number.ts';

export interface Figure {
  /** The metric's id. */
  readonly id: string;
  /** The column of a report that it stands in; null: none. */
  readonly column: ReportColumn | null;
  readonly unit: string;
  /** Better than the reference by this factor, the geometric mean over its points; null where a factor has no meaning. */
  readonly factor: number | null;
  /** Head's number at the first point that has one, for metrics without a factor. */
  readonly value: number;
  readonly points: number;
}

const shownFigures = 2;

const meanFactor = (gains: readonly (Gain | null)[]): number | null => {
  const factors = gains.flatMap((gain) => (gain === null ? [] : [gain.factor]));
  if (factors.length === 0 || factors.length < gains.length) return null;
  return Math.exp(factors.reduce((sum, factor) => sum + Math.log(factor), 0) / factors.length);
};

const figureOf = (cell: CellVerdict, id: string): Figure | null => {
  const found = cell.metrics.filter((metric) => metric.id === id && postOf(metric) !== null);
  const gating = found.filter(({ role }) => role === 'gate');
  const metrics = gating.length > 0 ? gating : found;
  const [first] = metrics;
  if (first === undefined) return null;
  const factor = meanFactor(metrics.map((metric) => gainOf(metric, cell)));
  return { id, column: first.column, unit: first.unit, factor, value: postOf(first) ?? 0, points: metrics.length };
};

const knownBy = (cell: CellVerdict): readonly Figure[] => cell.headline.flatMap((id) => figureOf(cell, id) ?? []);

/** At most two figures that the optimization of a cell is known by, the most telling first; what has no number is left out. */
export const figuresOf = (cell: CellVerdict): readonly Figure[] => knownBy(cell).slice(0, shownFigures);

/** The same beside the columns that optimizations share: without the figures that stand there. */
export const ownFiguresOf = (cell: CellVerdict): readonly Figure[] =>
  knownBy(cell)
    .filter(({ column }) => column === null)
    .slice(0, shownFigures);

/** `prefill`, `goodput`: the id, short where everybody knows it. */
export const figureName = ({ id, column, factor }: Figure): string =>
  factor !== null && (column === 'prefill' || column === 'decode') ? column : id;

/** `1.23×`, or the value with its unit; a difference has its sign. */
const figureText = ({ id, factor, value, unit }: Figure): string =>
  factor !== null ? `${significant(factor)}×` : `${value > 0 && id.endsWith('-delta') ? '+' : ''}${quantity(value, unit)}`;

/** `1.23× better`, `1.05× worse`, `as good`, or the value with its unit. */
export const figureInWords = (figure: Figure): string => (figure.factor === null ? figureText(figure) : gainText(figure.factor));

/** For columns of gains: a bare number is a gain, and what is none has its unit. */
export const bareFigure = (figure: Figure): string => {
  const { factor, value, unit } = figure;
  if (factor !== null) return significant(factor);
  return unit === '%' ? `${significant(value)}%` : figureText(figure);
};

/** `prefill 1.25×, decode 1.20×`, or `–`. */
export const figuresText = (figures: readonly Figure[]): string =>
  figures.length === 0 ? absent : figures.map((figure) => `${figureName(figure)} ${figureText(figure)}`).join(', ');
