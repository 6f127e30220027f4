import type { Claim } from '../records/claim.ts';
import type { MetricSpec } from '../records/metric.ts';
import type { MetricVerdict } from '../records/verdict.ts';
import type { JudgedMetric } from './judged-metric.ts';

type FasterClaim = Extract<Claim, { of: 'faster' }>;
type DominanceClaim = Extract<Claim, { of: 'undominated' }>;
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

/** How much better head is than a comparator by one metric that compares both: a logarithm, or a difference. */
const leadOf = ({ verdict: { head, scale, better } }: JudgedMetric): number | null => {
  if (head === null || (scale === 'log' && head <= 0)) return null;
  const ahead = scale === 'log' ? Math.log(head) : head;
  return better === 'higher' ? ahead : -ahead;
};

/** What a comparator, fixed and simple, does as well in everything and better in something. Only where each of the metrics has a number. */
const dominated = (metrics: readonly JudgedMetric[], claim: DominanceClaim): string[] => {
  const compared = claim.metrics.map((id) => metrics.find(({ verdict }) => verdict.id === id));
  const leads = compared.flatMap((metric) => {
    const lead = metric === undefined ? null : leadOf(metric);
    return metric === undefined || lead === null ? [] : [{ metric, lead, tolerance: metric.spec.tolerance }];
  });
  if (leads.length < claim.metrics.length || leads.some(({ lead, tolerance }) => lead > tolerance)) return [];
  const behind = leads.filter(({ lead, tolerance }) => lead < -tolerance);
  if (behind.length === 0) return [];
  const worse = behind.map(({ metric: { verdict } }) => `${verdict.id} ${verdict.head?.toPrecision(3) ?? ''} ${verdict.unit}`);
  return [
    `dominated: ${claim.comparator} is as good in everything and better in ${behind.length === 1 ? 'this' : 'these'}: ${worse.join(', ')}`,
  ];
};

const unborne = (metrics: readonly JudgedMetric[], claim: Claim): string[] => {
  switch (claim.of) {
    case 'faster':
      return slowAsBefore(metrics, claim);
    case 'undominated':
      return dominated(metrics, claim);
    case 'compressed':
      return notCompressed(metrics, claim);
  }
};

/** Claims of an optimization that its own numbers do not bear out: in words, behind the word that scripts and readers look for. */
export const ineffective = (metrics: readonly JudgedMetric[], claims: readonly Claim[]): string[] =>
  claims.flatMap((claim) => unborne(metrics, claim)).map((found) => `ineffective: ${found}`);
