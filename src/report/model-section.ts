/** One collapsed block per model: what each optimization does to it (reference → head), then every metric that has a number. */
import type { CellVerdict, MetricVerdict } from '../records/verdict.ts';
import type { Row, Section } from './budget.ts';
import { metricLabel, ranks } from './changes.ts';
import { detectableSentence } from './detectable.ts';
import { code, html } from './escape.ts';
import { type Figure, figureInWords, figuresOf, ownFiguresOf } from './figures.ts';
import { verdictSigns } from './heading.ts';
import { impactOf, qualityCell, referenceText, sizeCell, speedCell } from './impact.ts';
import { byName, cellCounts, measurementsTitle, metricName, verdictOrder } from './listed-metric.ts';
import { allowanceText, changeText, counted, quantity, quantityWithin } from './number.ts';
import { tableHead, tableRow } from './table.ts';

/** The figures that are the optimization's own, beside the columns that all share. */
const ownFigures = (cell: CellVerdict): string => figuresIn(ownFiguresOf(cell));

const figuresIn = (figures: readonly Figure[]): string => {
  if (figures.length === 0) return '–';
  return figures.map((figure) => `${code(figure.id, 60)} ${figureInWords(figure)}`).join(', ');
};

const impactText = (cell: CellVerdict): string => {
  const impact = impactOf(cell);
  return tableRow([
    code(cell.optimization),
    `${verdictSigns[cell.verdict]} ${cell.verdict}`,
    speedCell(impact.prefill),
    speedCell(impact.decode),
    qualityCell(impact.quality),
    sizeCell(impact.size),
    sizeCell(impact.memory),
    ownFigures(cell),
  ]);
};

/** Rank of a metric among all metric rows of the report: judged before described, trouble before peace. */
const importance = (metric: MetricVerdict): number => {
  const order: readonly string[] = verdictOrder;
  if (metric.verdict !== null) return ranks.metric + order.indexOf(metric.verdict);
  return ranks.metric + order.length + (metric.role === 'advisory' ? 0 : 1);
};

const metricRow = (cell: CellVerdict, metric: MetricVerdict): Row => ({
  rank: importance(metric),
  text: () =>
    tableRow([
      code(cell.optimization),
      metricLabel({ metric }),
      ...(cell.model === null ? [] : [referenceText(cell, metric)]),
      quantity(metric.base, metric.unit),
      quantityWithin(metric.head, metric.interval, metric.unit),
      changeText(metric),
      metric.role === 'gate' ? allowanceText(metric.tolerance, metric) : '–',
      metric.verdict === null ? metric.role : `${verdictSigns[metric.verdict]} ${metric.verdict}`,
    ]),
});

/** Metrics without a number stand in the coverage, not here. */
const shown = (metric: MetricVerdict): boolean => metric.head !== null || metric.base !== null;

const impactHead = tableHead([
  'optimization',
  'verdict',
  'prefill, against reference',
  'decode, against reference',
  'quality (nll-delta):',
  'size, reference → head',
  'peak memory, reference → head',
  'its own, against its reference',
]);
const metricHead = tableHead(['optimization', 'metric', 'reference:', 'base:', 'head:', 'head against base:', 'tolerance:', 'verdict']);

const measurementHead = tableHead(['measurement', 'metric', 'base:', 'head:', 'head against base:', 'tolerance:', 'verdict']);

const omitted = (count: number): string => `… ${counted(count, 'less important row')} left out here: see the full report.`;

/** Every metric with a number, as one section that ends its block. */
const metricSection = (cells: readonly CellVerdict[], everything: boolean, head: string): Section => {
  const quiet = everything ? 0 : cells.filter(({ verdict }) => verdict === 'unchanged').length;
  const metrics = cells.flatMap((cell) =>
    cell.metrics
      .filter((metric) => shown(metric) && (everything || cell.verdict !== 'unchanged'))
      .toSorted((a, b) => importance(a) - importance(b) || byName(metricName(a), metricName(b)))
      .map((metric) => metricRow(cell, metric)),
  );
  const detectable = detectableSentence(
    cells.flatMap((cell) => cell.metrics),
    (name) => code(name, 60),
  );
  return {
    open:
      metrics.length === 0
        ? ''
        : `Every metric with a number${quiet === 0 ? '' : ` (without ${counted(quiet, 'unchanged cell')}: same artefact, same runtime)`}:\n\n${head}`,
    rows: metrics,
    close: [detectable, '</details>'].filter((text) => text !== '').join('\n\n'),
    omitted,
  };
};

const measurementRow = (cell: CellVerdict): string =>
  tableRow([code(cell.optimization), `${verdictSigns[cell.verdict]} ${cell.verdict}`, figuresIn(figuresOf(cell))]);

/** The cells that no model takes part in: nothing of a model stands beside them. */
export const measurementSections = (cells: readonly CellVerdict[], everything: boolean): readonly Section[] =>
  cells.length === 0
    ? []
    : [
        {
          open: `<details><summary><b>${measurementsTitle}</b>: ${cellCounts(cells)}</summary>\n\nWhat each program measures of head:\n\n${tableHead(['measurement', 'verdict', 'head'])}`,
          rows: cells.map((cell) => ({ rank: ranks.impact, text: () => measurementRow(cell) })),
          close: '',
          omitted,
        },
        metricSection(cells, everything, measurementHead),
      ];

/**
 * Two sections that share one collapsed block; put them next to each other. `everything`: also the metrics of unchanged cells,
 * whose figures stand in the first table anyway.
 */
export const modelSections = (model: string, cells: readonly CellVerdict[], everything: boolean): readonly Section[] => [
  {
    open: `<details><summary><b>${html(model, 80)}</b>: ${cellCounts(cells)}</summary>\n\nWhat each optimization does to the reference model (reference → head):\n\n${impactHead}`,
    rows: cells.map((cell) => ({ rank: ranks.impact, text: () => impactText(cell) })),
    close: '',
    omitted,
  },
  metricSection(cells, everything, metricHead),
];
