import type { MetricSpec } from '../records/metric.ts';
import type { MetricVerdict } from '../records/verdict.ts';
import { meanInterval } from '../statistics/mean-interval.ts';
import type { CellState } from './cell-state.ts';
import { pointOf } from './metric-key.ts';
import type { Observations } from './observation.ts';
import { numberOf } from './reading.ts';
import { roundsOf, type SampledReduction } from './reduction.ts';

type Interval = NonNullable<MetricVerdict['interval']>;

/** The reduction of a metric that is the mean of one number per held-out window; null for any other. */
const windowMean = ({ cell }: CellState, spec: MetricSpec): SampledReduction | null => {
  const { from } = spec;
  if (from.of !== 'series' && from.of !== 'against') return null;
  const kind = pointOf(cell, spec)?.kind;
  return from.over === 'mean' && (kind === 'evaluation' || kind === 'generation') ? from : null;
};

const windowsOf = ({ columns: [columns] }: Observations, from: SampledReduction, arm: 'base' | 'head'): readonly number[] | null =>
  columns === undefined ? null : numberOf(roundsOf(columns, from, arm));

const finite = (lower: number, upper: number): Interval | null =>
  Number.isFinite(lower) && Number.isFinite(upper) ? { lower, upper } : null;

const ofMean = (windows: readonly number[] | null): Interval | null => {
  if (windows === null) return null;
  const { lower, upper } = meanInterval(windows);
  return lower === null || upper === null ? null : finite(lower, upper);
};

/** 95 % interval of head's own number, clustered by window; null where it is no mean over windows, or there is one window. */
export const valueInterval = (cellState: CellState, spec: MetricSpec, observations: Observations): Interval | null => {
  const from = windowMean(cellState, spec);
  if (from === null) return null;
  if (from.of === 'series' || from.as !== 'percent-kept') return ofMean(windowsOf(observations, from, 'head'));
  const lost = ofMean(windowsOf(observations, { ...from, as: 'difference' }, 'head'));
  return lost === null ? null : finite(100 * Math.exp(-lost.upper), 100 * Math.exp(-lost.lower));
};

/** 95 % interval of head's number less base's, of differences that can be zero: paired and clustered by window. */
export const differenceInterval = (cellState: CellState, spec: MetricSpec, observations: Observations): Interval | null => {
  const from = windowMean(cellState, spec);
  if (from === null || spec.scale !== 'linear' || (from.of === 'against' && from.as === 'percent-kept')) return null;
  const [head, base] = [windowsOf(observations, from, 'head'), windowsOf(observations, from, 'base')];
  if (head === null || base === null || head.length !== base.length) return null;
  return ofMean(head.map((value, window) => value - (base[window] ?? 0)));
};
