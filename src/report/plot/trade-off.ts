import * as Plot from '@observablehq/plot';
import type { CellVerdict, MetricVerdict } from '../../records/verdict.ts';
import { postOf } from '../gain.ts';
import { metricName } from '../listed-metric.ts';
import { axisUnit, counted, quantity } from '../number.ts';
import { line, verdictColours } from './colours.ts';
import { drawing, isDrawable, isDrawableFactor, label } from './drawing.ts';
import { type CellGain, factorTick, factorTicks, signed, timedGains } from './gain-chart.ts';

/** A gain beside what it costs: a gating loss of likelihood of the same cell. */
export interface TradeOff extends CellGain {
  readonly loss: MetricVerdict;
  readonly value: number;
  /** Where the loss lies, over held-out windows; null without an interval. */
  readonly interval: { readonly lower: number; readonly upper: number } | null;
}

/** The loss over all positions where the cell has it; else the first of another name, such as `served-nll-delta`. */
const lossOf = (cell: CellVerdict): MetricVerdict | undefined => {
  const losses = cell.metrics.filter(({ role, id }) => role === 'gate' && /(?:^|-)nll-delta$/.test(id));
  const drawable = losses.filter((metric) => isDrawable(postOf(metric)));
  return drawable.find(({ id }) => id === 'nll-delta') ?? drawable[0];
};

const intervalOf = ({ interval }: MetricVerdict): TradeOff['interval'] =>
  interval !== null && isDrawable(interval.lower) && isDrawable(interval.upper) ? interval : null;

/** The cells that have both numbers, one entry per timed metric. */
export const tradeOffs = (cells: readonly CellVerdict[]): readonly TradeOff[] =>
  timedGains(cells).flatMap(({ cell, gain }) => {
    const loss = lossOf(cell);
    const value = loss === undefined ? null : postOf(loss);
    return loss === undefined || value === null ? [] : [{ cell, gain, loss, value, interval: intervalOf(loss) }];
  });

/** What of a canvas a sign is drawn with. */
interface Path {
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
  closePath(): void;
}

/** Three corners around the middle, the first at `turn` of a full turn from the right; as large as its neighbours. */
const pointing = (turn: number): Plot.SymbolImplementation => ({
  draw: (path: Path, area: number) => {
    const radius = Math.sqrt((4 * area) / (3 * Math.sqrt(3)));
    const corner = (k: number): [number, number] => {
      const angle = 2 * Math.PI * (turn + k / 3);
      return [radius * Math.cos(angle), radius * Math.sin(angle)];
    };
    path.moveTo(...corner(0));
    path.lineTo(...corner(1));
    path.lineTo(...corner(2));
    path.closePath();
  },
});

const shapes = [
  { symbol: 'circle', sign: '●' },
  { symbol: 'square', sign: '■' },
  { symbol: 'triangle', sign: '▲' },
  { symbol: 'diamond', sign: '◆' },
  { symbol: 'star', sign: '★' },
  { symbol: 'cross', sign: '✚' },
  { symbol: pointing(1 / 4), sign: '▼' },
  { symbol: pointing(0), sign: '▶' },
  { symbol: pointing(1 / 2), sign: '◀' },
  { symbol: 'wye', sign: 'Y' },
] as const;

/** Which sign stands for which timed metric; its points share it, and so does what is beyond the signs with the last. */
export const signsOf = (found: readonly TradeOff[]): ReadonlyMap<string, (typeof shapes)[number]> => {
  const names = [...new Set(found.map(({ gain }) => gain.metric.id))];
  return new Map(names.map((name, index) => [name, shapes[Math.min(index, shapes.length - 1)] ?? shapes[0]]));
};

const size = { width: 520, height: 330, marginLeft: 46, marginRight: 168, marginTop: 26, marginBottom: 38 };
const right = size.width - size.marginRight;
const bottom = size.height - size.marginBottom;
const betweenNames = 13;

/** Heights for names in the right margin, in the order of their dots, far enough apart to be read. */
const spread = (heights: readonly number[]): readonly number[] => {
  const order = heights.map((y, index) => ({ y, index })).sort((a, b) => a.y - b.y);
  let free = size.marginTop;
  const placed = order.map(({ y, index }, at) => {
    const place = Math.max(free, Math.min(y, bottom - (order.length - 1 - at) * betweenNames));
    free = place + betweenNames;
    return { index, place };
  });
  return placed.sort((a, b) => a.index - b.index).map(({ place }) => place);
};

const dotOf = ({ cell, gain, value, interval, loss }: TradeOff) => {
  const speed = gain.interval;
  const bars = speed !== null && isDrawableFactor(speed.lower) && isDrawableFactor(speed.upper) ? speed : null;
  return {
    x: value,
    x1: interval?.lower ?? value,
    x2: interval?.upper ?? value,
    y: gain.factor,
    y1: bars?.lower ?? gain.factor,
    y2: bars?.upper ?? gain.factor,
    metric: gain.metric.id,
    colour: verdictColours[cell.verdict],
    about: cell.id,
    name: signed(cell),
    title: `${cell.id}: ${label(metricName(gain.metric), 80)} ${gain.factor.toPrecision(3)}×, ${label(loss.id)} ${quantity(value, loss.unit)}, ${cell.verdict}`,
  };
};

/** The losses of a chart by name, and the axis that they share: its unit is theirs. */
const lossNames = (found: readonly TradeOff[]): { readonly all: string; readonly axis: string } => {
  const names = [...new Set(found.map(({ loss }) => label(loss.id)))];
  const units = [...new Set(found.map(({ loss }) => axisUnit(1, loss.unit).label))].filter((unit) => unit !== '');
  const axis = names.length === 1 ? (names[0] ?? '') : 'loss of likelihood';
  return { all: names.join(', '), axis: [axis, ...(units.length === 0 ? [] : [units.join(' or ')])].join(', ') };
};

/** `0.02`, `1.5e−7`: losses are of any size. */
const lossTick = (value: number): string => String(Number(value.toPrecision(3))).replaceAll('-', '−');

const plain = (value: string) => ({ value, scale: null }) as const;

/** Speed against quality of one model: up is faster, left loses less. Bars are intervals; each cell is named once, beside its first metric. */
export const tradeOffChart = (model: string, found: readonly TradeOff[], signs: ReturnType<typeof signsOf>): string => {
  const dots = found.map(dotOf);
  const speeds = dots.flatMap(({ y, y1, y2 }) => [y, y1, y2, 1]);
  const [low, high] = [Math.min(...speeds) / 1.05, Math.max(...speeds) * 1.05];
  const factors = factorTicks(low, high);
  const places = dots.flatMap(({ x, x1, x2 }) => [x, x1, x2, 0]);
  const slack = (Math.max(...places) - Math.min(...places) || 1) * 0.05;
  const [least, most] = [Math.min(...places) - slack, Math.max(...places) + slack];
  const across = (value: number): number => size.marginLeft + ((value - least) / (most - least)) * (right - size.marginLeft);
  const up = (factor: number): number => bottom - (Math.log(factor / low) / Math.log(high / low)) * (bottom - size.marginTop);
  const named = dots.filter(({ about }, index) => dots.findIndex((dot) => dot.about === about) === index);
  const heights = spread(named.map(({ y }) => up(y)));
  const names = named.map(({ x, y, name, about, colour }, index) => {
    const place = heights[index] ?? 0;
    return { name, about, colour, fromX: across(x), fromY: up(y), toX: right + 4, textX: right + 8, place };
  });
  const losses = lossNames(found);
  return drawing(
    {
      title: `Speed against quality of ${model}: ${losses.all}`,
      description: `${counted(names.length, 'optimization')}: how many times faster than the reference, against what it loses in likelihood. Up is faster, left loses less. The numbers follow in a table.`,
    },
    {
      ...size,
      x: { domain: [least, most], label: `${label(model)}: ${losses.axis} →`, labelAnchor: 'left', ticks: 5, tickFormat: lossTick },
      y: { type: 'log', domain: [low, high], label: '↑ × faster than the reference', ticks: factors, tickFormat: factorTick },
      color: { type: 'identity' },
      symbol: { domain: [...signs.keys()], range: [...signs.values()].map(({ symbol }) => symbol) },
      marks: [
        Plot.gridY({ stroke: line, strokeOpacity: 1, ticks: factors }),
        Plot.ruleY([1], { stroke: 'var(--ink)' }),
        Plot.ruleX([0], { stroke: 'var(--ink)', strokeDasharray: '2 3' }),
        Plot.link(names, {
          x1: plain('fromX'),
          y1: plain('fromY'),
          x2: plain('toX'),
          y2: plain('place'),
          stroke: line,
          ariaLabel: 'about',
        }),
        Plot.ruleX(dots, { x: 'x', y1: 'y1', y2: 'y2', stroke: 'colour', strokeWidth: 2, strokeOpacity: 0.5, ariaLabel: 'about' }),
        Plot.ruleY(dots, { y: 'y', x1: 'x1', x2: 'x2', stroke: 'colour', strokeWidth: 2, strokeOpacity: 0.5, ariaLabel: 'about' }),
        Plot.dot(dots, { x: 'x', y: 'y', r: 4, fill: 'colour', symbol: 'metric', ariaLabel: 'about', title: 'title' }),
        Plot.text(names, { x: plain('textX'), y: plain('place'), text: 'name', textAnchor: 'start', fill: 'colour', ariaLabel: 'about' }),
      ],
    },
  );
};
