import { GateError } from '../errors.ts';
import type { Requirement } from '../records/metric.ts';
import type { Config } from './config.ts';
import { type Flaw, flawOf } from './flaw.ts';
import { type KeyedMetric, keyOf, unknownKeys, unknownKeyText } from './metric-key.ts';
import { unitBytes, type WrittenRequirement } from './quantity.ts';

type Rules = Pick<Config['gate'], 'require'>;

/** What of a metric a requirement depends on. */
export interface RequirableMetric extends KeyedMetric {
  readonly unit: string;
  /** Whether launches measure it; else it is a figure over other metrics. */
  readonly sampled: boolean;
  /** Whether it is scored on held-out text. */
  readonly scored: boolean;
}

/** One of each unit in the smallest of its kind. */
const sizes: readonly Readonly<Record<string, number>>[] = [
  { ns: 1, µs: 1e3, us: 1e3, ms: 1e6, s: 1e9, min: 6e10 },
  { ...unitBytes, bytes: 1 },
  { '×': 1, x: 1 },
];

/** How many of the metric's unit one of the written unit is; null where they are not of a kind. */
const factorOf = (written: string | null, unit: string): number | null => {
  if (written === null || written === unit) return 1;
  const table = sizes.find((each) => Object.hasOwn(each, written) && Object.hasOwn(each, unit));
  return table === undefined ? null : (table[written] ?? 1) / (table[unit] ?? 1);
};

const requireKey = ({ require }: Rules, metric: KeyedMetric): string | null => keyOf(Object.keys(require), metric);

const misfit = ({ unit: written, text }: WrittenRequirement, { id, unit, sampled }: Omit<RequirableMetric, 'scored'>): string | null => {
  if (!sampled) return `"${id}" is a figure over other metrics, and its noise is not known. Require those that it is made of.`;
  return factorOf(written, unit) === null ? `Expected a bound of "${id}" in ${unit === '' ? 'plain numbers' : unit}, got "${text}".` : null;
};

const unscored = ({ quality }: Pick<Config['gate'], 'quality'>, { id, scored }: RequirableMetric): string | null =>
  scored && quality === 'none'
    ? `"${id}" is scored on held-out text, and \`gate.quality: none\` scores nothing. Remove one of the two.`
    : null;

/** What is required of a metric, in its unit; null without a requirement that fits. The most specific key that means it wins. */
export const requirementOf = (gate: Rules, metric: Omit<RequirableMetric, 'scored'>): Requirement | null => {
  const key = requireKey(gate, metric);
  const found = key === null ? undefined : gate.require[key];
  if (found === undefined || misfit(found, metric) !== null) return null;
  return { must: found.must, bound: found.amount * (factorOf(found.unit, metric.unit) ?? 1) };
};

/**
 * What is wrong with `gate.require`, given every metric that there is: `config-unknown-key` of a key that means none,
 * `config-invalid` of a bound in another unit, or of a figure that no launch measures.
 */
export const requirementFlaws = (
  gate: Pick<Config['gate'], 'require' | 'quality'>,
  metrics: readonly RequirableMetric[],
): readonly Flaw[] => {
  const unknown = new Set(unknownKeys(Object.keys(gate.require), metrics));
  return Object.entries(gate.require).flatMap(([key, found]) => {
    const flaw = (code: 'config-unknown-key' | 'config-invalid', message: string): Flaw =>
      flawOf(`gate.require.${key}`, found.text, new GateError(code, `gate.require.${key}: ${message}`, { where: found.place }));
    if (unknown.has(key)) return [flaw('config-unknown-key', unknownKeyText(key, metrics))];
    const wrong = metrics
      .filter((metric) => requireKey(gate, metric) === key)
      .flatMap((metric) => misfit(found, metric) ?? unscored(gate, metric) ?? []);
    return wrong.slice(0, 1).map((message) => flaw('config-invalid', message));
  });
};
