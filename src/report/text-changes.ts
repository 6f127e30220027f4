import type { RequirementVerdict, Verdict, VerdictKind } from '../records/verdict.ts';
import { byCause, causeOf, someNames } from './cause.ts';
import { remeasured, remeasuredWords } from './earlier.ts';
import { plain } from './escape.ts';
import { type Failure, failures, undecidedCells, undecidedMetrics } from './failure.ts';
import { type ListedMetric, listedMetrics, metricName, reservations } from './listed-metric.ts';
import { allowanceText, changeText, counted, isCompared, passage, probabilityText, quantity } from './number.ts';
import { cellRemarks, type Remark, runRemarks } from './remark.ts';
import { boundText, type ListedRequirement, laterBounds, listedRequirements, outcomeText } from './requirements.ts';

/** One thing to say, written only when there is room for it. */
export interface TextItem {
  readonly kind: VerdictKind | null;
  readonly text: () => string;
}

/** Sign of each verdict in text, one column wide. */
export const marks: Readonly<Record<VerdictKind, string>> = {
  regressed: '✗',
  unmet: '✗',
  failed: '!',
  missing: '∅',
  inconclusive: '?',
  improved: '↑',
  new: '+',
  passed: '✓',
  unchanged: '=',
};

/** Regressions and failures that stand above what became better. */
const worst = 3;

const moved = ({ cell, metric }: ListedMetric): string =>
  `${cell.id} ${plain(metricName(metric), 60)}: ${passage(metric.base, metric.head, metric.unit) ?? '–'}, ${changeText(metric)}`;

const regression = (finding: ListedMetric): TextItem => ({
  kind: 'regressed',
  text: () => {
    const { metric } = finding;
    const evidence = isCompared(metric) ? 'exact' : `p ${probabilityText(metric.p)}, ${counted(metric.launches, 'launch', 'launches')}`;
    return `${marks.regressed} ${moved(finding)}, tolerance ${allowanceText(metric.tolerance, metric)}, ${evidence}${metric.reason === null ? '' : `; ${plain(metric.reason, 200)}`}`;
  },
});

/** Names in one item; more are counted. */
const namedHere = 2;

const failureItem = (failure: Failure): TextItem => ({
  kind: failure.kind,
  text: () => {
    const cells = someNames(
      failure.cells.map(({ id }) => id),
      namedHere,
    );
    const metrics = failure.metrics.length === 0 ? '' : ` ${plain(failure.metrics.join(', '), 60)}`;
    return `${marks[failure.kind]} ${cells}${metrics} ${failure.kind}: ${plain(failure.reason, 220)}${failure.remedy === null ? '' : ` What to do: ${failure.remedy}`}`;
  },
});

/** Undecided metrics of one cause: their numbers as far as there is room, and how many more. */
const undecidedItem = (found: readonly ListedMetric[]): TextItem => ({
  kind: 'inconclusive',
  text: () => {
    const reason = plain(found[0]?.metric.reason ?? '', 120);
    const numbers = found.map(({ cell, metric }) => `${cell.id} ${plain(metricName(metric), 60)} ${changeText(metric)}`);
    const more = numbers.length - namedHere;
    return `${marks.inconclusive} ${reason === '' ? '' : `${reason}: `}${numbers.slice(0, namedHere).join(', ')}${more > 0 ? ` and ${counted(more, 'more metric')}` : ''}`;
  },
});

const remarkItem = ({ text, cells, times }: Remark): TextItem => ({
  kind: null,
  text: () => {
    const about = cells.length === 0 ? '' : `${someNames(cells, namedHere)}: `;
    return `note: ${about}${plain(text)}${cells.length === 0 && times > 1 ? ` (${times} times)` : ''}`;
  },
});

const requirementItem = ({ cell, requirement }: ListedRequirement): TextItem => {
  const kind = requirement.outcome === 'unmet' ? 'unmet' : requirement.outcome === 'undecided' ? 'inconclusive' : null;
  return {
    kind,
    text: () => {
      const { head, unit, metric, point, reason } = requirement;
      const found = head === null ? 'not measured' : quantity(head, unit);
      const mark = kind === null ? 'note:' : marks[kind];
      const why = reason === null ? '' : `; ${plain(reason, 200)}`;
      return `${mark} ${cell.id} ${plain(metricName({ id: metric, point }), 60)}: ${found}, required ${boundText(requirement)}: ${outcomeText(requirement)}${why}`;
    },
  };
};

const requirementItems = (verdict: Verdict, outcomes: readonly RequirementVerdict['outcome'][]): readonly TextItem[] =>
  listedRequirements(verdict)
    .filter(({ requirement }) => outcomes.includes(requirement.outcome))
    .map(requirementItem);

const laterItems = (verdict: Verdict): readonly TextItem[] => {
  const bounds = laterBounds(verdict);
  return bounds.length === 0
    ? []
    : [
        {
          kind: null,
          text: () =>
            `after the merge, these may get worse by at most: ${bounds.map(({ metrics, tolerance }) => `${metrics.map((id) => plain(id, 60)).join(', ')} ${tolerance}`).join('; ')}`,
        },
      ];
};

const bad = (verdict: Verdict): readonly TextItem[] => [
  ...listedMetrics(verdict, 'regressed').map(regression),
  ...requirementItems(verdict, ['unmet']),
  ...failures(verdict).map(failureItem),
];

/** What became better, as one item that names what improved most. */
const improvements = ([most, ...others]: readonly ListedMetric[]): readonly TextItem[] =>
  most === undefined
    ? []
    : [
        {
          kind: 'improved',
          text: () =>
            `${marks.improved} ${moved(most)}, improved${others.length === 0 ? '' : `; and ${counted(others.length, 'more improvement')}`}`,
        },
      ];

const earlierItems = (verdict: Verdict): readonly TextItem[] => {
  const found = remeasured(verdict);
  const [first, ...more] = found.filter(({ moved: isMoved }) => isMoved);
  if (found.length === 0) return [];
  const example = (): string => {
    if (first === undefined) return '';
    const { cell, metric } = first;
    const numbers = `${quantity(metric.earlier, metric.unit)} in the baseline, ${quantity(metric.base, metric.unit)} now`;
    return ` ${cell.id} ${plain(metricName(metric), 60)}: ${numbers}${more.length === 0 ? '' : `; and ${more.length} more`}.`;
  };
  return [{ kind: null, text: () => `note: ${remeasuredWords(found.length, first === undefined ? 0 : 1 + more.length)}${example()}` }];
};

/**
 * What happened, as single lines: regressions with their numbers and failures, below the first of them what became better; what stayed undecided,
 * warnings, edits of the policy.
 */
export const textChanges = (verdict: Verdict): readonly TextItem[] => [
  ...bad(verdict).toSpliced(worst, 0, ...improvements(listedMetrics(verdict, 'improved'))),
  ...requirementItems(verdict, ['undecided', 'unmet-by-base']),
  ...undecidedCells(verdict).map(failureItem),
  ...undecidedMetrics(verdict).map(undecidedItem),
  ...byCause(reservations(verdict), ({ cell, reason }) => causeOf(reason, cell.model)).map(([{ cell, metric, reason }, ...others]) => ({
    kind: 'passed' as const,
    text: () =>
      `${marks.passed} ${metric === null ? cell.id : moved({ cell, metric })}${others.length === 0 ? '' : ` and ${others.length} more`}, passed: ${plain(reason, 200)}`,
  })),
  ...laterItems(verdict),
  ...earlierItems(verdict),
  ...[...runRemarks(verdict), ...cellRemarks(verdict)].map(remarkItem),
  ...verdict.policyChanges.map((edit) => ({ kind: null, text: () => `policy (after the merge): ${plain(edit)}` })),
];
