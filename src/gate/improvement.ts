import type { MetricVerdict } from '../records/verdict.ts';
import { mean, standardDeviation } from '../statistics/describe.ts';
import { halfOfSum } from '../statistics/sum-interval.ts';

/** One cell's metrics, as far as its gain is read from them. */
export interface GainingCell {
  readonly metrics: readonly MetricVerdict[];
}

export interface Improvement {
  /** Geometric mean over cells, × as good as the reference model. */
  readonly times: number;
  readonly cells: number;
  /** 95 % interval of what the noise between launches leaves open; null where a cell has too few of them for one. */
  readonly interval: MetricVerdict['interval'];
}

/** ln of a gain, the squared error of its mean over launches, and the degrees of freedom behind that. */
export interface MetricGain {
  readonly log: number;
  readonly error: number | null;
  readonly freedom: number;
}

/** Whether a metric tells how fast something is: timing, on a logarithmic scale, and judged. `at`: only of this point. */
export const isSpeed = (metric: MetricVerdict, at: string | null): boolean =>
  metric.kind === 'timing' && metric.scale === 'log' && metric.role === 'gate' && (at === null || metric.point === at);

/** Mean of logarithms and its standard error. */
const meanGain = (logs: readonly number[]): MetricGain => ({
  log: mean(logs),
  error: logs.length < 2 ? null : standardDeviation(logs) / Math.sqrt(logs.length),
  freedom: logs.length - 1,
});

/**
 * What a metric has gained over the reference model. One that is paired with a speed-up from rounds that ran both side by side is read
 * from that; else from the launches that ran both. Numbers without launches, such as a baseline's, have a quotient and no error.
 */
export const metricGain = (metric: MetricVerdict, cell: GainingCell, side: 'base' | 'head'): MetricGain | null => {
  const paired = cell.metrics.find(({ id, point }) => id === metric.pairedWith && point === metric.point);
  const times = paired?.[side] ?? null;
  if (paired !== undefined && times !== null && times > 0) {
    const logs = paired.samples[side].map(Math.log);
    return logs.length === 0 ? { log: Math.log(times), error: null, freedom: 0 } : meanGain(logs);
  }
  const gains = metric.samples.gains[side];
  if (gains.length > 0) return meanGain(gains.map(Math.log));
  const [after, before] = [metric[side], metric.reference];
  if (after === null || before === null || after <= 0 || before <= 0) return null;
  return { log: Math.log(metric.better === 'lower' ? before / after : after / before), error: null, freedom: 0 };
};

/** A cell counts once, however many metrics it has; their errors may go together, so that they are not taken to cancel. */
const cellGain = (cell: GainingCell, side: 'base' | 'head', at: string | null): MetricGain | null => {
  const gains = cell.metrics.filter((metric) => isSpeed(metric, at)).flatMap((metric) => metricGain(metric, cell, side) ?? []);
  if (gains.length === 0) return null;
  const errors = gains.flatMap(({ error }) => error ?? []);
  return {
    log: mean(gains.map(({ log }) => log)),
    error: errors.length < gains.length ? null : mean(errors),
    freedom: Math.min(...gains.map(({ freedom }) => freedom)),
  };
};

/** Each cell has its own noise. Null where one is not known, or where it says nothing. */
const intervalOf = (log: number, gains: readonly MetricGain[]): Improvement['interval'] => {
  const spreads = gains.flatMap(({ error, freedom }) => (error === null ? [] : [{ error: error / gains.length, freedom }]));
  if (spreads.length < gains.length) return null;
  const half = halfOfSum(spreads);
  const upper = Math.exp(log + half);
  return Number.isFinite(upper) ? { lower: Math.exp(log - half), upper } : null;
};

/** What the cells of a model have gained over the reference model together; null where none has a number. */
export const improvementOf = (cells: readonly GainingCell[], side: 'base' | 'head', at: string | null): Improvement | null => {
  const gains = cells.flatMap((cell) => cellGain(cell, side, at) ?? []);
  if (gains.length === 0) return null;
  const log = mean(gains.map((gain) => gain.log));
  return { times: Math.exp(log), cells: gains.length, interval: intervalOf(log, gains) };
};
