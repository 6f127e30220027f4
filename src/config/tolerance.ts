import { GateError } from '../errors.ts';
import type { Config } from './config.ts';
import { suggestion } from './nearest.ts';

/** Whether a key of `gate.tolerance` means this metric: its id, or the last words of it (`latency`: `decode-latency`). */
const means = (key: string, metric: string): boolean => metric === key || metric.endsWith(`-${key}`);

/**
 * The configured tolerance of a metric in the form of the plan (log scale: a fraction; linear: the metric's unit), or
 * null when the configuration leaves it to the metric. The longest key that means the metric wins.
 * Throws `config-invalid` when a percentage is given for a metric on a linear scale, where it has no
 * meaning, or a number above 0 for one on the log scale: 0.5 ms would be taken for 50 %.
 */
export const toleranceOf = (
  gate: Pick<Config['gate'], 'tolerance'>,
  metric: { readonly id: string; readonly scale: 'log' | 'linear' },
): number | null => {
  const [key] = Object.keys(gate.tolerance)
    .filter((candidate) => means(candidate, metric.id))
    .sort((one, other) => other.length - one.length);
  const found = key === undefined ? undefined : gate.tolerance[key];
  if (found === undefined) return null;
  if (found.relative && metric.scale === 'linear') {
    throw new GateError('config-invalid', `"${metric.id}" can be zero or negative: give its tolerance in its unit, not as a percentage.`, {
      where: `gate.tolerance.${key}`,
    });
  }
  if (!found.relative && metric.scale === 'log' && found.value > 0) {
    throw new GateError(
      'config-invalid',
      `The tolerance of "${metric.id}" is a share of base's number: expected a percentage such as 2%, got ${found.value}. Write ${Number((100 * found.value).toPrecision(6))}% if that share is meant.`,
      { where: `gate.tolerance.${key}` },
    );
  }
  return found.value;
};

/** Keys of `gate.tolerance` that mean none of these metrics. */
export const unknownTolerances = (gate: Config['gate'], metrics: readonly string[]): readonly string[] =>
  Object.keys(gate.tolerance).filter((key) => !metrics.some((metric) => means(key, metric)));

/** Refuses a key of `gate.tolerance` that means no metric at all: a misspelt tolerance must not be silently without effect. */
export const checkTolerances = (gate: Config['gate'], metrics: readonly string[]): void => {
  const [key] = unknownTolerances(gate, metrics);
  if (key === undefined) return;
  throw new GateError('config-unknown-key', `No metric is called "${key}" or ends with it.${suggestion(key, metrics)}`, {
    where: `gate.tolerance.${key}`,
  });
};
