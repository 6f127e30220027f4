import * as Plot from '@observablehq/plot';
import type { CellVerdict } from '../../records/verdict.ts';
import { type Gain, gainOf } from '../gain.ts';
import { metricName } from '../listed-metric.ts';
import { counted } from '../number.ts';
import { marks } from '../text-changes.ts';
import { line, verdictColours } from './colours.ts';
import { drawing, isDrawableFactor, label } from './drawing.ts';

/** One dot: a gating metric of a cell with its gain over the reference. */
export interface CellGain {
  readonly cell: CellVerdict;
  readonly gain: Gain;
}

/** The gains of the timed metrics that gate, of every cell that has one. */
export const timedGains = (cells: readonly CellVerdict[]): readonly CellGain[] =>
  cells.flatMap((cell) =>
    cell.metrics
      .filter(({ role, kind }) => role === 'gate' && kind === 'timing')
      .flatMap((metric) => gainOf(metric, cell) ?? [])
      .filter(({ factor }) => isDrawableFactor(factor))
      .map((gain) => ({ cell, gain })),
  );

const within = (interval: Gain['interval']): interval is NonNullable<Gain['interval']> =>
  interval !== null && isDrawableFactor(interval.lower) && isDrawableFactor(interval.upper);

/** Sign of a verdict beside a name in a chart. */
export const signed = (cell: CellVerdict): string => `${label(cell.optimization, 24)} ${marks[cell.verdict]}`;

/** Ticks of a logarithmic axis of factors. */
export const factorTick = (tick: number): string => String(Number(tick.toPrecision(3)));

const tickSteps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5];

/** Ticks of an axis of factors: even steps with 1 among them; over a wide range about as many as Plot chooses by decades. */
export const factorTicks = (low: number, high: number): number | number[] => {
  const step = high / low > 5 ? undefined : tickSteps.find((each) => (high - low) / each <= 8);
  if (step === undefined) return 6;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, at) => (first + at) * step);
};

const dotOf = ({ cell, gain }: CellGain) => ({
  row: signed(cell),
  x: gain.factor,
  x1: within(gain.interval) ? gain.interval.lower : gain.factor,
  x2: within(gain.interval) ? gain.interval.upper : gain.factor,
  colour: verdictColours[cell.verdict],
  about: cell.id,
  title: `${cell.id}: ${label(metricName(gain.metric), 80)} ${gain.factor.toPrecision(3)}×, ${cell.verdict}`,
});

/** Rows are optimizations, across is how many times better than the reference, on a logarithmic scale. One chart per model, all on one `domain`. */
export const gainChart = (model: string, gains: readonly CellGain[], domain: readonly [number, number]): string => {
  const dots = gains.map(dotOf);
  const rows = [...new Set(dots.map(({ row }) => row))];
  const ticks = factorTicks(...domain);
  return drawing(
    {
      title: `Gain of each optimization of ${model} over its reference`,
      description: `${counted(dots.length, 'gain')} of ${counted(rows.length, 'optimization')}; 1 is as good as the reference, right of it is better. The numbers follow in a table.`,
    },
    {
      width: 520,
      height: 50 + rows.length * 22,
      marginLeft: 162,
      marginTop: 34,
      marginBottom: 8,
      x: {
        type: 'log',
        label: `${label(model)}: × better than its reference →`,
        domain: [...domain],
        ticks,
        tickFormat: factorTick,
        axis: 'top',
      },
      y: { domain: rows, label: null, padding: 0.3, tickSize: 0 },
      color: { type: 'identity' },
      marks: [
        Plot.gridX({ stroke: line, strokeOpacity: 1, ticks }),
        Plot.ruleX([1], { stroke: 'var(--ink)' }),
        Plot.ruleY(dots, { y: 'row', x1: 'x1', x2: 'x2', stroke: 'colour', strokeWidth: 2, strokeOpacity: 0.5, ariaLabel: 'about' }),
        Plot.dot(dots, { y: 'row', x: 'x', r: 3.5, fill: 'colour', ariaLabel: 'about', title: 'title' }),
      ],
    },
  );
};

/** One axis for all models, with 1 on it. */
export const gainDomain = (gains: readonly CellGain[]): readonly [number, number] => {
  const ends = gains.flatMap(({ gain }) => (within(gain.interval) ? [gain.interval.lower, gain.interval.upper] : [gain.factor]));
  return [Math.min(1, ...ends) / 1.04, Math.max(1, ...ends) * 1.04];
};
