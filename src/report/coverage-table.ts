/** The coverage as Markdown: cells × what is known of their metrics, and every gap with its reason. */
import type { Row, Section } from './budget.ts';
import { type CoverageDocument, coverageSentence, type Gap, gapsOf, knownMetrics } from './coverage.ts';
import { code, prose } from './escape.ts';
import { byName, measurementsTitle } from './listed-metric.ts';
import { counted } from './number.ts';
import { tableHead, tableRow } from './table.ts';

const mostModels = 12;

const someOf = (names: ReadonlySet<string>): string => {
  const all = [...names].sort(byName);
  return `${all
    .slice(0, 4)
    .map((name) => code(name, 80))
    .join(', ')}${all.length > 4 ? ` and ${all.length - 4} more` : ''}`;
};

const gapText = (gap: Gap): string => tableRow([gap.state, prose(gap.reason, 200), someOf(gap.metrics), someOf(gap.cells)]);

const omitted = (count: number): string => `… and ${counted(count, 'more row')}: see coverage.json.`;

/**
 * One collapsed block of two sections to be put next to each other: optimizations × models with the verdict and `measured of all`, then the gaps.
 * Rows have the given ranks; what has no room is counted.
 */
export const coverageSections = (
  document: CoverageDocument,
  ranks: { readonly grid: number; readonly gap: number },
): readonly Section[] => {
  const { cells } = document;
  const models = [...new Set(cells.flatMap(({ model }) => model ?? []))].slice(0, mostModels);
  // Cells without a model have a column of their own, which stands alone where there are no others.
  const columns: readonly (string | null)[] = cells.some(({ model }) => model === null) ? [...models, null] : models;
  const optimizations = [...new Set(cells.map(({ optimization }) => optimization))];
  const cellAt = new Map(cells.map((cell) => [`${cell.optimization} ${cell.model}`, cell]));
  const gridRow = (optimization: string): Row => ({
    rank: ranks.grid,
    text: () =>
      tableRow([
        code(optimization),
        ...columns.map((model) => {
          const cell = cellAt.get(`${optimization} ${model}`);
          return cell === undefined ? '' : `${cell.verdict}, ${knownMetrics(cell)} of ${cell.metrics.length}`;
        }),
      ]),
  });
  const gaps = gapsOf(document);
  return [
    {
      open: `<details><summary>Coverage: judged ${document.judged} of ${counted(document.total, 'metric')}</summary>\n\n${coverageSentence(document, prose)}\n\n${tableHead(['verdict, metrics with a number', ...columns.map((model) => (model === null ? measurementsTitle : code(model)))])}`,
      rows: optimizations.map(gridRow),
      close: '',
      omitted,
    },
    {
      open: gaps.length === 0 ? '' : tableHead(['not measured', 'why', 'metrics', 'cells']),
      rows: gaps.map((gap) => ({ rank: ranks.gap, text: () => gapText(gap) })),
      close: '</details>',
      omitted,
    },
  ];
};
