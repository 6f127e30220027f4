import type { MetricSpec } from '../records/metric.ts';
import type { MetricVerdict } from '../records/verdict.ts';
import { mean } from '../statistics/describe.ts';
import { type JudgedMetric, metricVerdictOf, plainChange, unmeasured } from './judged-metric.ts';
import { names } from './metric-key.ts';
import { absent, numberOf, type Reading, read, reasonOf } from './reading.ts';

/** One judged cell, as far as figures over cells read it. */
export interface JudgedCell {
  readonly id: string;
  readonly model: string;
  readonly metrics: readonly MetricVerdict[];
}

/** Figures of the whole run. */
export interface RunFigures {
  readonly falseAlarms: number | null;
}

type Side = 'reference' | 'base' | 'head';
type DerivedReduction = Exclude<MetricSpec['from'], { of: 'series' | 'against' }>;

const numbersOf = (cells: readonly JudgedCell[], name: string, side: Side): readonly number[] =>
  cells.flatMap((cell) => cell.metrics.filter((metric) => names(name, metric)).flatMap((metric) => metric[side] ?? []));

const overCells = (cells: readonly JudgedCell[], from: Extract<DerivedReduction, { of: 'cells' }>, side: Side): Reading<number> => {
  const values = numbersOf(cells, from.metric, side);
  if (values.length === 0) return absent('missing', `no cell of the model has a value of ${from.metric}`);
  if (from.as === 'geometric-mean')
    return values.every((value) => value > 0)
      ? read(Math.exp(mean(values.map(Math.log))))
      : absent('not-applicable', `${from.metric} has a value ≤ 0, which has no geometric mean`);
  const better = cells.flatMap((cell) => cell.metrics).find((metric) => names(from.metric, metric))?.better;
  return read(values.reduce((a, b) => (better === 'higher' ? Math.min(a, b) : Math.max(a, b))));
};

const seconds: Readonly<Record<string, number>> = { s: 1, ms: 1e-3, µs: 1e-6, us: 1e-6, ns: 1e-9 };
const inSeconds = (value: number, unit: string): number => value * (seconds[unit] ?? 1);

/** Cost ÷ saving, both in seconds where their units are times; over the cells that have both (one cell: its own numbers). */
const breakEven = (cells: readonly JudgedCell[], from: Extract<DerivedReduction, { of: 'break-even' }>, side: Side): Reading<number> => {
  let cost = 0;
  let saving = 0;
  let found = false;
  for (const cell of cells) {
    const price = cell.metrics.find((metric) => names(from.cost, metric) && metric[side] !== null);
    const gain = cell.metrics.find((metric) => names(from.saving, metric) && metric[side] !== null && metric.reference !== null);
    const [paid, after, before] = [price?.[side] ?? null, gain?.[side] ?? null, gain?.reference ?? null];
    if (price === undefined || gain === undefined || paid === null || after === null || before === null) continue;
    found = true;
    cost += inSeconds(paid, price.unit);
    saving += inSeconds(gain.better === 'lower' ? before - after : after - before, gain.unit);
  }
  if (!found) return absent('missing', `no cell has both ${from.cost} and ${from.saving}`);
  return saving > 0 ? read(cost / saving) : absent('not-applicable', 'no saving: it never pays back');
};

const figure = (cells: readonly JudgedCell[], from: Extract<DerivedReduction, { of: 'run' }>, figures: RunFigures): Reading<number> => {
  if (from.figure === 'false-alarms')
    return figures.falseAlarms === null ? absent('missing', 'no A/A control was measured in this run') : read(figures.falseAlarms);
  const detectable = cells.flatMap((cell) => cell.metrics).flatMap((metric) => (metric.scale === 'log' ? (metric.detectable ?? []) : []));
  return detectable.length === 0 ? absent('missing', 'no metric of the model was tested') : read(Math.max(...detectable));
};

/**
 * A figure over other metrics: of its own cell where that has what is asked for (break-even), else of all cells of the model.
 * Never gates: it only restates what its parts decide.
 */
export const judgeDerived = (spec: MetricSpec, own: JudgedCell, cells: readonly JudgedCell[], figures: RunFigures): JudgedMetric => {
  const { from } = spec;
  if (from.of === 'series' || from.of === 'against') return unmeasured(spec, 'missing', null, 'not a figure over cells');
  const model = cells.filter((cell) => cell.model === own.model);
  const readingOf = (side: Side): Reading<number> => {
    if (from.of === 'cells') return overCells(model, from, side);
    if (from.of === 'run') return side === 'head' ? figure(model, from, figures) : absent('not-applicable', 'a figure of the run');
    const mine = side === 'reference' ? absent('not-applicable', 'the reference costs nothing') : breakEven([own], from, side);
    return mine.status === 'absent' && mine.state === 'missing' ? breakEven(model, from, side) : mine;
  };
  const [reference, base, head] = [readingOf('reference'), readingOf('base'), readingOf('head')];
  const role = spec.role === 'gate' ? 'described' : spec.role;
  if (head.status === 'absent') return metricVerdictOf(spec, { role, state: head.state, base: numberOf(base), reason: reasonOf(head) });
  const change = base.status === 'read' ? plainChange(spec, head.value, base.value) : null;
  return metricVerdictOf(spec, { role, state: 'measured', reference: numberOf(reference), base: numberOf(base), head: head.value, change });
};
