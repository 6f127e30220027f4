import { byImportance } from '../records/severity.ts';
import type { CellVerdict, MetricVerdict, RequirementVerdict, Verdict, VerdictKind } from '../records/verdict.ts';
import { isAccepted } from './acceptance.ts';
import { requirementWords } from './requirement-words.ts';
import type { RunOutcome } from './run-verdict.ts';

interface Placed {
  readonly cell: CellVerdict;
  readonly metric: MetricVerdict;
}

/** Verdicts of a run that have found something. */
type Finding = Extract<RunOutcome['verdict'], 'regressed' | 'failed' | 'inconclusive'>;

const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;

/** More decimals than this tell nothing that people read. */
const mostDigits = 6;

/** Plain digits where so many decimals show it, else with an exponent; `+60`, `−0.293`. */
const signed = (value: number, digits: number): string => {
  const size = Math.abs(value);
  if (size === Number.POSITIVE_INFINITY) return `${value < 0 ? '−' : '+'}∞`;
  const plain = size === 0 || (size >= 10 ** -digits && size < 1e15);
  return `${value < 0 ? '−' : '+'}${plain ? Number(size.toFixed(digits)) : size.toExponential(2).replace('-', '−')}`;
};

const amount = (metric: MetricVerdict): string => {
  const percent = metric.scale === 'log';
  // Differences of percentages are points, not percent.
  const unit = percent ? '%' : metric.unit === '%' ? 'points' : metric.unit;
  const factor = percent ? 100 : 1;
  const [change, tolerance] = [(metric.change?.estimate ?? 0) * factor, metric.tolerance * factor];
  // A change beyond the tolerance must not look as large as it.
  let digits = percent ? 1 : 3;
  while (digits < mostDigits && Number(Math.abs(change).toFixed(digits)) === Number(tolerance.toFixed(digits))) digits += 1;
  return `${signed(change, digits)} ${unit}`;
};

const gating = (cells: readonly CellVerdict[], kind: VerdictKind): readonly Placed[] =>
  cells.flatMap((cell) =>
    cell.metrics.filter((metric) => metric.role === 'gate' && metric.verdict === kind).map((metric) => ({ cell, metric })),
  );

const worstFirst = (found: readonly Placed[]): readonly Placed[] => found.toSorted((a, b) => byImportance(a.metric, b.metric));

const inCells = (found: readonly Placed[]): string =>
  `${count(found.length, 'metric')} in ${count(new Set(found.map((each) => each.cell.id)).size, 'cell')}`;

/** A headline says what happened in one line: what is listed below it has the rest. */
const reasonLength = 160;

/** The first sentence of a reason, with the code of an error behind it. */
const beginningOf = (reason: string): string => {
  const [, code] = /error\[([a-z-]+)\]/.exec(reason) ?? [];
  const words = reason.replace(/error\[[a-z-]+\](?: of [^:]+)?: /, '').split(/(?<=[.!?])\s|\n/)[0] ?? '';
  return `${words.replace(/\.$/, '').slice(0, reasonLength)}${code === undefined ? '' : ` (${code})`}`;
};

const andMore = (n: number, noun: string): string => (n === 0 ? '' : ` and ${count(n, `more ${noun}`)}`);

/** The verdict of the run says already what its own kind of finding is. */
const kindWord = (kind: VerdictKind, verdict: Finding): string => (kind === verdict ? '' : ` ${kind}`);

/** Whole cells with a verdict that have a reason of their own: the first one and why, and how many more. */
const wholeWords = (cells: readonly CellVerdict[], kind: VerdictKind, verdict: Finding): string | null => {
  const whole = cells.filter((cell) => cell.verdict === kind && cell.reason !== null);
  const [first] = whole;
  if (first === undefined) return null;
  return `${first.id}${andMore(whole.length - 1, 'cell')}${kindWord(kind, verdict)}: ${beginningOf(first.reason ?? '')}`;
};

/** Metrics that gate and have this verdict: the first by importance and why, and how many more. */
const metricWords = (cells: readonly CellVerdict[], kind: VerdictKind, verdict: Finding): string | null => {
  const [first, ...others] = worstFirst(gating(cells, kind));
  if (first === undefined) return null;
  const { cell, metric } = first;
  const why = metric.reason === null ? '' : `: ${beginningOf(metric.reason)}`;
  const moved = metric.change === null ? '' : ` ${amount(metric)}`;
  return `${metric.id}${moved} in ${cell.id}${andMore(others.length, 'metric')}${kindWord(kind, verdict)}${why}`;
};

/** What failed or is missing. `brief`: something else is worse, so that it is only counted. */
const gapWords = (cells: readonly CellVerdict[], verdict: Finding, brief: boolean): string[] =>
  (['missing', 'failed'] as const).flatMap((kind) => {
    const detail = brief ? null : (wholeWords(cells, kind, verdict) ?? metricWords(cells, kind, verdict));
    if (detail !== null) return [detail];
    const whole = cells.filter((cell) => cell.verdict === kind);
    if (whole.length > 0) return [`${count(whole.length, 'cell')} ${kind}`];
    const metrics = gating(cells, kind);
    return metrics.length === 0 ? [] : [`${inCells(metrics)} ${kind}`];
  });

const regressedWords = (cells: readonly CellVerdict[]): string[] => {
  const [worst, ...others] = worstFirst(gating(cells, 'regressed'));
  return worst === undefined ? [] : [`${worst.metric.id} ${amount(worst.metric)} in ${worst.cell.id}${andMore(others.length, 'metric')}`];
};

const undecidedWords = (cells: readonly CellVerdict[]): string[] => {
  const words = wholeWords(cells, 'inconclusive', 'inconclusive') ?? metricWords(cells, 'inconclusive', 'inconclusive');
  return words === null ? [] : [words];
};

const unmet = (cells: readonly CellVerdict[]): readonly { readonly cell: CellVerdict; readonly requirement: RequirementVerdict }[] =>
  cells.flatMap((cell) => cell.requirements.filter(({ outcome }) => outcome === 'unmet').map((requirement) => ({ cell, requirement })));

const unmetWords = (cells: readonly CellVerdict[]): string[] => {
  const [first, ...others] = unmet(cells);
  return first === undefined ? [] : [`${first.cell.id}${andMore(others.length, 'requirement')}: ${requirementWords(first.requirement)}`];
};

/** Where something is worse than that. */
const unmetCount = (cells: readonly CellVerdict[]): string[] => {
  const { length } = unmet(cells);
  return length === 0 ? [] : [`${count(length, 'requirement')} not met`];
};

/** What a pass leaves open. */
const openWords = (cells: readonly CellVerdict[]): string[] => {
  const open = gating(cells, 'inconclusive');
  return open.length === 0 ? [] : [`${inCells(open)} undecided`];
};

const passedWords = (cells: readonly CellVerdict[]): string[] => {
  const counts = (['passed', 'improved', 'unchanged', 'new'] as const)
    .map((kind) => [kind, gating(cells, kind).length] as const)
    .filter(([, n]) => n > 0)
    .map(([kind, n]) => `${n} ${kind}`)
    .join(', ');
  const worse = gating(cells, 'passed').filter(({ metric }) => isAccepted(metric));
  if (worse.length > 0) return [`no regression beyond what is accepted: ${counts}`, `${inCells(worse)} worse, as accepted`];
  if (counts !== '') return [`none of the gating metrics regressed: ${counts}`];
  return [gating(cells, 'inconclusive').length > 0 ? 'none of the gating metrics regressed' : 'none of these metrics decides'];
};

const titles: Readonly<Record<RunOutcome['verdict'], string>> = {
  passed: 'Passed',
  regressed: 'Regressed',
  failed: 'Failed',
  unmet: 'Requirement not met',
  inconclusive: 'Inconclusive',
  unfit: 'Unfit',
  'nothing-to-compare': 'Nothing to compare',
};

const wordsOf = (verdict: Exclude<RunOutcome['verdict'], 'unfit'>, cells: readonly CellVerdict[]): readonly string[] => {
  const worst = verdict === 'inconclusive' ? undecidedWords(cells) : regressedWords(cells);
  switch (verdict) {
    case 'regressed':
    case 'failed':
    case 'inconclusive':
      return [...worst, ...gapWords(cells, verdict, worst.length > 0), ...unmetCount(cells)];
    case 'unmet':
      return unmetWords(cells);
    case 'passed':
      return [...passedWords(cells), ...openWords(cells)];
    case 'nothing-to-compare':
      return ['no optimization applies to its model, so nothing was measured'];
  }
};

/** One line for people: the worst finding by name, how many more there are, and what stayed open. */
export const summaryOf = (outcome: RunOutcome, cells: readonly CellVerdict[], selfChecks: Verdict['selfChecks']): string => {
  const title = titles[outcome.verdict];
  if (outcome.verdict === 'unfit') {
    const failed = selfChecks.find((each) => each.outcome === 'withheld');
    return `${title}: ${failed?.detail ?? 'a self-check failed'}, so this machine is not trusted: run again on a quiet one`;
  }
  return `${title}: ${wordsOf(outcome.verdict, cells).join('; ')}`;
};
