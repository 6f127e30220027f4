import type { Claim } from '../records/claim.ts';
import type { MetricSpec } from '../records/metric.ts';
import type { MetricVerdict } from '../records/verdict.ts';
import type { JudgedMetric } from './judged-metric.ts';

type FasterClaim = Extract<Claim, { of: 'faster' }>;
type CompressedClaim = Extract<Claim, { of: 'compressed' }>;

/** Below this a speed-up is none; below this share of the possible speed-up it is hardly one. */
const [noSpeedUp, hardly] = [1.02, 0.25];
/** Less than this, in percent, is no removal. */
const leastRemoval = 1;

const isSpeedUp = ({ kind, from }: MetricSpec): boolean =>
  kind === 'timing' && from.of === 'against' && from.as === 'speed-up' && from.arm === 'reference';

/** What an optimization took away, in words: a metric in percent says it, another one against the reference. */
const removal = ({ id, unit, head, reference }: MetricVerdict): string | null => {
  if (head === null) return null;
  if (unit === '%') return head >= leastRemoval ? `${id} ${head.toFixed(1)} %` : null;
  if (reference === null || reference <= 0) return null;
  const gone = 100 * (1 - head / reference);
  return gone >= leastRemoval ? `${id} −${gone.toFixed(1)} %` : null;
};

/** "Sparser, not faster": something was removed, and no speed-up of the cell shows it. */
const slowAsBefore = (metrics: readonly JudgedMetric[], claim: FasterClaim): string[] => {
  const gone = metrics.flatMap(({ verdict }) => {
    const text = claim.removed.some(({ metric }) => metric === verdict.id) ? removal(verdict) : null;
    return text === null ? [] : [{ id: verdict.id, text }];
  });
  const named = claim.removed.find(({ metric }) => gone.some(({ id }) => id === metric));
  const speeds = metrics
    .filter(({ spec }) => isSpeedUp(spec))
    .flatMap(({ verdict: { id, point, head } }) => (head === null ? [] : [{ id, point, head }]))
    .sort((a, b) => b.head - a.head);
  const [best] = speeds;
  if (named === undefined || best === undefined) return [];
  const possible = metrics.find(({ spec }) => spec.id === claim.possible)?.verdict.head ?? 1;
  if (best.head >= Math.max(noSpeedUp, 1 + hardly * (possible - 1))) return [];
  const found = `${named.word}, ${best.head >= noSpeedUp ? 'hardly' : 'not'} faster`;
  const limit = possible > 1 ? ` of a possible ${possible.toFixed(2)} ×` : '';
  const removed = gone.map(({ text }) => text).join(', ');
  return [`${found}: ${removed}, but the best ${best.id} is ${best.head.toFixed(2)} × (${best.point})${limit}`];
};

/** A compression that is none. */
const notCompressed = (metrics: readonly JudgedMetric[], { ratio }: CompressedClaim): string[] =>
  metrics.flatMap(({ verdict: { id, head } }) =>
    id === ratio && head !== null && head <= 1
      ? [`not compressed: the files are ${head === 1 ? 'as large as' : `${(1 / head).toFixed(3)} × those of`} the reference model`]
      : [],
  );

/** Claims of an optimization that its own numbers do not bear out: in words, behind the word that scripts and readers look for. */
export const ineffective = (metrics: readonly JudgedMetric[], claims: readonly Claim[]): string[] =>
  claims
    .flatMap((claim) => (claim.of === 'faster' ? slowAsBefore(metrics, claim) : notCompressed(metrics, claim)))
    .map((found) => `ineffective: ${found}`);
