import type { MetricSpec } from '../records/metric.ts';
import { type DerivedFigure, figure, type JudgedCell, withoutParts } from './figure.ts';
import { improvementOf, isSpeed } from './improvement.ts';
import { type JudgedMetric, metricVerdictOf, plainChange, unmeasured } from './judged-metric.ts';
import { names } from './metric-key.ts';
import { payback } from './payback.ts';
import { absent, numberOf, type Reading, reasonOf } from './reading.ts';
import { scaledFor } from './scale.ts';

/** Figures of the whole run. */
export interface RunFigures {
  readonly falseAlarms: number | null;
  /** Whether any cell was changed: else nothing is tested. */
  readonly changed: boolean;
  /** Whether there is a changed cell that self-checks can run on. */
  readonly controlled: boolean;
}

type Side = 'base' | 'head';
type DerivedReduction = Exclude<MetricSpec['from'], { of: 'series' | 'against' }>;

const improvement = (cells: readonly JudgedCell[], at: string | null, side: Side): Reading<DerivedFigure> => {
  const where = at === null ? 'in time' : `in time at ${at}`;
  const parts = cells.flatMap((cell) => cell.metrics.filter((metric) => isSpeed(metric, at)));
  if (parts.length === 0) return absent('not-applicable', `no optimization of the model is judged ${where}`);
  const found = improvementOf(cells, side, at);
  if (found === null) return withoutParts(parts, `no optimization of the model has been measured ${where}`);
  const { times, interval } = found;
  const few = interval === null ? '; too few launches for an interval' : '';
  return figure(times, `over ${found.cells} ${found.cells === 1 ? 'cell' : 'cells'}${few}`, interval);
};

const runFigure = (
  cells: readonly JudgedCell[],
  from: Extract<DerivedReduction, { of: 'run' }>,
  figures: RunFigures,
): Reading<DerivedFigure> => {
  if (!figures.changed) return absent('not-applicable', 'nothing is changed, so no metric is tested and no self-check runs');
  if (from.figure === 'false-alarms' && !figures.controlled)
    return absent('not-applicable', 'nothing that changed has a timed call that a self-check could repeat, or nothing is confirmed');
  if (from.figure === 'false-alarms')
    return figures.falseAlarms === null
      ? absent('missing', 'the self-check of base against itself was not measured in this run')
      : figure(figures.falseAlarms);
  const metrics = cells.flatMap((cell) => cell.metrics).filter(({ scale }) => scale === 'log');
  const detectable = metrics.flatMap((metric) => metric.detectable ?? []);
  if (detectable.length === 0)
    return metrics.every(({ kind, role, verdict }) => kind !== 'timing' || role !== 'gate' || verdict === 'unchanged')
      ? absent('not-applicable', 'nothing of the model is changed: none of its metrics is tested')
      : absent('missing', 'no metric of the model was tested');
  return figure(100 * Math.max(...detectable), `the least exact of ${detectable.length} tested metrics`);
};

/** How much of a possible speed-up has come true in one cell. */
const realized = (own: JudgedCell, from: Extract<DerivedReduction, { of: 'realized' }>, side: Side): Reading<DerivedFigure> => {
  const parts = [from.measured, from.possible].flatMap((name) => own.metrics.filter((metric) => names(name, metric)).slice(0, 1));
  const [measured, possible] = [from.measured, from.possible].map((name) => parts.find((metric) => names(name, metric))?.[side] ?? null);
  if (typeof measured !== 'number' || typeof possible !== 'number')
    return withoutParts(
      parts.filter((metric) => metric[side] === null),
      `no ${typeof measured === 'number' ? from.possible : from.measured} was measured`,
    );
  if (possible <= 1) return absent('not-applicable', `nothing can become faster: ${from.possible} is ${possible.toFixed(3)} ×`);
  const share = Math.max(0, Math.min(1, (measured - 1) / (possible - 1)));
  return figure(share, `${measured.toFixed(3)} × of a possible ${possible.toFixed(3)} ×`);
};

/** A figure over other metrics: of the own cell (realized), else of all cells of the model. Never gates: it only restates what its parts decide. */
export const judgeDerived = (spec: MetricSpec, own: JudgedCell, cells: readonly JudgedCell[], figures: RunFigures): JudgedMetric => {
  const { from } = spec;
  if (from.of === 'series' || from.of === 'against') return unmeasured(spec, 'missing', null, 'not a figure over several optimizations');
  const model = cells.filter((cell) => cell.model === own.model);
  const readingOf = (side: Side): Reading<DerivedFigure> => {
    if (from.of === 'improvement') return improvement(model, from.at, side);
    if (from.of === 'run') return side === 'head' ? runFigure(model, from, figures) : absent('not-applicable', 'a figure of the run');
    if (from.of === 'realized') return realized(own, from, side);
    return payback(model, from, side);
  };
  const [base, head] = [readingOf('base'), readingOf('head')];
  const role = spec.role === 'gate' ? 'described' : spec.role;
  const before = numberOf(base)?.value ?? null;
  if (head.status === 'absent') return metricVerdictOf(spec, { role, state: head.state, base: before, reason: reasonOf(head) });
  const { value, note, interval } = head.value;
  const scaled = before === null ? spec : scaledFor(spec, [value, before], before);
  const change = before === null ? null : plainChange(scaled, value, before);
  return metricVerdictOf(scaled, { role, state: 'measured', base: before, head: value, interval, change, reason: note });
};
