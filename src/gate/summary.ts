import type { CellVerdict, MetricVerdict, Verdict, VerdictKind } from '../records/verdict.ts';
import { isAccepted } from './acceptance.ts';
import type { RunOutcome } from './run-verdict.ts';
import { worsening } from './scale.ts';

interface Placed {
  readonly cell: CellVerdict;
  readonly metric: MetricVerdict;
}

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

const amounts = (metric: MetricVerdict): string => {
  const percent = metric.scale === 'log';
  // Differences of percentages are points, not percent.
  const unit = percent ? '%' : metric.unit === '%' ? 'points' : metric.unit;
  const factor = percent ? 100 : 1;
  const [change, tolerance] = [(metric.change?.estimate ?? 0) * factor, metric.tolerance * factor];
  // A change beyond the tolerance must not look as large as it.
  let digits = percent ? 1 : 3;
  while (digits < mostDigits && Number(Math.abs(change).toFixed(digits)) === Number(tolerance.toFixed(digits))) digits += 1;
  return `${signed(change, digits)} ${unit} (tolerance ${Number(tolerance.toPrecision(6))} ${unit})`;
};

/** How many tolerances worse. */
const severity = ({ metric }: Placed): number => worsening(metric, metric.change?.estimate ?? 0) / Math.max(metric.tolerance, 1e-9);

const gating = (cells: readonly CellVerdict[], kind: VerdictKind): readonly Placed[] =>
  cells.flatMap((cell) =>
    cell.metrics.filter((metric) => metric.role === 'gate' && metric.verdict === kind).map((metric) => ({ cell, metric })),
  );

const inCells = (found: readonly Placed[]): string =>
  `${count(found.length, 'metric')} in ${count(new Set(found.map((each) => each.cell.id)).size, 'cell')}`;

/** The first sentence of a reason: what fails is listed below with all of it. */
const beginningOf = (reason: string): string => (reason.split(/(?<=[.!?])\s|\n/)[0] ?? '').replace(/\.$/, '').slice(0, 600);

const gapWords = (cells: readonly CellVerdict[]): string[] =>
  (['failed', 'missing'] as const).flatMap((kind) => {
    const whole = cells.filter((cell) => cell.verdict === kind);
    const [first] = whole;
    if (first !== undefined)
      return [`${count(whole.length, 'cell')} ${kind} (${first.id}${first.reason === null ? '' : `: ${beginningOf(first.reason)}`})`];
    const metrics = gating(cells, kind);
    return metrics.length === 0 ? [] : [`${inCells(metrics)} ${kind}`];
  });

const regressedWords = (cells: readonly CellVerdict[]): string[] => {
  const found = gating(cells, 'regressed');
  const [worst] = found.toSorted((a, b) => severity(b) - severity(a));
  return worst === undefined ? [] : [`${inCells(found)}, worst ${worst.metric.id} of ${worst.cell.id}, ${amounts(worst.metric)}`];
};

const undecidedWords = (cells: readonly CellVerdict[]): string[] => {
  const found = gating(cells, 'inconclusive');
  const [first] = found;
  if (first !== undefined)
    return [
      `${inCells(found)} undecided, first ${first.metric.id} of ${first.cell.id}${first.metric.reason === null ? '' : ` (${first.metric.reason})`}`,
    ];
  const cell = cells.find((each) => each.verdict === 'inconclusive');
  return cell === undefined ? [] : [`${cell.id} undecided (${cell.reason ?? 'not measured'})`];
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
  inconclusive: 'Inconclusive',
  unfit: 'Unfit',
  'nothing-to-compare': 'Nothing to compare',
};

const wordsOf = (verdict: Exclude<RunOutcome['verdict'], 'unfit'>, cells: readonly CellVerdict[]): readonly string[] => {
  switch (verdict) {
    case 'regressed':
    case 'failed':
      return [...regressedWords(cells), ...gapWords(cells)];
    case 'inconclusive':
      return [...undecidedWords(cells), ...gapWords(cells)];
    case 'passed':
      return [...passedWords(cells), ...undecidedWords(cells)];
    case 'nothing-to-compare':
      return ['no optimization applies to its model, so nothing was measured'];
  }
};

/** One plain sentence for people: how many, the worst one by name, and what stayed open. */
export const summaryOf = (outcome: RunOutcome, cells: readonly CellVerdict[], selfChecks: Verdict['selfChecks']): string => {
  const title = titles[outcome.verdict];
  if (outcome.verdict === 'unfit') {
    const failed = selfChecks.find((each) => each.outcome === 'withheld');
    return `${title}: this machine cannot be trusted with a verdict (${failed?.detail ?? 'a self-check failed'}); run the job again on a quiet machine`;
  }
  return `${title}: ${wordsOf(outcome.verdict, cells).join('; ')}`;
};
