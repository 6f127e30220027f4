/** What was judged and what was not, and why: cells × metrics. A shrinking test surface must show. */
import { z } from 'zod';
import { type MetricVerdict, measuredState, type Verdict, verdictKind } from '../records/verdict.ts';
import { cellId, type Immutable, nounId } from '../records/words.ts';
import { postOf } from './gain.ts';
import { byName, metricName } from './listed-metric.ts';
import { counted } from './number.ts';
import { reasonOf, stateText } from './state-text.ts';

/** What is known of a metric, as a reader of the coverage counts it; the columns of every coverage table, in this order. */
const coverageGroup = z.enum(['measured', 'unchanged', 'not measured', 'not applicable', 'no meter', 'no comparison', 'missing or failed']);
export type CoverageGroup = z.infer<typeof coverageGroup>;

export const coverageDocumentSchema = z.strictObject({
  schema: z.literal('optimization-gate/coverage/1'),
  judged: z.int(),
  total: z.int(),
  byReason: z.record(z.string(), z.int()),
  cells: z.array(
    z.strictObject({
      id: cellId,
      /** Null: a measurement that no model takes part in. */
      model: nounId.nullable(),
      optimization: nounId,
      verdict: verdictKind,
      reason: z.string().nullable(),
      /** Its metrics by what is known of them; they add up to all of them. */
      counts: z.record(coverageGroup, z.int().nonnegative()),
      metrics: z.array(
        z.strictObject({
          id: z.string(),
          point: z.string(),
          role: z.enum(['gate', 'described', 'advisory']),
          state: measuredState,
          group: coverageGroup,
          verdict: verdictKind.nullable(),
          reason: z.string().nullable(),
        }),
      ),
    }),
  ),
});
export type CoverageDocument = Immutable<z.infer<typeof coverageDocumentSchema>>;

const groups: Readonly<Record<MetricVerdict['state'], CoverageGroup>> = {
  measured: 'measured',
  baseline: 'measured',
  unchanged: 'unchanged',
  'not-measured': 'not measured',
  'not-applicable': 'not applicable',
  'unsupported-export': 'not applicable',
  'no-meter': 'no meter',
  'no-base': 'no comparison',
  refused: 'no comparison',
  clock: 'no comparison',
  missing: 'missing or failed',
  failed: 'missing or failed',
};

/** By the number, not by its name: what counts as measured without having one is missing. */
const groupOf = (metric: MetricVerdict): CoverageGroup => {
  const group = groups[metric.state];
  return group === 'measured' && postOf(metric) === null ? 'missing or failed' : group;
};

const countsOf = (metrics: readonly MetricVerdict[]): Readonly<Record<CoverageGroup, number>> => {
  const counts = {
    measured: 0,
    unchanged: 0,
    'not measured': 0,
    'not applicable': 0,
    'no meter': 0,
    'no comparison': 0,
    'missing or failed': 0,
  };
  for (const metric of metrics) counts[groupOf(metric)] += 1;
  return counts;
};

/** coverage.json as data: the state of every metric of every cell, with a reason wherever there is no number. */
export const coverageDocument = (verdict: Verdict): CoverageDocument => ({
  schema: 'optimization-gate/coverage/1',
  ...verdict.coverage,
  cells: verdict.cells.map((cell) => ({
    id: cell.id,
    model: cell.model,
    optimization: cell.optimization,
    verdict: cell.verdict,
    reason: cell.reason,
    counts: countsOf(cell.metrics),
    metrics: cell.metrics.map((metric) => ({
      id: metric.id,
      point: metric.point,
      role: metric.role,
      state: metric.state,
      group: groupOf(metric),
      verdict: metric.verdict,
      reason: reasonOf(metric, metric.head !== null && Number.isFinite(metric.head) ? metric.head : null),
    })),
  })),
});

/** `Judged 120 of 164 metrics; 44 not: 40 no-meter, 4 not-applicable.` */
export const coverageSentence = (
  { judged, total, byReason }: Verdict['coverage'],
  write: (text: string, max: number) => string,
): string => {
  const reasons = Object.entries(byReason)
    .filter(([, count]) => count > 0)
    .sort(([a, m], [b, n]) => n - m || byName(a, b));
  const named = reasons.slice(0, 8).map(([reason, count]) => `${count} ${write(reason, 60)}`);
  if (reasons.length > named.length) named.push(`${reasons.slice(8).reduce((sum, [, count]) => sum + count, 0)} for other reasons`);
  return `Judged ${judged} of ${counted(total, 'metric')}${named.length === 0 ? '' : ` (not judged: ${named.join(', ')})`}.`;
};

/** The groups that occur, in their order. */
export const usedGroups = ({ cells }: CoverageDocument): readonly CoverageGroup[] =>
  coverageGroup.options.filter((group) => cells.some(({ counts }) => counts[group] > 0));

/** Metrics of a cell with a number, or known to be what base has. */
export const knownMetrics = ({ counts }: CoverageDocument['cells'][number]): number => counts.measured + counts.unchanged;

/** Metrics without a number that share a state and a reason. */
export interface Gap {
  readonly state: CoverageDocument['cells'][number]['metrics'][number]['state'];
  readonly reason: string;
  readonly metrics: ReadonlySet<string>;
  readonly cells: ReadonlySet<string>;
}

/** Every reason for which a number is missing, those of most cells first. */
export const gapsOf = ({ cells }: CoverageDocument): readonly Gap[] => {
  const gaps = new Map<string, { state: Gap['state']; reason: string; metrics: Set<string>; cells: Set<string> }>();
  for (const cell of cells) {
    for (const metric of cell.metrics) {
      if (metric.group === 'measured' || metric.group === 'unchanged') continue;
      const reason = metric.reason ?? stateText(metric.state);
      const key = `${metric.state} ${reason}`;
      const gap = gaps.get(key) ?? { state: metric.state, reason, metrics: new Set(), cells: new Set() };
      gap.metrics.add(metricName(metric));
      gap.cells.add(cell.id);
      gaps.set(key, gap);
    }
  }
  return [...gaps.values()].sort((a, b) => b.cells.size - a.cells.size || byName(a.state, b.state) || byName(a.reason, b.reason));
};
