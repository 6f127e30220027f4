/** One cell in full: findings, figures, pictures, every metric. */
import type { CellVerdict, MetricVerdict } from '../../records/verdict.ts';
import { html } from '../escape.ts';
import { remedies } from '../failure.ts';
import { figureInWords, ownFiguresOf } from '../figures.ts';
import { impactOf, qualityCell, referenceText, sizeCell, speedCell } from '../impact.ts';
import { metricName } from '../listed-metric.ts';
import { allowanceText, changeText, quantity, quantityWithin } from '../number.ts';
import { reasonOf } from '../state-text.ts';
import { anchorOf, badge } from './cell-link.ts';
import { rowsOf, table } from './element.ts';
import { filterFacts } from './filter.ts';

/** A number above its interval. */
const stacked = (text: string): string => html(text).replace(/ \(.*\)$/, '<br><small>$&</small>');

/** What its whole cell says stands above the table. */
const noteOf = (metric: MetricVerdict, cell: CellVerdict): string => {
  const reason = metric.reason !== null && metric.reason === cell.reason ? null : reasonOf(metric, metric.head);
  return [...(reason === null ? [] : [reason]), ...metric.warnings].join('; ');
};

const metricCells = (metric: MetricVerdict, cell: CellVerdict): readonly string[] => [
  `${html(metricName(metric))} ${metric.better === 'lower' ? '<span title="lower is better">↓</span>' : '<span title="higher is better">↑</span>'}`,
  metric.verdict === null ? metric.role : badge(metric.verdict),
  ...(cell.model === null ? [] : [html(referenceText(cell, metric))]),
  html(quantity(metric.base, metric.unit)),
  stacked(quantityWithin(metric.head, metric.interval, metric.unit)),
  stacked(changeText(metric)),
  metric.role === 'gate' ? html(allowanceText(metric.tolerance, metric)) : '–',
  html(allowanceText(metric.detectable, metric)),
  html(noteOf(metric, cell), 600),
];

const facts = (cell: CellVerdict): readonly (readonly [string, string])[] => {
  const impact = impactOf(cell);
  return [
    ['prefill', speedCell(impact.prefill)] as const,
    ['decode', speedCell(impact.decode)] as const,
    ['nll-delta', qualityCell(impact.quality)] as const,
    ['size', sizeCell(impact.size)] as const,
    ['peak memory', sizeCell(impact.memory)] as const,
    ...ownFiguresOf(cell).map((figure) => [figure.id, figureInWords(figure)] as const),
  ].filter(([, text]) => text !== '–');
};

/** `pictures` is HTML already. Cells that somebody has to look at are open. */
export const cellBlock = (cell: CellVerdict, pictures: string): string => {
  const known = facts(cell);
  const open = cell.verdict === 'regressed' || cell.verdict === 'failed' || cell.verdict === 'missing' ? ' open' : '';
  return [
    `<details id="${anchorOf(cell)}" ${filterFacts(cell)}${open}><summary>${html(cell.optimization)} ${badge(cell.verdict)}</summary>`,
    cell.reason === null ? '' : `<p>${html(cell.reason, 2000)}</p>`,
    ...remedies(cell).map((remedy) => `<p><b>What to do:</b> ${html(remedy, 500)}</p>`),
    ...cell.warnings.map((warning) => `<p class="warning">⚠️ ${html(warning, 600)}</p>`),
    known.length === 0 ? '' : `<p>${known.map(([name, text]) => `<b>${html(name)}</b> ${html(text)}`).join(' · ')}</p>`,
    cell.metrics.length === 0
      ? ''
      : table({
          caption: `Metrics of ${cell.id}${cell.metrics.some(({ interval }) => interval !== null) ? '; below a number of head stands its 95 % interval' : ''}`,
          head: [
            'metric',
            'verdict',
            ...(cell.model === null ? [] : ['reference']),
            'base',
            'head',
            'head against base',
            'tolerance',
            'detectable',
            'note',
          ],
          rows: rowsOf(cell.metrics.map((metric) => metricCells(metric, cell))),
          numbers: [2, 3, 4, 5, 6, 7],
        }),
    pictures,
    '</details>',
  ]
    .filter((text) => text !== '')
    .join('\n');
};
