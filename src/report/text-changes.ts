import type { Verdict, VerdictKind } from '../records/verdict.ts';
import { plain } from './escape.ts';
import { failures, type ListedMetric, listedMetrics, metricName, reservations } from './listed-metric.ts';
import { allowanceText, changeText, counted, isCompared, passage, probabilityText } from './number.ts';

/** One thing to say, written only when there is room for it. */
export interface TextItem {
  readonly kind: VerdictKind | null;
  readonly text: () => string;
}

/** Sign of each verdict in text, one column wide. */
export const marks: Readonly<Record<VerdictKind, string>> = {
  regressed: '✗',
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

const bad = (verdict: Verdict): readonly TextItem[] => [
  ...listedMetrics(verdict, 'regressed').map(regression),
  ...failures(verdict).map((failure) => ({
    kind: failure.kind,
    text: () => {
      const metrics = failure.metrics.length === 0 ? '' : ` ${plain(failure.metrics.join(', '), 60)}`;
      return `${marks[failure.kind]} ${failure.cell.id}${metrics} ${failure.kind}: ${plain(failure.reason, 220)}${failure.remedy === null ? '' : ` What to do: ${failure.remedy}`}`;
    },
  })),
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

/**
 * What happened, as single lines: regressions with their numbers and failures, below the first of them what became better; what stayed undecided,
 * warnings, edits of the policy.
 */
export const textChanges = (verdict: Verdict): readonly TextItem[] => [
  ...bad(verdict).toSpliced(worst, 0, ...improvements(listedMetrics(verdict, 'improved'))),
  ...listedMetrics(verdict, 'inconclusive').map(({ cell, metric }) => ({
    kind: 'inconclusive' as const,
    text: () => {
      const why = metric.reason === null ? '' : `, ${plain(metric.reason, 120)}`;
      return `${marks.inconclusive} ${cell.id} ${plain(metricName(metric), 60)}: ${changeText(metric)}${why}`;
    },
  })),
  ...reservations(verdict).map(({ cell, metric, reason }) => ({
    kind: 'passed' as const,
    text: () => `${marks.passed} ${metric === null ? cell.id : moved({ cell, metric })}, passed: ${plain(reason, 200)}`,
  })),
  ...verdict.warnings.map((warning) => ({ kind: null, text: () => `note: ${plain(warning)}` })),
  ...verdict.cells.flatMap((cell) => cell.warnings.map((warning) => ({ kind: null, text: () => `note: ${cell.id}: ${plain(warning)}` }))),
  ...verdict.policyChanges.map((edit) => ({ kind: null, text: () => `policy (after the merge): ${plain(edit)}` })),
];
