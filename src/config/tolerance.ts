import { GateError } from '../errors.ts';
import type { Config, Tolerances } from './config.ts';
import { type Flaw, flawOf } from './flaw.ts';
import { type KeyedMetric, keyOf, unknownKeys, unknownKeyText } from './metric-key.ts';

type Gate = Pick<Config['gate'], 'tolerance'>;

/** What of a metric its tolerance depends on. */
export interface TolerantMetric extends KeyedMetric {
  readonly scale: 'log' | 'linear';
}

const toleranceKey = ({ tolerance }: Gate, metric: KeyedMetric): string | null => keyOf(Object.keys(tolerance), metric);

/** What is wrong with a tolerance for a metric, or null: 0.5 ms would be taken for 50 %, and a percentage of 0 is 0. */
const misfit = ({ value, relative }: Tolerances[string], { id, scale }: TolerantMetric): string | null => {
  if (relative && scale === 'linear') return `"${id}" can be zero or negative: give its tolerance in its unit, not as a percentage.`;
  if (relative || scale === 'linear' || value === 0) return null;
  const percent = Number((100 * value).toPrecision(6));
  return `The tolerance of "${id}" is a share of base's number: expected a percentage such as 2%, got ${value}. Write ${percent}% if that share is meant. A metric of your own with \`scale: linear\` takes a number in its unit.`;
};

/**
 * The configured tolerance of a metric in the form of the plan (log scale: a fraction; linear: the metric's unit), or
 * null when the configuration leaves it to the metric, or gives one that does not fit its scale. The most specific key
 * that means the metric wins.
 */
export const toleranceOf = (gate: Gate, metric: TolerantMetric): number | null => {
  const key = toleranceKey(gate, metric);
  const found = key === null ? undefined : gate.tolerance[key];
  return found === undefined || misfit(found, metric) !== null ? null : found.value;
};

/**
 * What is wrong with `gate.tolerance`, given every metric that there is: `config-unknown-key` of a key
 * that means none, `config-invalid` of a value that does not fit the scale of a metric.
 */
export const toleranceFlaws = (gate: Gate, metrics: readonly TolerantMetric[]): readonly Flaw[] => {
  const unknown = new Set(unknownKeys(Object.keys(gate.tolerance), metrics));
  return Object.entries(gate.tolerance).flatMap(([key, tolerance]) => {
    const { value, relative, place: where } = tolerance;
    const flaw = (code: 'config-unknown-key' | 'config-invalid', message: string): Flaw =>
      flawOf(`gate.tolerance.${key}`, [value, relative], new GateError(code, `gate.tolerance.${key}: ${message}`, { where }));
    if (unknown.has(key)) return [flaw('config-unknown-key', unknownKeyText(key, metrics))];
    const wrong = metrics.find((metric) => toleranceKey(gate, metric) === key && misfit(tolerance, metric) !== null);
    return wrong === undefined ? [] : [flaw('config-invalid', misfit(tolerance, wrong) ?? '')];
  });
};
