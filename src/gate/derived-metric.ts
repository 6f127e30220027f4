import type { MetricSpec } from '../records/metric.ts';
import type { MetricVerdict } from '../records/verdict.ts';
import { gainOf, improvementOf, isSpeed } from './improvement.ts';
import { type JudgedMetric, metricVerdictOf, plainChange, unmeasured } from './judged-metric.ts';
import { names } from './metric-key.ts';
import { absent, numberOf, type Reading, read, reasonOf } from './reading.ts';
import { scaledFor } from './scale.ts';
import { secondsIn } from './time-unit.ts';

/** One judged cell, as far as figures over cells read it. */
export interface JudgedCell {
  readonly id: string;
  readonly model: string | null;
  readonly metrics: readonly MetricVerdict[];
  /** Seconds that the builds took which an arm itself needs; null where nothing was built, or it is not known how long it took. */
  readonly buildSeconds: Readonly<Record<'base' | 'head', number | null>>;
}

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

/** A number, and what is to be said beside it. */
interface Figure {
  readonly value: number;
  readonly note: string | null;
  readonly interval: MetricVerdict['interval'];
}
const figure = (value: number, note: string | null = null, interval: Figure['interval'] = null): Reading<Figure> =>
  read({ value, note, interval });

/** Without a number of any part: where all of them are unchanged, so is the figure; else it is missing. */
const withoutParts = (parts: readonly MetricVerdict[], reason: string): Reading<never> => {
  if (parts.length === 0 || !parts.every(({ state }) => state === 'unchanged' || state === 'not-measured'))
    return absent('missing', reason);
  const state = parts.every((part) => part.state === 'unchanged') ? 'unchanged' : 'not-measured';
  return absent(state, 'all that it is made of is unchanged and was not measured in this run');
};

const improvement = (cells: readonly JudgedCell[], at: string | null, side: Side): Reading<Figure> => {
  const where = at === null ? 'in time' : `in time at ${at}`;
  const parts = cells.flatMap((cell) => cell.metrics.filter((metric) => isSpeed(metric, at)));
  if (parts.length === 0) return absent('not-applicable', `no optimization of the model is judged ${where}`);
  const found = improvementOf(cells, side, at);
  if (found === null) return withoutParts(parts, `no optimization of the model has been measured ${where}`);
  const { times, interval } = found;
  const few = interval === null ? '; too few launches for an interval' : '';
  return figure(times, `over ${found.cells} ${found.cells === 1 ? 'cell' : 'cells'}${few}`, interval);
};

/** What the cells cost to build and what they save with every token, in seconds, together; only cells that have both. */
const ledger = (cells: readonly JudgedCell[], saving: string, side: Side): Reading<{ cost: number; saved: number; cells: number }> => {
  const known = cells.flatMap((cell) =>
    cell.metrics
      .filter((metric) => names(saving, metric))
      .slice(0, 1)
      .map((gain) => ({ cell, gain })),
  );
  if (known.length === 0) return absent('not-applicable', `no optimization of the model has ${saving}`);
  const both = known.flatMap(({ cell, gain }) => {
    const [paid, times, before, unit] = [cell.buildSeconds[side], gainOf(gain, cell, side), gain.reference, secondsIn(gain.unit)];
    return paid === null || times === null || before === null || unit === null ? [] : [{ paid, saved: before * unit * (1 - 1 / times) }];
  });
  if (both.length === 0)
    return withoutParts(
      known.map(({ gain }) => gain),
      `no optimization of the model has both a build of known duration and ${saving}`,
    );
  return read({
    cost: both.reduce((sum, { paid }) => sum + paid, 0),
    saved: both.reduce((sum, each) => sum + each.saved, 0),
    cells: both.length,
  });
};

const payback = (
  cells: readonly JudgedCell[],
  from: Extract<DerivedReduction, { of: 'break-even' | 'roi' }>,
  side: Side,
): Reading<Figure> => {
  const found = ledger(cells, from.saving, side);
  if (found.status === 'absent') return found;
  const { cost, saved } = found.value;
  const note = `${cost.toPrecision(3)} s of building, ${(1e6 * saved).toPrecision(3)} µs saved per token, over ${found.value.cells} ${found.value.cells === 1 ? 'cell' : 'cells'}`;
  if (from.of === 'break-even')
    return saved > 0 ? figure(cost / saved, note) : absent('not-applicable', `it saves nothing, so it never pays back: ${note}`);
  return cost > 0
    ? figure(100 * ((saved * from.tokens) / cost - 1), note)
    : absent('not-applicable', 'its build cost is 0, so there is no return on it');
};

const runFigure = (cells: readonly JudgedCell[], from: Extract<DerivedReduction, { of: 'run' }>, figures: RunFigures): Reading<Figure> => {
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
const realized = (own: JudgedCell, from: Extract<DerivedReduction, { of: 'realized' }>, side: Side): Reading<Figure> => {
  const parts = [from.measured, from.possible].flatMap((name) => own.metrics.filter((metric) => names(name, metric)).slice(0, 1));
  const [measured, possible] = [from.measured, from.possible].map((name) => parts.find((metric) => names(name, metric))?.[side] ?? null);
  if (typeof measured !== 'number' || typeof possible !== 'number')
    return withoutParts(
      parts.filter((metric) => metric[side] === null),
      `no ${typeof measured === 'number' ? from.possible : from.measured} was measured`,
    );
  if (possible <= 1) return absent('not-applicable', `nothing can become faster: ${from.possible} is ${possible.toFixed(3)} ×`);
  return figure((measured - 1) / (possible - 1), `${measured.toFixed(3)} × of a possible ${possible.toFixed(3)} ×`);
};

/** A figure over other metrics: of the own cell (realized), else of all cells of the model. Never gates: it only restates what its parts decide. */
export const judgeDerived = (spec: MetricSpec, own: JudgedCell, cells: readonly JudgedCell[], figures: RunFigures): JudgedMetric => {
  const { from } = spec;
  if (from.of === 'series' || from.of === 'against') return unmeasured(spec, 'missing', null, 'not a figure over several optimizations');
  const model = cells.filter((cell) => cell.model === own.model);
  const readingOf = (side: Side): Reading<Figure> => {
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
