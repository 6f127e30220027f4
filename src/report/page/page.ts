/** index.html: the whole report as one page that needs nothing but itself. */
import type { CellVerdict, Verdict } from '../../records/verdict.ts';
import { someNames } from '../cause.ts';
import type { ReportContext } from '../context.ts';
import { coverageDocument, coverageSentence } from '../coverage.ts';
import { detectableSentence } from '../detectable.ts';
import { remeasured, remeasuredWords } from '../earlier.ts';
import { html, linkTarget } from '../escape.ts';
import type { ShownEvidence } from '../evidence.ts';
import { type Failure, failures, undecidedCells, undecidedMetrics } from '../failure.ts';
import { headline, runWords } from '../heading.ts';
import {
  cellCounts,
  cellsByKind,
  cellsByModel,
  type ListedMetric,
  listedMetrics,
  measurementsTitle,
  metricName,
  verdictOrder,
} from '../listed-metric.ts';
import { allowanceText, asAbove, changeText, isCompared, passage, probabilityText, quantity, takenText } from '../number.ts';
import { cellRemarks, type Remark, runRemarks } from '../remark.ts';
import { boundText, laterBounds, listedRequirements, outcomeText, weightText } from '../requirements.ts';
import { cellBlock } from './cell-block.ts';
import { anchorOf, cellLink } from './cell-link.ts';
import { cellPictures } from './cell-pictures.ts';
import { contentPolicy } from './content-policy.ts';
import { coverageSection } from './coverage-section.ts';
import { list, table } from './element.ts';
import { filterForm, filterScript } from './filter.ts';
import { overview } from './overview.ts';
import { style } from './style.ts';

/** Characters that the pictures of cells may take; cells that matter most are drawn first, what has no room is said. */
const pictureRoom = 2_200_000;

/** What every table of metrics says of one. */
const changed = ({ cell, metric }: ListedMetric): readonly string[] => [
  cellLink(cell, cell.id),
  html(metricName(metric)),
  html(passage(metric.base, metric.head, metric.unit) ?? '–'),
  html(changeText(metric)),
  html(allowanceText(metric.tolerance, metric)),
];

const evidenceOf = ({ metric }: ListedMetric): readonly string[] =>
  isCompared(metric) ? ['exact', '–'] : [html(probabilityText(metric.p)), String(metric.launches)];

const changedHead = ['cell', 'metric', 'base → head', 'change', 'tolerance'];

const moves = (verdict: Verdict, kind: 'regressed' | 'improved', heading: string, caption: string): string => {
  const found = listedMetrics(verdict, kind);
  if (found.length === 0) return '';
  return `<section><h2>${heading}</h2>${table({
    caption,
    head: [...changedHead, 'p', 'launches'],
    rows: found.map((each) => ({ about: anchorOf(each.cell), cells: [...changed(each), ...evidenceOf(each)] })),
    numbers: [2, 3, 4, 5, 6],
  })}</section>`;
};

const requirements = (verdict: Verdict): string => {
  const found = listedRequirements(verdict);
  if (found.length === 0) return '';
  return `<section><h2>Requirements</h2>${table({
    caption: 'What numbers of head must hold whatever base has, those that are not met first',
    head: ['cell', 'metric', 'required', 'base → head', 'outcome', 'shown by', 'why'],
    rows: found.map(({ cell, requirement }) => ({
      about: anchorOf(cell),
      cells: [
        cellLink(cell, cell.id),
        html(metricName({ id: requirement.metric, point: requirement.point })),
        html(boundText(requirement)),
        html(passage(requirement.base, requirement.head, requirement.unit) ?? '–'),
        outcomeText(requirement),
        weightText(requirement),
        requirement.reason === null ? '–' : html(requirement.reason, 400),
      ],
    })),
    numbers: [2, 3, 5],
  })}</section>`;
};

const measuredAnew = (verdict: Verdict): string => {
  const found = remeasured(verdict);
  if (found.length === 0) return '';
  return `<section><h2>Measured anew</h2>${table({
    caption: remeasuredWords(found.length, found.filter(({ moved }) => moved).length),
    head: ['cell', 'metric', 'baseline', 'now', 'tolerance'],
    rows: found.map(({ cell, metric, moved }) => {
      const now = html(quantity(metric.base, metric.unit));
      return {
        about: anchorOf(cell),
        cells: [
          cellLink(cell, cell.id),
          html(metricName(metric)),
          html(quantity(metric.earlier, metric.unit)),
          moved ? `<strong>${now}</strong>` : now,
          html(allowanceText(metric.tolerance, metric)),
        ],
      };
    }),
    numbers: [2, 3, 4],
  })}</section>`;
};

const undecided = (verdict: Verdict): string => {
  const whole = undecidedCells(verdict).map(failureItem);
  const rows = undecidedMetrics(verdict).flatMap((same) =>
    same.map((each, at) => {
      const { detectable, reason } = each.metric;
      const why = at === 0 ? html(reason ?? '–', 400) : asAbove;
      return { about: anchorOf(each.cell), cells: [...changed(each), html(allowanceText(detectable, each.metric)), why] };
    }),
  );
  if (rows.length === 0) return list('Undecided', whole);
  return `${list('Undecided as a whole', whole)}<section><h2>Undecided</h2>${table({
    caption: 'Neither a change for the worse nor its absence could be shown',
    head: [...changedHead, 'smallest detectable', 'why'],
    rows,
    numbers: [2, 3, 4, 5],
  })}</section>`;
};

/** Cells that share a cause are linked up to this many. */
const linkedCells = 12;

const failureItem = (failure: Failure): string => {
  const { cells, metrics, kind, reason } = failure;
  const names = metrics.length === 0 ? '' : ` (${html(metrics.join(', '), 200)})`;
  const links = someNames(
    cells.map((cell) => cellLink(cell, cell.id)),
    linkedCells,
  );
  return `${links}${names} <strong>${kind}</strong>: ${html(reason, 2000)}`;
};

const remarkText = ({ text, cells, times }: Remark): string => {
  const about = cells.length === 0 ? '' : `${html(someNames(cells, linkedCells), 1000)}: `;
  return `${about}${html(text, 1000)}${about === '' && times > 1 ? ` (${times} times)` : ''}`;
};

const picturesOf = (verdict: Verdict, evidence: ShownEvidence): ReadonlyMap<string, string> => {
  const order: readonly string[] = verdictOrder;
  let room = pictureRoom;
  return new Map(
    verdict.cells
      .toSorted((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict))
      .map((cell) => {
        const pictures = room > 0 ? cellPictures(cell, evidence) : '';
        room -= pictures.length;
        return [cell.id, room > 0 ? pictures : '<p>No room for pictures: the page is full. Their numbers are in samples.jsonl.</p>'];
      }),
  );
};

const modelBlock = (model: string, cells: readonly CellVerdict[], pictures: ReadonlyMap<string, string>): string =>
  `<section data-group><h2>${html(model)}</h2><p>${html(cellCounts(cells))}. ${html(
    detectableSentence(
      cells.flatMap((cell) => cell.metrics),
      (name) => name,
    ),
    2000,
  )}</p>\n${cells.map((cell) => cellBlock(cell, pictures.get(cell.id) ?? '')).join('\n')}</section>`;

/** The cells that no model takes part in, below a title of their own. */
const measuredBlock = ({ cells }: Verdict): readonly (readonly [string, readonly CellVerdict[]])[] => {
  const { measured } = cellsByKind(cells);
  return measured.length === 0 ? [] : [[measurementsTitle, measured]];
};

const provenance = (verdict: Verdict, context: ReportContext): string => {
  const target = linkTarget(context.runUrl);
  return [
    `<code>${html(context.headCommit.slice(0, 10))}</code> against ${context.baseCommit === null ? 'no base' : `base <code>${html(context.baseCommit.slice(0, 10))}</code>`}`,
    ...(context.took === null ? [] : [html(takenText(context.took))]),
    ...(verdict.runnerClass === null ? [] : [`runner class <code>${html(verdict.runnerClass)}</code>`]),
    `seed ${verdict.seed}`,
    ...(target === null ? [] : [`<a href="${html(target, 600)}" rel="noreferrer">run</a>`]),
  ].join(' · ');
};

const environment = (verdict: Verdict): string =>
  `<section id="environment"><h2>Environment</h2><pre tabindex="0">${JSON.stringify(verdict.environment, null, 2)
    .slice(0, 20_000)
    .split('\n')
    .map((line) => `${' '.repeat(line.length - line.trimStart().length)}${html(line, 400)}`)
    .join('\n')}</pre></section>`;

const runMarks: Readonly<Record<Verdict['verdict'], string>> = {
  passed: '✓',
  regressed: '✗',
  unmet: '✗',
  failed: '✗',
  inconclusive: '?',
  unfit: '?',
  error: '!',
  'nothing-to-compare': '–',
};

const places = '<nav aria-label="Parts of this page"><ul><li><a href="#overview">All cells</a></li><li><a href="#details">Details</a></li>';

/**
 * The report as one self-contained page: no network (a content policy forbids it), light and dark, static pictures each with its
 * numbers in a table, every cell reachable by an anchor. Its one script filters cells; without it the page is whole. Foreign
 * strings are escaped. The same input gives the same text.
 */
export const indexHtml = (verdict: Verdict, context: ReportContext, evidence: ShownEvidence): string => {
  const { word } = runWords[verdict.verdict];
  const some = verdict.cells.length > 0;
  const pictures = picturesOf(verdict, evidence);
  const selfChecks = verdict.selfChecks.map(
    ({ kind, cell, outcome, detail }) => `${html(kind)} on ${html(cell)}: <strong>${outcome}</strong>, ${html(detail, 600)}`,
  );
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="${contentPolicy(style, filterScript)}">`,
    `<title>${word}: optimization gate</title><style>${style}</style></head><body>`,
    `${some ? '<a class="skip" href="#details">Skip to the details</a>' : ''}<main>`,
    `<h1 class="${verdict.verdict}">${runMarks[verdict.verdict]} ${word}</h1><p class="lead">${html(headline(verdict), 1000)}</p>`,
    `<p>${html(cellCounts(verdict.cells))}${some ? '. ' : ''}${coverageSentence(verdict.coverage, html)}</p><p>${provenance(verdict, context)}</p>`,
    some
      ? `${places}<li><a href="#coverage">Coverage</a></li><li><a href="#environment">Environment</a></li></ul></nav>${filterForm(verdict.cells)}`
      : '',
    moves(verdict, 'regressed', 'Regressions', 'Worse than base beyond the tolerance, the worst first'),
    requirements(verdict),
    list('Failed or missing', failures(verdict).map(failureItem)),
    undecided(verdict),
    moves(verdict, 'improved', 'Improvements', 'Better than base beyond the tolerance, the largest first'),
    list('Warnings', [...runRemarks(verdict), ...cellRemarks(verdict)].map(remarkText)),
    list(
      'What the next pull request is held to',
      laterBounds(verdict).map(
        ({ tolerance, metrics }) => `At most ${html(tolerance)} worse: ${metrics.map((id) => `<code>${html(id)}</code>`).join(', ')}`,
      ),
    ),
    measuredAnew(verdict),
    list(
      'Edits of the policy (in force after the merge)',
      verdict.policyChanges.map((edit) => html(edit, 1000)),
    ),
    overview(verdict),
    some
      ? `<div id="details">${[...cellsByModel(verdict), ...measuredBlock(verdict)].map(([model, cells]) => modelBlock(model, cells, pictures)).join('\n')}</div>`
      : '',
    some ? coverageSection(coverageDocument(verdict)) : '',
    list('Self-checks', selfChecks),
    environment(verdict),
    `</main>${some ? `<script>${filterScript}</script>` : ''}</body></html>`,
    '',
  ]
    .filter((text, index, all) => text !== '' || index === all.length - 1)
    .join('\n');
};
