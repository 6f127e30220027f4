import type { MetricSpec } from '../records/metric.ts';
import { halfOfSum, type Spread } from '../statistics/sum-interval.ts';
import { type DerivedFigure, figure, type JudgedCell, withoutParts } from './figure.ts';
import { metricGain } from './improvement.ts';
import { names } from './metric-key.ts';
import { absent, type Reading, read } from './reading.ts';
import { secondsIn } from './time-unit.ts';

type Side = 'base' | 'head';
type Payback = Extract<MetricSpec['from'], { of: 'break-even' | 'roi' }>;

/** What the cells cost to build and what they save with every token, in seconds, together. */
interface Ledger {
  readonly cost: number;
  readonly saved: number;
  /** Half of the 95 % interval of `saved` that the noise between launches leaves; null where a cell has too few of them. */
  readonly half: number | null;
  readonly cells: number;
}

/** Only cells that have both a build of known duration and a gain. */
const ledgerOf = (cells: readonly JudgedCell[], saving: string, side: Side): Reading<Ledger> => {
  const known = cells.flatMap((cell) =>
    cell.metrics
      .filter((metric) => names(saving, metric))
      .slice(0, 1)
      .map((metric) => ({ cell, metric })),
  );
  if (known.length === 0) return absent('not-applicable', `no optimization of the model has ${saving}`);
  const both = known.flatMap(({ cell, metric }) => {
    const [paid, gain, before, unit] = [cell.buildSeconds[side], metricGain(metric, cell, side), metric.reference, secondsIn(metric.unit)];
    if (paid === null || gain === null || before === null || unit === null) return [];
    const left = before * unit * Math.exp(-gain.log);
    const spread: Spread | null = gain.error === null ? null : { error: left * gain.error, freedom: gain.freedom };
    return [{ paid, saved: before * unit - left, spread }];
  });
  if (both.length === 0)
    return withoutParts(
      known.map(({ metric }) => metric),
      `no optimization of the model has both a build of known duration and ${saving}`,
    );
  const spreads = both.flatMap(({ spread }) => spread ?? []);
  return read({
    cost: both.reduce((sum, { paid }) => sum + paid, 0),
    saved: both.reduce((sum, each) => sum + each.saved, 0),
    half: spreads.length < both.length ? null : halfOfSum(spreads),
    cells: both.length,
  });
};

/** When, or how far, the time that is saved pays for that of building; undecided where noise leaves open whether any is saved. */
export const payback = (cells: readonly JudgedCell[], from: Payback, side: Side): Reading<DerivedFigure> => {
  const found = ledgerOf(cells, from.saving, side);
  if (found.status === 'absent') return found;
  const { cost, saved, half, cells: count } = found.value;
  const micro = (seconds: number): string => (1e6 * seconds).toPrecision(3);
  const sum = `${cost.toPrecision(3)} s of building, ${micro(saved)} µs saved per token, over ${count} ${count === 1 ? 'cell' : 'cells'}`;
  const note = half === null ? `${sum}; too few launches for an interval` : sum;
  if (half !== null && half > 0 && Math.abs(saved) <= half)
    return absent(
      'not-applicable',
      `undecided: the launches leave open whether a token is faster, ${micro(saved - half)} to ${micro(saved + half)} µs saved (${sum})`,
    );
  if (from.of === 'break-even') {
    if (saved <= 0) return absent('not-applicable', `it saves nothing, so it never pays back: ${note}`);
    return figure(cost / saved, note, half === null ? null : { lower: cost / (saved + half), upper: cost / (saved - half) });
  }
  if (cost <= 0) return absent('not-applicable', 'its build cost is 0, so there is no return on it');
  const returned = (seconds: number): number => 100 * ((seconds * from.tokens) / cost - 1);
  return figure(returned(saved), note, half === null ? null : { lower: returned(saved - half), upper: returned(saved + half) });
};
