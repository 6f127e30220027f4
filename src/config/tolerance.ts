import { GateError } from '../errors.ts';
import type { Config } from './config.ts';
import { suggestion } from './nearest.ts';

/** Whether a key of `gate.tolerance` means this metric: its id, or the last words of it (`latency`: `decode-latency`). */
const means = (key: string, metric: string): boolean => metric === key || metric.endsWith(`-${key}`);

/**
 * The configured tolerance of a metric in the form of the plan (log scale: a fraction; linear: the metric's unit), or
 * null when the configuration leaves it to the metric. The longest key that means the metric wins.
 * Throws `config-invalid` when a percentage is given for a metric on a linear scale, where it has no meaning.
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
