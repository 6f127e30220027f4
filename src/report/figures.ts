/** The one or two numbers by which an optimization is known, read off its metric specifications: no table of ids. */
import type { CellVerdict, MetricVerdict } from '../records/verdict.ts';
import { type Gain, gainOf, postOf } from './gain.ts';
import { absent, gainText, quantity, significant } from './number.ts';

export interface Figure {
  /** The metric's id. */
  readonly id: string;
  readonly unit: string;
  /** Better than the reference by this factor, the geometric mean over its points; null where a factor has no meaning. */
  readonly factor: number | null;
  /** Head's number at the first point that has one, for metrics without a factor. */
  readonly value: number;
  readonly points: number;
}

/** Metrics that every optimization of a model has: where they have columns of their own, an optimization's figures are the others. */
export const sharedIds: ReadonlySet<string> = new Set([
  'prefill-latency',
  'prefill-speedup',
  'decode-latency',
  'decode-speedup',
  'nll-delta',
  'accuracy-preservation',
  'kl-divergence',
  'kl-p99',
  'top1-agreement',
  'model-size',
  'size-reduction',
  'macs-per-token',
  'parameters',
  'peak-memory',
  'energy',
]);

const shownFigures = 2;

/** Gating before shown, measured time before exact numbers, of those its own before what all share, factors before values. */
const rankOf = (id: string, metrics: readonly MetricVerdict[], factor: number | null): number => {
  const gates = metrics.some(({ role }) => role === 'gate');
  const timed = metrics.some(({ kind }) => kind === 'timing');
  return (gates ? 0 : 8) + (timed ? 0 : 4) + (!timed && sharedIds.has(id) ? 2 : 0) + (factor === null ? 1 : 0);
};

const meanFactor = (gains: readonly (Gain | null)[]): number | null => {
  const factors = gains.flatMap((gain) => (gain === null ? [] : [gain.factor]));
  if (factors.length === 0 || factors.length < gains.length) return null;
  return Math.exp(factors.reduce((sum, factor) => sum + Math.log(factor), 0) / factors.length);
};

/** At most two figures of a cell, the most telling first; ids in `except` are left out, and so is what has no number. */
export const figuresOf = (cell: CellVerdict, except: ReadonlySet<string> = new Set()): readonly Figure[] => {
  const byId = new Map<string, MetricVerdict[]>();
  for (const metric of cell.metrics) {
    if (except.has(metric.id) || postOf(metric) === null) continue;
    byId.set(metric.id, [...(byId.get(metric.id) ?? []), metric]);
  }
  const ranked = [...byId].map(([id, found]) => {
    const gating = found.filter(({ role }) => role === 'gate');
    const metrics = gating.length > 0 ? gating : found;
    const factor = meanFactor(metrics.map((metric) => gainOf(metric, cell)));
    const [first] = metrics;
    const figure = { id, unit: first?.unit ?? '', factor, value: first === undefined ? 0 : (postOf(first) ?? 0), points: metrics.length };
    return { rank: rankOf(id, metrics, factor), figure };
  });
  return ranked
    .toSorted((a, b) => a.rank - b.rank)
    .slice(0, shownFigures)
    .map(({ figure }) => figure);
};

/** `prefill`, `goodput`: the id, short where everybody knows it. */
export const figureName = ({ id, factor }: Figure): string => (factor !== null && sharedIds.has(id) ? id.replace(/-latency$/, '') : id);

/** `1.23×`, or the value with its unit; a difference has its sign. */
export const figureText = ({ id, factor, value, unit }: Figure): string =>
  factor !== null ? `${significant(factor)}×` : `${value > 0 && id.endsWith('-delta') ? '+' : ''}${quantity(value, unit)}`;

/** `1.23× better`, `1.05× worse`, `as good`, or the value with its unit. */
export const figureInWords = (figure: Figure): string => (figure.factor === null ? figureText(figure) : gainText(figure.factor));

/** The text without unit, for narrow tables that say elsewhere what it is. */
export const bareFigure = ({ id, factor, value, unit }: Figure): string => {
  if (factor !== null) return significant(factor);
  return unit === '%' ? `${significant(value)}%` : figureText({ id, factor, value, unit: unit === 'bytes' ? unit : '', points: 1 });
};

/** `prefill 1.25×, decode 1.20×`, or `–`. */
export const figuresText = (figures: readonly Figure[]): string =>
  figures.length === 0 ? absent : figures.map((figure) => `${figureName(figure)} ${figureText(figure)}`).join(', ');
