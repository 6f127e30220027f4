/** index.html: the whole report as one page that needs nothing but itself. */
import type { CellVerdict, MetricVerdict, Verdict } from '../records/verdict.ts';
import type { ReportContext } from './context.ts';
import { coverageSentence } from './coverage.ts';
import { detectableSentence } from './detectable.ts';
import { html, linkTarget } from './escape.ts';
import { cellCounts, cellsByModel, type Failure, failures, findings, metricName } from './finding.ts';
import { headline, runWords, verdictSigns } from './heading.ts';
import { impactOf, qualityCell, sizeCell, speedCell } from './impact.ts';
import { allowanceText, changeText, durationText, passage, probabilityText, quantity } from './number.ts';
import { reasonOf } from './state.ts';
import { style } from './style.ts';

interface HtmlTable {
  readonly caption: string;
  readonly head: readonly string[];
  /** Cells are HTML already; the first is the row's header. */
  readonly rows: readonly (readonly string[])[];
  /** Indices of columns with numbers. */
  readonly numbers: readonly number[];
}

const table = ({ caption, head, rows, numbers }: HtmlTable): string => {
  const aligned = (index: number): string => (numbers.includes(index) ? ' class="n"' : '');
  const headCells = head.map((name, index) => `<th scope="col"${aligned(index)}>${html(name)}</th>`).join('');
  const line = (cells: readonly string[]): string =>
    cells.map((cell, index) => (index === 0 ? `<th scope="row">${cell}</th>` : `<td${aligned(index)}>${cell}</td>`)).join('');
  const body = rows.map((cells) => `<tr>${line(cells)}</tr>`).join('\n');
  return `<div class="scroll"><table><caption>${html(caption)}</caption><thead><tr>${headCells}</tr></thead><tbody>\n${body}\n</tbody></table></div>`;
};

const badge = (kind: CellVerdict['verdict']): string => `<span class="v ${kind}">${verdictSigns[kind]} ${kind}</span>`;

/** A fragment that is unique in the page: ids have one slash and never a colon. */
const anchorOf = (cell: CellVerdict): string => html(`cell-${cell.id.replace('/', ':')}`, 400);

const cellLink = (cell: CellVerdict, text: string): string => `<a href="#${anchorOf(cell)}">${html(text)}</a>`;

const grid = (verdict: Verdict): string => {
  const models = [...cellsByModel(verdict).keys()];
  const optimizations = [...new Set(verdict.cells.map(({ optimization }) => optimization))];
  const cellAt = new Map(verdict.cells.map((cell) => [`${cell.optimization} ${cell.model}`, cell]));
  const entry = (cell: CellVerdict | undefined): string => {
    if (cell === undefined) return '';
    const { prefill, decode } = impactOf(cell);
    const speeds = [prefill, decode]
      .filter((found) => found?.ratio !== null && found !== null)
      .map((found) => quantity(found?.ratio ?? null, '×'));
    return `${cellLink(cell, `${verdictSigns[cell.verdict]} ${cell.verdict}`)}${speeds.length === 0 ? '' : `<br><small>${html(speeds.join(' / '))}</small>`}`;
  };
  return table({
    caption: 'Every cell: verdict, and speed against the untouched model (prefill / decode)',
    head: ['optimization', ...models],
    rows: optimizations.map((optimization) => [
      html(optimization),
      ...models.map((model) => entry(cellAt.get(`${optimization} ${model}`))),
    ]),
    numbers: [],
  });
};

const regressions = (verdict: Verdict): string => {
  const found = findings(verdict, 'regressed');
  if (found.length === 0) return '';
  return `<section><h2>Regressions</h2>${table({
    caption: 'Worse than base beyond the tolerance, the worst first',
    head: ['cell', 'metric', 'base → head', 'change', 'tolerance', 'p', 'launches'],
    rows: found.map(({ cell, metric }) => [
      cellLink(cell, cell.id),
      html(metricName(metric)),
      html(passage(metric.base, metric.head, metric.unit) ?? '–'),
      html(changeText(metric)),
      html(allowanceText(metric.tolerance, metric)),
      metric.kind === 'exact' ? 'exact' : html(probabilityText(metric.p)),
      metric.kind === 'exact' ? '–' : String(metric.launches),
    ]),
    numbers: [2, 3, 4, 5, 6],
  })}</section>`;
};

const list = (title: string, items: readonly string[]): string =>
  items.length === 0 ? '' : `<section><h2>${html(title)}</h2><ul>${items.map((item) => `<li>${item}</li>`).join('\n')}</ul></section>`;

const failureItem = (failure: Failure): string => {
  const names = failure.metrics.length === 0 ? '' : ` (${html(failure.metrics.join(', '), 200)})`;
  return `${cellLink(failure.cell, failure.cell.id)}${names} <strong>${failure.kind}</strong>: ${html(failure.reason, 2000)}`;
};

const metricCells = (metric: MetricVerdict): readonly string[] => [
  `${html(metricName(metric))} ${metric.better === 'lower' ? '<span title="lower is better">↓</span>' : '<span title="higher is better">↑</span>'}`,
  html(quantity(metric.reference, metric.unit)),
  html(quantity(metric.base, metric.unit)),
  html(quantity(metric.head, metric.unit)),
  html(changeText(metric)),
  metric.role === 'gate' ? html(allowanceText(metric.tolerance, metric)) : '–',
  html(allowanceText(metric.detectable, metric)),
  metric.verdict === null ? metric.role : badge(metric.verdict),
  html([reasonOf(metric, metric.head) ?? '', ...metric.warnings].filter((text) => text !== '').join('; '), 600),
];

const cellBlock = (cell: CellVerdict): string => {
  const impact = impactOf(cell);
  const facts = [
    ['prefill', speedCell(impact.prefill)],
    ['decode', speedCell(impact.decode)],
    ['nll-delta', qualityCell(impact.quality)],
    ['size', sizeCell(impact.size)],
    ['peak memory', sizeCell(impact.memory)],
  ].filter(([, text]) => text !== '–');
  const open = cell.verdict === 'regressed' || cell.verdict === 'failed' || cell.verdict === 'missing' ? ' open' : '';
  return [
    `<details id="${anchorOf(cell)}"${open}><summary>${html(cell.optimization)} ${badge(cell.verdict)}</summary>`,
    cell.reason === null ? '' : `<p>${html(cell.reason, 2000)}</p>`,
    ...cell.warnings.map((warning) => `<p class="warning">⚠️ ${html(warning, 600)}</p>`),
    facts.length === 0 ? '' : `<p>${facts.map(([name, text]) => `<b>${html(name ?? '')}</b> ${html(text ?? '')}`).join(' · ')}</p>`,
    cell.metrics.length === 0
      ? ''
      : table({
          caption: `Metrics of ${cell.id}`,
          head: ['metric', 'untouched', 'base', 'head', 'head against base', 'tolerance', 'detectable', 'verdict', 'note'],
          rows: cell.metrics.map(metricCells),
          numbers: [1, 2, 3, 4, 5, 6],
        }),
    '</details>',
  ]
    .filter((text) => text !== '')
    .join('\n');
};

const modelBlock = (model: string, cells: readonly CellVerdict[]): string =>
  `<section><h2>${html(model)}</h2><p>${html(cellCounts(cells))}. ${html(
    detectableSentence(
      cells.flatMap((cell) => cell.metrics),
      (name) => name,
    ),
    2000,
  )}</p>\n${cells.map(cellBlock).join('\n')}</section>`;

const provenance = (verdict: Verdict, context: ReportContext): string => {
  const target = linkTarget(context.runUrl);
  return [
    `<code>${html(context.headCommit.slice(0, 10))}</code> against ${context.baseCommit === null ? 'no base' : `base <code>${html(context.baseCommit.slice(0, 10))}</code>`}`,
    ...(context.durationSeconds === null ? [] : [html(durationText(context.durationSeconds))]),
    ...(verdict.runnerClass === null ? [] : [`runner class <code>${html(verdict.runnerClass)}</code>`]),
    `seed ${verdict.seed}`,
    ...(target === null ? [] : [`<a href="${html(target, 600)}" rel="noreferrer">run</a>`]),
  ].join(' · ');
};

/**
 * The report as one self-contained page: no script, no network (a content policy forbids both), light and dark, tables with
 * captions and scopes, every cell reachable by an anchor. Foreign strings are escaped. The same input gives the same text.
 */
export const indexHtml = (verdict: Verdict, context: ReportContext): string => {
  const { sign, word } = runWords[verdict.verdict];
  const controls = verdict.controls.map(
    (control) => `${html(control.kind)} on ${html(control.cell)}: <strong>${control.outcome}</strong>, ${html(control.detail, 600)}`,
  );
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    `<title>${word}: optimization gate</title><style>${style}</style></head><body><main>`,
    `<h1 class="${verdict.verdict}">${sign} ${word}</h1><p class="lead">${html(headline(verdict), 1000)}</p>`,
    `<p>${html(cellCounts(verdict.cells))}${verdict.cells.length === 0 ? '' : '. '}${coverageSentence(verdict.coverage, html)}</p><p>${provenance(verdict, context)}</p>`,
    regressions(verdict),
    list('Failed or missing', failures(verdict).map(failureItem)),
    list(
      'Warnings',
      verdict.warnings.map((warning) => html(warning, 1000)),
    ),
    list(
      'Edits of the policy (in force after the merge)',
      verdict.policyChanges.map((edit) => html(edit, 1000)),
    ),
    verdict.cells.length === 0 ? '' : `<section><h2>All cells</h2>${grid(verdict)}</section>`,
    ...[...cellsByModel(verdict)].map(([model, cells]) => modelBlock(model, cells)),
    list('Controls', controls),
    `<section><h2>Environment</h2><pre>${JSON.stringify(verdict.environment, null, 2)
      .slice(0, 20_000)
      .split('\n')
      .map((line) => `${' '.repeat(line.length - line.trimStart().length)}${html(line, 400)}`)
      .join('\n')}</pre></section>`,
    '</main></body></html>',
    '',
  ]
    .filter((text, index, all) => text !== '' || index === all.length - 1)
    .join('\n');
};
