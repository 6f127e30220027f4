/** The cells at one glance: the grid, speed against quality, gain over the reference. */
import type { CellVerdict, Verdict } from '../../records/verdict.ts';
import { html } from '../escape.ts';
import { figuresOf, figuresText } from '../figures.ts';
import { cellsByModel, measurementsTitle, metricName } from '../listed-metric.ts';
import { absent, counted, quantity, significant } from '../number.ts';
import { type CellGain, gainChart, gainDomain, timedGains } from '../plot/gain-chart.ts';
import { signsOf, type TradeOff, tradeOffChart, tradeOffs } from '../plot/trade-off.ts';
import { anchorOf, badge, cellLink } from './cell-link.ts';
import { figure, rowsOf, table } from './element.ts';

/** Optimizations × models: verdict and the figures that tell most, each a link to the details. */
const gridTable = (verdict: Verdict): string => {
  const models = [...cellsByModel(verdict).keys()];
  const columns: readonly (string | null)[] = verdict.cells.some(({ model }) => model === null) ? [...models, null] : models;
  const optimizations = [...new Set(verdict.cells.map(({ optimization }) => optimization))];
  const cellAt = new Map(verdict.cells.map((cell) => [`${cell.optimization} ${cell.model}`, cell]));
  const entry = (cell: CellVerdict | undefined): string => {
    if (cell === undefined) return '';
    const figures = figuresOf(cell);
    return `<span data-about="${anchorOf(cell)}"><a href="#${anchorOf(cell)}">${badge(cell.verdict)}</a>${figures.length === 0 ? '' : `<br><small>${html(figuresText(figures))}</small>`}</span>`;
  };
  return table({
    caption:
      models.length === 0
        ? 'Every measurement: its verdict, and what head measures'
        : 'The verdict of each cell, and below it how many times better head is than the reference model; a policy is held against its comparator',
    head: [models.length === 0 ? 'measurement' : 'optimization', ...columns.map((model) => model ?? measurementsTitle)],
    rows: rowsOf(
      optimizations.map((optimization) => [html(optimization), ...columns.map((model) => entry(cellAt.get(`${optimization} ${model}`)))]),
    ),
    numbers: [],
  });
};

const bounds = (interval: CellGain['gain']['interval']): string =>
  interval === null
    ? absent
    : `${significant(interval.lower)} … ${significant(interval.upper)}${interval.kind === 'range' ? ' (range)' : ''}`;

const lossBounds = (interval: TradeOff['interval']): string =>
  interval === null ? absent : `${significant(interval.lower)} … ${significant(interval.upper)}`;

const gainCells = ({ cell, gain }: CellGain): readonly string[] => [
  cellLink(cell, cell.id),
  html(metricName(gain.metric)),
  `${significant(gain.factor)}×`,
  bounds(gain.interval),
];

const perModel = <T extends CellGain>(found: readonly T[]): readonly (readonly [string, readonly T[]])[] =>
  [...new Set(found.flatMap(({ cell }) => cell.model ?? []))].map((model) => [model, found.filter(({ cell }) => cell.model === model)]);

const bars = 'Bars are 90 % intervals over launches; with fewer than five launches, their range.';

const tradeOffFigure = (cells: readonly CellVerdict[]): string => {
  const found = tradeOffs(cells);
  if (found.length === 0) return '';
  const signs = signsOf(found);
  const legend = [...signs].map(([name, { sign }]) => `${sign} ${name}`).join('  ');
  return `<h3>Speed against quality</h3>${figure(
    `${legend}. Higher is faster than the reference, further left loses less quality. ${bars} Bars across: 95 % intervals of the loss over held-out windows, where it has one.`,
    perModel(found).map(([model, own]) => tradeOffChart(model, own, signs)),
    table({
      caption: 'Speed against quality',
      head: ['cell', 'speed', 'gain', 'interval', 'quality', 'loss', 'interval', 'verdict'],
      rows: found.map((one) => ({
        about: anchorOf(one.cell),
        cells: [
          ...gainCells(one),
          html(metricName(one.loss)),
          html(quantity(one.value, one.loss.unit)),
          lossBounds(one.interval),
          badge(one.cell.verdict),
        ],
      })),
      numbers: [2, 3, 5, 6],
    }),
  )}`;
};

const gainFigure = (cells: readonly CellVerdict[]): string => {
  const found = timedGains(cells);
  if (found.length === 0) return '';
  const domain = gainDomain(found);
  const without = cells.filter((cell) => !found.some((one) => one.cell === cell));
  const rest =
    without.length === 0 ? '' : ` Without a timed gain: ${counted(without.length, 'cell')}, see the grid for what they are known by.`;
  return `<h3>Gain over the reference</h3>${figure(
    `Every gating time or rate that was measured, one dot per operating point; right of 1 is better. ${bars}${rest}`,
    perModel(found).map(([model, own]) => gainChart(model, own, domain)),
    table({
      caption: 'Gain over the reference',
      head: ['cell', 'metric', 'gain', 'interval', 'verdict'],
      rows: found.map((one) => ({ about: anchorOf(one.cell), cells: [...gainCells(one), badge(one.cell.verdict)] })),
      numbers: [2, 3],
    }),
  )}`;
};

/** Grid and charts of all cells; nothing for a verdict without cells. */
export const overview = (verdict: Verdict): string =>
  verdict.cells.length === 0
    ? ''
    : `<section class="overview" id="overview"><h2>All cells</h2>${gridTable(verdict)}${tradeOffFigure(verdict.cells)}${gainFigure(verdict.cells)}</section>`;
