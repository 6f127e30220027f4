import type { Verdict, VerdictKind } from '../records/verdict.ts';
import { plain } from './escape.ts';
import { failures, findings, metricName } from './finding.ts';
import { allowanceText, changeText, counted, passage, probabilityText } from './number.ts';

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

/** What happened, as single lines: regressions with their numbers, failures, what stayed undecided, warnings, edits of the policy. */
export const textNews = (verdict: Verdict): readonly TextItem[] => [
  ...findings(verdict, 'regressed').map(({ cell, metric }) => ({
    kind: 'regressed' as const,
    text: () => {
      const evidence =
        metric.kind === 'exact' ? 'exact' : `p ${probabilityText(metric.p)}, ${counted(metric.launches, 'launch', 'launches')}`;
      const numbers = `${passage(metric.base, metric.head, metric.unit) ?? '–'}, ${changeText(metric)}, tolerance ${allowanceText(metric.tolerance, metric)}, ${evidence}`;
      return `${marks.regressed} ${cell.id} ${plain(metricName(metric), 60)}: ${numbers}`;
    },
  })),
  ...failures(verdict).map((failure) => ({
    kind: failure.kind,
    text: () => {
      const metrics = failure.metrics.length === 0 ? '' : ` ${plain(failure.metrics.join(', '), 60)}`;
      return `${marks[failure.kind]} ${failure.cell.id}${metrics} ${failure.kind}: ${plain(failure.reason)}`;
    },
  })),
  ...findings(verdict, 'inconclusive').map(({ cell, metric }) => ({
    kind: 'inconclusive' as const,
    text: () => {
      const why = metric.reason === null ? '' : `, ${plain(metric.reason, 120)}`;
      return `${marks.inconclusive} ${cell.id} ${plain(metricName(metric), 60)}: ${changeText(metric)}${why}`;
    },
  })),
  ...verdict.warnings.map((warning) => ({ kind: null, text: () => `note: ${plain(warning)}` })),
  ...verdict.cells.flatMap((cell) => cell.warnings.map((warning) => ({ kind: null, text: () => `note: ${cell.id}: ${plain(warning)}` }))),
  ...verdict.policyChanges.map((edit) => ({ kind: null, text: () => `policy (after the merge): ${plain(edit)}` })),
];
