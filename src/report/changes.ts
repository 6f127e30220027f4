/** The sections that say what happened: regressions, failures, findings, what stayed undecided, improvements, edits of the policy. */
import type { Verdict } from '../records/verdict.ts';
import type { Section } from './budget.ts';
import { detectableSentence } from './detectable.ts';
import { code, prose } from './escape.ts';
import { againstReference } from './impact.ts';
import { type Failure, failures, type ListedMetric, listedMetrics, metricName, reservations } from './listed-metric.ts';
import { allowanceText, changeText, counted, isCompared, passage, probabilityText } from './number.ts';
import { tableHead, tableRow } from './table.ts';

/** Ranks of rows over the whole report: what is dropped last has the lowest. */
export const ranks = {
  regression: 0,
  failure: 1,
  finding: 2,
  undecided: 3,
  improvement: 4,
  policy: 5,
  impact: 6,
  coverage: 7,
  gap: 8,
  metric: 10,
  environment: 30,
} as const;

const arrow = { lower: '↓', higher: '↑' } as const;

/** The metric with the direction in which it gets better. */
export const metricLabel = ({ metric }: Pick<ListedMetric, 'metric'>): string => `${code(metricName(metric), 80)} ${arrow[metric.better]}`;

const omittedRows = (count: number): string => `… and ${counted(count, 'more row')}: see the full report.`;

/** What is written only if there is room for it. */
type Later<T> = () => T;

const table = (
  title: string,
  head: readonly string[],
  rows: readonly Later<readonly string[]>[],
  rank: number,
  below = '',
): readonly Section[] =>
  rows.length === 0
    ? []
    : [
        {
          open: `#### ${title}\n\n${tableHead(head)}`,
          rows: rows.map((cells) => ({ text: () => tableRow(cells()), rank })),
          close: below,
          omitted: omittedRows,
        },
      ];

const list = (title: string, items: readonly Later<string>[], rank: number): readonly Section[] =>
  items.length === 0
    ? []
    : [
        {
          open: `#### ${title}\n`,
          rows: items.map((item) => ({ text: () => `- ${item()}`, rank })),
          close: '',
          omitted: (count) => `… and ${counted(count, 'more entry', 'more entries')}.`,
        },
      ];

const note = (found: readonly ListedMetric[]): string =>
  detectableSentence(
    found.map(({ metric }) => metric),
    (name) => code(name, 60),
  );

const regressions = (verdict: Verdict): readonly Section[] =>
  table(
    'Regressions',
    ['cell', 'metric', 'base → head:', 'change:', 'tolerance:', 'p:', 'launches:', 'head against the reference'],
    listedMetrics(verdict, 'regressed').map(({ cell, metric }) => () => [
      code(cell.id),
      metricLabel({ metric }),
      passage(metric.base, metric.head, metric.unit) ?? '–',
      `**${changeText(metric)}**`,
      allowanceText(metric.tolerance, metric),
      isCompared(metric) ? 'exact' : probabilityText(metric.p),
      isCompared(metric) ? '–' : String(metric.launches),
      againstReference(cell, metric),
    ]),
    ranks.regression,
    note(listedMetrics(verdict, 'regressed')),
  );

const named = ({ metrics }: Failure): string => {
  if (metrics.length === 0) return '';
  const shown = metrics.slice(0, 4).map((name) => code(name, 80));
  return ` (${shown.join(', ')}${metrics.length > 4 ? ` and ${metrics.length - 4} more` : ''})`;
};

const remedy = ({ remedy: what }: Failure): string => (what === null ? '' : ` **What to do:** ${prose(what, 500)}`);

const failureItems = (verdict: Verdict): readonly Later<string>[] =>
  failures(verdict).map(
    (failure) => () => `${code(failure.cell.id)}${named(failure)} **${failure.kind}**: ${prose(failure.reason, 500)}${remedy(failure)}`,
  );

const warningItems = (verdict: Verdict): readonly Later<string>[] => [
  ...verdict.warnings.map((warning) => () => prose(warning, 400)),
  ...verdict.selfChecks
    .filter(({ outcome }) => outcome !== 'as-expected')
    .map((check) => () => `Self-check ${check.kind} on ${code(check.cell)} was **${check.outcome}**: ${prose(check.detail, 300)}`),
  ...[...listedMetrics(verdict, 'regressed'), ...listedMetrics(verdict, 'improved')].flatMap(({ cell, metric: { reason, ...metric } }) =>
    reason === null ? [] : [() => `${code(metricName(metric), 80)} of ${code(cell.id)}: ${prose(reason, 300)}`],
  ),
  ...reservations(verdict).map(
    ({ cell, metric, reason }) =>
      () =>
        metric === null
          ? `${code(cell.id)} passed: ${prose(reason, 300)}`
          : `${code(metricName(metric), 80)} of ${code(cell.id)} passed, ${changeText(metric)}: ${prose(reason, 300)}`,
  ),
  ...verdict.cells.flatMap((cell) => cell.warnings.map((warning) => () => `${code(cell.id)}: ${prose(warning, 300)}`)),
  ...metricWarnings(verdict).map(
    ({ metric, warning, cells }) =>
      () =>
        `${code(metric, 80)}: ${prose(warning, 300)} (${cells
          .slice(0, namedCells)
          .map((cell) => code(cell))
          .join(', ')}${cells.length > namedCells ? ` and ${cells.length - namedCells} more` : ''})`,
  ),
];

/** Cells that share a warning are named up to this many. */
const namedCells = 4;

/** Days are no figures: what was measured on another day is another warning. */
const withoutFigures = (warning: string): string => warning.replace(/(\d{4}-\d\d-\d\d)|\d+/g, (_, day?: string) => day ?? '#');

/** Warnings of metrics that decide, the same warning of several cells once; the figures in it are the first cell's. */
const metricWarnings = (
  verdict: Verdict,
): readonly { readonly metric: string; readonly warning: string; readonly cells: readonly string[] }[] => {
  const found = new Map<string, { metric: string; warning: string; cells: Set<string> }>();
  for (const cell of verdict.cells) {
    for (const metric of cell.metrics.filter(({ role }) => role !== 'described')) {
      for (const warning of metric.warnings) {
        const key = JSON.stringify([metricName(metric), withoutFigures(warning)]);
        const known = found.get(key) ?? { metric: metricName(metric), warning, cells: new Set<string>() };
        known.cells.add(cell.id);
        found.set(key, known);
      }
    }
  }
  return [...found.values()].map(({ cells, ...warning }) => ({ ...warning, cells: [...cells] }));
};

const undecided = (verdict: Verdict): readonly Section[] =>
  table(
    'Undecided',
    ['cell', 'metric', 'base → head:', 'change:', 'smallest detectable:', 'why'],
    listedMetrics(verdict, 'inconclusive').map(({ cell, metric }) => () => [
      code(cell.id),
      metricLabel({ metric }),
      passage(metric.base, metric.head, metric.unit) ?? '–',
      changeText(metric),
      allowanceText(metric.detectable, metric),
      prose(metric.reason ?? '–', 200),
    ]),
    ranks.undecided,
  );

const improvements = (verdict: Verdict): readonly Section[] =>
  table(
    'Improvements',
    ['cell', 'metric', 'base → head:', 'change:', 'p:', 'head against the reference'],
    listedMetrics(verdict, 'improved').map(({ cell, metric }) => () => [
      code(cell.id),
      metricLabel({ metric }),
      passage(metric.base, metric.head, metric.unit) ?? '–',
      changeText(metric),
      isCompared(metric) ? 'exact' : probabilityText(metric.p),
      againstReference(cell, metric),
    ]),
    ranks.improvement,
    note(listedMetrics(verdict, 'improved')),
  );

/** All of them in the order of a report; an empty one is left out. */
export const changeSections = (verdict: Verdict): readonly Section[] => [
  ...regressions(verdict),
  ...list('Failed or missing', failureItems(verdict), ranks.failure),
  ...undecided(verdict),
  ...list('Worth knowing', warningItems(verdict), ranks.finding),
  ...improvements(verdict),
  ...list(
    'Edits of the policy in this change (in force only after the merge)',
    verdict.policyChanges.map((edit) => () => prose(edit, 300)),
    ranks.policy,
  ),
];
