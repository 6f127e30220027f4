/** The sections that say what happened: regressions, failures, findings, what stayed undecided, improvements, edits of the policy. */
import type { Verdict } from '../records/verdict.ts';
import type { Section } from './budget.ts';
import { byCause, causeOf, someNames } from './cause.ts';
import { detectableSentence } from './detectable.ts';
import { remeasured, remeasuredWords } from './earlier.ts';
import { code, prose } from './escape.ts';
import { type Failure, failures, undecidedCells, undecidedMetrics } from './failure.ts';
import { againstReference } from './impact.ts';
import { type ListedMetric, listedMetrics, metricName, reservations } from './listed-metric.ts';
import { allowanceText, asAbove, changeText, counted, isCompared, passage, probabilityText, quantity } from './number.ts';
import { cellRemarks, metricRemarks, type Remark, reasonRemarks, runRemarks } from './remark.ts';
import { boundText, laterBounds, listedRequirements, outcomeText, weightText } from './requirements.ts';
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

/** Cells and metrics that share a cause are named up to this many. */
const namedHere = 4;

const codes = (names: readonly string[], max?: number): string =>
  someNames(
    names.map((name) => code(name, max)),
    namedHere,
  );

const remedy = ({ remedy: what }: Failure): string => (what === null ? '' : ` **What to do:** ${prose(what, 500)}`);

const failureItems = (found: readonly Failure[]): readonly Later<string>[] =>
  found.map((failure) => () => {
    const { cells, metrics, kind, reason } = failure;
    const some = metrics.length === 0 ? '' : ` (${codes(metrics, 80)})`;
    return `${codes(cells.map(({ id }) => id))}${some} **${kind}**: ${prose(reason, 500)}${remedy(failure)}`;
  });

const remarkItems = (remarks: readonly Remark[]): readonly Later<string>[] =>
  remarks.map(({ text, cells, metrics, times }) => () => {
    const about = [...(metrics.length === 0 ? [] : [codes(metrics, 80)]), ...(cells.length === 0 ? [] : [codes(cells)])].join(' of ');
    return `${about === '' ? '' : `${about}: `}${prose(text, 400)}${about === '' && times > 1 ? ` (${times} times)` : ''}`;
  });

const reservationItems = (verdict: Verdict): readonly Later<string>[] =>
  byCause(reservations(verdict), ({ cell, reason }) => causeOf(reason, cell.model)).map((same) => () => {
    const some = same
      .slice(0, namedHere)
      .map(({ cell, metric }) =>
        metric === null ? code(cell.id) : `${code(metricName(metric), 80)} of ${code(cell.id)} (${changeText(metric)})`,
      );
    const more = same.length - some.length;
    return `${some.join(', ')}${more > 0 ? ` and ${more} more` : ''} passed: ${prose(same[0].reason, 300)}`;
  });

const warningItems = (verdict: Verdict): readonly Later<string>[] => [
  ...remarkItems(runRemarks(verdict)),
  ...verdict.selfChecks
    .filter(({ outcome }) => outcome !== 'as-expected')
    .map((check) => () => `Self-check ${check.kind} on ${code(check.cell)} was **${check.outcome}**: ${prose(check.detail, 300)}`),
  ...remarkItems(reasonRemarks([...listedMetrics(verdict, 'regressed'), ...listedMetrics(verdict, 'improved')])),
  ...reservationItems(verdict),
  ...remarkItems(cellRemarks(verdict)),
  ...remarkItems(metricRemarks(verdict)),
];

const undecided = (verdict: Verdict): readonly Section[] =>
  table(
    'Undecided',
    ['cell', 'metric', 'base → head:', 'change:', 'smallest detectable:', 'why'],
    undecidedMetrics(verdict).flatMap((same) =>
      same.map(({ cell, metric }, at) => () => [
        code(cell.id),
        metricLabel({ metric }),
        passage(metric.base, metric.head, metric.unit) ?? '–',
        changeText(metric),
        allowanceText(metric.detectable, metric),
        at === 0 ? prose(metric.reason ?? '–', 200) : asAbove,
      ]),
    ),
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
const requirements = (verdict: Verdict): readonly Section[] =>
  table(
    'Requirements',
    ['cell', 'metric', 'required:', 'base → head:', 'outcome', 'shown by:', 'why'],
    listedRequirements(verdict).map(({ cell, requirement }) => () => [
      code(cell.id),
      code(metricName({ id: requirement.metric, point: requirement.point }), 80),
      boundText(requirement),
      passage(requirement.base, requirement.head, requirement.unit) ?? '–',
      requirement.outcome === 'unmet' ? `**${outcomeText(requirement)}**` : outcomeText(requirement),
      weightText(requirement),
      requirement.reason === null ? '–' : prose(requirement.reason, 200),
    ]),
    ranks.regression,
  );

/** For a change that brings cells: nothing of them can be a regression yet. */
const later = (verdict: Verdict): readonly Section[] =>
  list(
    'What the next pull request is held to',
    laterBounds(verdict).map(
      ({ tolerance, metrics }) =>
        () =>
          `At most ${tolerance} worse: ${codes(metrics, 80)}`,
    ),
    ranks.policy,
  );

const earlier = (verdict: Verdict): readonly Section[] => {
  const found = remeasured(verdict);
  return table(
    'Measured anew',
    ['cell', 'metric', 'baseline:', 'now:'],
    found.map(({ cell, metric, moved }) => () => {
      const [was, is] = [metric.earlier, metric.base].map((value) => quantity(value, metric.unit));
      return [code(cell.id), metricLabel({ metric }), was ?? '–', moved ? `**${is}**` : (is ?? '–')];
    }),
    ranks.impact,
    `${remeasuredWords(found.length, found.filter(({ moved }) => moved).length)}`,
  );
};

export const changeSections = (verdict: Verdict): readonly Section[] => [
  ...regressions(verdict),
  ...requirements(verdict),
  ...list('Failed or missing', failureItems(failures(verdict)), ranks.failure),
  ...list('Undecided as a whole', failureItems(undecidedCells(verdict)), ranks.undecided),
  ...undecided(verdict),
  ...list('Worth knowing', warningItems(verdict), ranks.finding),
  ...improvements(verdict),
  ...later(verdict),
  ...earlier(verdict),
  ...list(
    'Edits of the policy in this change (in force only after the merge)',
    verdict.policyChanges.map((edit) => () => prose(edit, 300)),
    ranks.policy,
  ),
];
