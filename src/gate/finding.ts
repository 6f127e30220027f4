import type { MetricSpec } from '../records/metric.ts';
import type { MetricVerdict } from '../records/verdict.ts';
import type { JudgedMetric } from './judged-metric.ts';

/** A speed-up below this is none, and below this share of what is possible too. */
const [noSpeedUp, noShare] = [1.02, 0.1];

const isSpeedUp = ({ kind, from }: MetricSpec): boolean =>
  kind === 'timing' && from.of === 'against' && from.as === 'speed-up' && from.arm === 'reference';

/** What a cell says could be gained. */
const possibleSpeedUp = (metrics: readonly JudgedMetric[]): number =>
  metrics.find(({ spec }) => spec.id === 'theoretical-speedup')?.verdict.head ?? 1;

/** What an optimization took away, in words, for the metrics that mean a removal. */
const removal = (metric: MetricVerdict): string | null => {
  if (metric.head === null) return null;
  if ((metric.id === 'sparsity' || metric.id === 'removed-fraction') && metric.head >= 1) return `${metric.id} ${metric.head.toFixed(1)} %`;
  if (metric.id !== 'parameters' && metric.id !== 'flops-per-token') return null;
  if (metric.reference === null || metric.reference <= 0) return null;
  const gone = 100 * (1 - metric.head / metric.reference);
  return gone >= 1 ? `${metric.id} −${gone.toFixed(1)} %` : null;
};

/** "Sparser, not faster": something was removed, and no speed-up of the cell shows it. */
export const ineffective = (metrics: readonly JudgedMetric[]): string[] => {
  const gone = metrics.flatMap(({ verdict }) => removal(verdict) ?? []);
  const speeds = metrics.filter(({ spec, verdict }) => isSpeedUp(spec) && verdict.head !== null).map(({ verdict }) => verdict);
  const [first] = speeds;
  const possible = possibleSpeedUp(metrics);
  const least = Math.max(noSpeedUp, 1 + noShare * (possible - 1));
  if (gone.length === 0 || first === undefined || speeds.some((metric) => (metric.head ?? 0) >= least)) return [];
  const sparser = metrics.some(({ verdict }) => verdict.id === 'sparsity' && (verdict.head ?? 0) >= 1);
  const best = speeds.reduce((a, b) => ((b.head ?? 0) > (a.head ?? 0) ? b : a), first);
  return [
    `${sparser ? 'sparser' : 'smaller'}, not faster: ${gone.join(', ')}, but the best ${best.id} is ${(best.head ?? 0).toFixed(2)} × (${best.point})${possible > 1 ? ` of a possible ${possible.toFixed(2)} ×` : ''}`,
  ];
};
