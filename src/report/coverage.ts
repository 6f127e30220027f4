/** What was judged and what was not, and why: cells × metrics. A shrinking test surface must show. */
import { z } from 'zod';
import { measuredState, type Verdict, verdictKind } from '../records/verdict.ts';
import { cellId, type Immutable, nounId } from '../records/words.ts';
import { code, prose } from './escape.ts';
import { byName, metricName } from './finding.ts';
import { counted } from './number.ts';
import { reasonOf, stateText } from './state.ts';
import { tableHead, tableRow } from './table.ts';

export const coverageDocumentSchema = z.strictObject({
  schema: z.literal('optimization-gate/coverage/1'),
  judged: z.int(),
  total: z.int(),
  byReason: z.record(z.string(), z.int()),
  cells: z.array(
    z.strictObject({
      id: cellId,
      model: nounId,
      optimization: nounId,
      verdict: verdictKind,
      reason: z.string().nullable(),
      metrics: z.array(
        z.strictObject({
          id: z.string(),
          point: z.string(),
          role: z.enum(['gate', 'described', 'advisory']),
          state: measuredState,
          verdict: verdictKind.nullable(),
          reason: z.string().nullable(),
        }),
      ),
    }),
  ),
});
export type CoverageDocument = Immutable<z.infer<typeof coverageDocumentSchema>>;

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
    metrics: cell.metrics.map((metric) => ({
      id: metric.id,
      point: metric.point,
      role: metric.role,
      state: metric.state,
      verdict: metric.verdict,
      reason: reasonOf(metric, metric.head),
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

const measured = new Set(['measured', 'baseline', 'unchanged']);

const capped = (rows: readonly string[], limit: number, columns: number): readonly string[] =>
  rows.length <= limit
    ? rows
    : [...rows.slice(0, limit), tableRow([`… and ${rows.length - limit} more`, ...Array<string>(columns - 1).fill('')])];

const grid = ({ cells }: CoverageDocument): string => {
  const models = [...new Set(cells.map(({ model }) => model))].slice(0, 12);
  const optimizations = [...new Set(cells.map(({ optimization }) => optimization))];
  const rows = optimizations.map((optimization) =>
    tableRow([
      code(optimization),
      ...models.map((model) => {
        const cell = cells.find((one) => one.model === model && one.optimization === optimization);
        if (cell === undefined) return '';
        const known = cell.metrics.filter(({ state }) => measured.has(state)).length;
        return `${known} / ${cell.metrics.length} ${cell.verdict}`;
      }),
    ]),
  );
  return [tableHead(['metrics with a number', ...models.map((model) => code(model))]), ...capped(rows, 60, models.length + 1)].join('\n');
};

interface Gap {
  readonly state: CoverageDocument['cells'][number]['metrics'][number]['state'];
  readonly reason: string;
  readonly metrics: ReadonlySet<string>;
  readonly cells: ReadonlySet<string>;
}

const gapsOf = ({ cells }: CoverageDocument): readonly Gap[] => {
  const gaps = new Map<string, { state: Gap['state']; reason: string; metrics: Set<string>; cells: Set<string> }>();
  for (const cell of cells) {
    for (const metric of cell.metrics) {
      if (measured.has(metric.state)) continue;
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

const someOf = (names: ReadonlySet<string>): string => {
  const all = [...names].sort(byName);
  return `${all
    .slice(0, 4)
    .map((name) => code(name, 80))
    .join(', ')}${all.length > 4 ? ` and ${all.length - 4} more` : ''}`;
};

/** The coverage as Markdown: how many, the grid of cells, and every gap with its reason; long lists are cut and say so. */
export const coverageMarkdown = (document: CoverageDocument): string => {
  const gaps = gapsOf(document);
  const gapRows = gaps.map((gap) => tableRow([gap.state, prose(gap.reason, 200), someOf(gap.metrics), someOf(gap.cells)]));
  return [
    coverageSentence(document, prose),
    grid(document),
    ...(gaps.length === 0 ? [] : [[tableHead(['not measured', 'why', 'metrics', 'cells']), ...capped(gapRows, 100, 4)].join('\n')]),
  ].join('\n\n');
};
