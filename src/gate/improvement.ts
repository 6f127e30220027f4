import type { MetricVerdict } from '../records/verdict.ts';
import { mean, standardDeviation } from '../statistics/describe.ts';
import { studentQuantile } from '../statistics/student.ts';

/** One cell's metrics, as far as its gain is read from them. */
export interface GainingCell {
  readonly metrics: readonly MetricVerdict[];
}

export interface Improvement {
  /** Geometric mean over cells, × as good as the untouched model. */
  readonly times: number;
  readonly cells: number;
  /** 95 % interval of what the noise between launches leaves open; null where a cell has too few of them. */
  readonly interval: { readonly lower: number; readonly upper: number } | null;
}

/** ln of a gain, the squared error of its mean over launches, and the degrees of freedom behind that. */
interface Gain {
  readonly log: number;
  readonly error: number | null;
  readonly freedom: number;
}

/** Whether a metric tells how fast something is: timing, on a logarithmic scale, and judged. `at`: only of this point. */
export const isSpeed = (metric: MetricVerdict, at: string | null): boolean =>
  metric.kind === 'timing' && metric.scale === 'log' && metric.role === 'gate' && (at === null || metric.point === at);

/** Standard error of the mean of logarithms, null for fewer than two. */
const errorOf = (samples: readonly number[]): number | null =>
  samples.length < 2 || !samples.every((value) => value > 0) ? null : standardDeviation(samples.map(Math.log)) / Math.sqrt(samples.length);

const metricGain = (metric: MetricVerdict, side: 'base' | 'head'): Gain | null => {
  const [after, before] = [metric[side], metric.reference];
  if (after === null || before === null || after <= 0 || before <= 0) return null;
  const [own, untouched] = [errorOf(metric.samples[side]), errorOf(metric.samples.reference)];
  return {
    log: Math.log(metric.better === 'lower' ? before / after : after / before),
    error: own === null || untouched === null ? null : Math.hypot(own, untouched),
    freedom: Math.min(metric.samples[side].length, metric.samples.reference.length) - 1,
  };
};

/** A cell counts once, however many metrics it has; their errors may go together, so that they are not taken to cancel. */
const cellGain = (cell: GainingCell, side: 'base' | 'head', at: string | null): Gain | null => {
  const gains = cell.metrics.filter((metric) => isSpeed(metric, at)).flatMap((metric) => metricGain(metric, side) ?? []);
  if (gains.length === 0) return null;
  const errors = gains.flatMap(({ error }) => error ?? []);
  return {
    log: mean(gains.map(({ log }) => log)),
    error: errors.length < gains.length ? null : mean(errors),
    freedom: Math.min(...gains.map(({ freedom }) => freedom)),
  };
};

/** Student's interval with the degrees of freedom of Welch and Satterthwaite: each cell has its own noise. */
const intervalOf = (log: number, gains: readonly Gain[]): Improvement['interval'] => {
  const shares = gains.flatMap(({ error, freedom }) => (error === null ? [] : [{ square: (error / gains.length) ** 2, freedom }]));
  if (shares.length < gains.length) return null;
  const square = shares.reduce((sum, each) => sum + each.square, 0);
  if (square === 0) return { lower: Math.exp(log), upper: Math.exp(log) };
  const freedom = square ** 2 / shares.reduce((sum, each) => sum + each.square ** 2 / each.freedom, 0);
  const half = studentQuantile(0.975, Math.max(1, Math.floor(freedom))) * Math.sqrt(square);
  return { lower: Math.exp(log - half), upper: Math.exp(log + half) };
};

/** What the cells of a model have gained over the untouched model together; null where none has a number. */
export const improvementOf = (cells: readonly GainingCell[], side: 'base' | 'head', at: string | null): Improvement | null => {
  const gains = cells.flatMap((cell) => cellGain(cell, side, at) ?? []);
  if (gains.length === 0) return null;
  const log = mean(gains.map((gain) => gain.log));
  return { times: Math.exp(log), cells: gains.length, interval: intervalOf(log, gains) };
};
