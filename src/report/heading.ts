/** The top of a Markdown report: the verdict first, then what it rests on, in three lines. */
import type { RunVerdict, Verdict, VerdictKind } from '../records/verdict.ts';
import type { ReportContext, StalenessShown } from './context.ts';
import { coverageSentence } from './coverage.ts';
import { code, linkTarget, prose } from './escape.ts';
import { cellCounts } from './listed-metric.ts';
import { counted, takenText } from './number.ts';

/** Sign and word of each run verdict. */
export const runWords: Readonly<Record<RunVerdict, { readonly sign: string; readonly word: string }>> = {
  passed: { sign: '✅', word: 'Passed' },
  regressed: { sign: '❌', word: 'Regressed' },
  unmet: { sign: '❌', word: 'Requirement not met' },
  failed: { sign: '❌', word: 'Failed' },
  inconclusive: { sign: '⚠️', word: 'Inconclusive' },
  unfit: { sign: '⚠️', word: 'Runner unfit' },
  error: { sign: '❌', word: 'Error' },
  'nothing-to-compare': { sign: '➖', word: 'Nothing to compare' },
};

/** The summary without the verdict's name in front: that stands before it in every report. */
export const headline = ({ summary }: Pick<Verdict, 'summary'>): string =>
  summary.replace(/^(Passed|Regressed|Requirement not met|Failed|Inconclusive|Unfit|Nothing to compare): /, '');

/** Sign of each cell or metric verdict, so that a column can be skimmed. */
export const verdictSigns: Readonly<Record<VerdictKind, string>> = {
  regressed: '❌',
  unmet: '❌',
  failed: '❌',
  missing: '❌',
  inconclusive: '⚠️',
  improved: '🚀',
  new: '🆕',
  passed: '✅',
  unchanged: '➖',
};

const short = (commit: string): string => code(commit.slice(0, 10));

const age = ({ oldestDays, oldestCommit, without }: StalenessShown): string => {
  const days = Math.max(0, Math.floor(oldestDays));
  const oldest =
    days === 0 ? 'stored baselines are from today' : `oldest stored baseline: ${counted(days, 'day')} (${short(oldestCommit)})`;
  return without.length === 0 ? oldest : `${oldest}, ${counted(without.length, 'cell')} without one`;
};

const provenance = (verdict: Verdict, context: ReportContext): string => {
  const target = linkTarget(context.runUrl);
  return [
    `${short(context.headCommit)} against ${context.baseCommit === null ? 'no base' : `base ${short(context.baseCommit)}`}`,
    ...(context.took === null ? [] : [takenText(context.took)]),
    ...(verdict.runnerClass === null ? [] : [`runner class ${code(verdict.runnerClass, 80)}`]),
    ...(context.staleness === null ? [] : [age(context.staleness)]),
    ...(target === null ? [] : [`[full report](${target})`]),
  ].join(' · ');
};

/** Verdict line, counts and coverage, provenance. At most about 2,500 characters. */
export const heading = (verdict: Verdict, context: ReportContext): string => {
  const { sign, word } = runWords[verdict.verdict];
  const counts = cellCounts(verdict.cells);
  return [
    `### ${sign} ${word}${context.project === null ? '' : ` in ${code(context.project)}`}: ${prose(headline(verdict), 400)}`,
    `${counted(verdict.cells.length, 'cell')}${counts === '' ? '' : `: ${counts}`}. ${coverageSentence(verdict.coverage, prose)}`,
    provenance(verdict, context),
  ].join('\n\n');
};
