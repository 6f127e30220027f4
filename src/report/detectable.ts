import type { MetricVerdict } from '../records/verdict.ts';
import { byName } from './listed-metric.ts';
import { absent, allowanceText, counted } from './number.ts';

/** Metrics named in one sentence; more are counted. */
const namedMetrics = 6;

/**
 * What these measurements could not have seen: `Smallest change that could have been seen: decode-latency 2.1 % to 3.4 %, …`.
 * Empty where no metric states it. `write` escapes a metric's name for the place it is printed in.
 */
export const detectableSentence = (metrics: readonly MetricVerdict[], write: (name: string) => string): string => {
  const found = new Map<string, MetricVerdict[]>();
  for (const metric of metrics) {
    if (metric.detectable === null || !Number.isFinite(metric.detectable)) continue;
    found.set(metric.id, [...(found.get(metric.id) ?? []), metric]);
  }
  const parts = [...found]
    .sort(([a], [b]) => byName(a, b))
    .map(([id, same]) => {
      const sorted = same.toSorted((a, b) => (a.detectable ?? 0) - (b.detectable ?? 0));
      const [low, high] = [sorted[0], sorted.at(-1)].map((metric) =>
        metric === undefined ? absent : allowanceText(metric.detectable, metric),
      );
      return `${write(id)} ${low === high ? low : `${low} to ${high}`}`;
    });
  if (parts.length === 0) return '';
  const rest = parts.length - namedMetrics;
  return `Smallest change that could have been seen: ${parts.slice(0, namedMetrics).join(', ')}${rest > 0 ? ` and ${counted(rest, 'more metric')}` : ''}.`;
};
