import type { MetricSpec } from '../records/metric.ts';
import type { MetricVerdict } from '../records/verdict.ts';
import type { JudgedMetric } from './judged-metric.ts';

/** Below this a speed-up is none; below this share of what is possible it hardly is one. */
const [noSpeedUp, hardly] = [1.02, 0.25];

const isSpeedUp = ({ kind, from }: MetricSpec): boolean =>
  kind === 'timing' && from.of === 'against' && from.as === 'speed-up' && from.arm === 'reference';

/** What a cell says could be gained. */
const possibleSpeedUp = (metrics: readonly JudgedMetric[]): number =>
  metrics.find(({ spec }) => spec.id === 'theoretical-speedup')?.verdict.head ?? 1;

/** What an optimization took away, in words, for the metrics that mean a removal. */
const removal = (metric: MetricVerdict): string | null => {
  if (metric.head === null) return null;
  if ((metric.id === 'sparsity' || metric.id === 'removed-fraction') && metric.head >= 1) return `${metric.id} ${metric.head.toFixed(1)} %`;
  if (metric.id !== 'parameters' && metric.id !== 'macs-per-token') return null;
  if (metric.reference === null || metric.reference <= 0) return null;
  const gone = 100 * (1 - metric.head / metric.reference);
  return gone >= 1 ? `${metric.id} −${gone.toFixed(1)} %` : null;
};

/** "Sparser, not faster": something was removed, and no speed-up of the cell shows it. */
const slowAsBefore = (metrics: readonly JudgedMetric[]): string[] => {
  const gone = metrics.flatMap(({ verdict }) => removal(verdict) ?? []);
  const speeds = metrics
    .filter(({ spec }) => isSpeedUp(spec))
    .flatMap(({ verdict: { id, point, head } }) => (head === null ? [] : [{ id, point, head }]))
    .sort((a, b) => b.head - a.head);
  const [best] = speeds;
  if (gone.length === 0 || best === undefined) return [];
  const possible = possibleSpeedUp(metrics);
  if (best.head >= Math.max(noSpeedUp, 1 + hardly * (possible - 1))) return [];
  const sparser = metrics.some(({ verdict }) => verdict.id === 'sparsity' && (verdict.head ?? 0) >= 1);
  const claim = `${sparser ? 'sparser' : 'smaller'}, ${best.head >= noSpeedUp ? 'hardly' : 'not'} faster`;
  const limit = possible > 1 ? ` of a possible ${possible.toFixed(2)} ×` : '';
  return [`${claim}: ${gone.join(', ')}, but the best ${best.id} is ${best.head.toFixed(2)} × (${best.point})${limit}`];
};

/** A compression that is none. */
const notCompressed = (metrics: readonly JudgedMetric[]): string[] =>
  metrics.flatMap(({ verdict: { id, head } }) =>
    id === 'compression-ratio' && head !== null && head <= 1
      ? [`not compressed: the files are ${head === 1 ? 'as large as' : `${(1 / head).toFixed(3)} × those of`} the reference model`]
      : [],
  );

/** Claims of an optimization that its own numbers do not bear out: in words, behind the word that scripts and readers look for. */
export const ineffective = (metrics: readonly JudgedMetric[]): string[] =>
  [...slowAsBefore(metrics), ...notCompressed(metrics)].map((found) => `ineffective: ${found}`);
