/** Tables of a terminal over all models: what each optimization does, and what is known of how many metrics. */
import type { CellVerdict, RunVerdict, Verdict, VerdictKind } from '../records/verdict.ts';
import { aligned, type Column, cut, shortNames, width, widths } from './columns.ts';
import { type CoverageDocument, usedGroups } from './coverage.ts';
import { plain } from './escape.ts';
import { bareFigure, type Figure, figureName, figuresOf } from './figures.ts';
import { cellsByKind, cellsByModel, measurementsTitle, verdictOrder } from './listed-metric.ts';
import { marks } from './text-changes.ts';

export type Paint = (text: string, kind: VerdictKind | RunVerdict) => string;

/** Columns for the names of what an optimization is known by; two that do not fit are one. */
const nameRoom = 22;

const nameOf = (figure: Figure): string => `${plain(figureName(figure), nameRoom)}${figure.factor === null ? '' : ' ×'}`;

/** The ids that the numbers of a row are of: those of its first cell that has most. */
const shownIds = (cells: readonly CellVerdict[]): { readonly ids: readonly string[]; readonly text: string } => {
  const figures = cells.map((cell) => figuresOf(cell)).reduce((most, own) => (own.length > most.length ? own : most), []);
  const both = figures.map(nameOf).join(', ');
  const shown = width(both) <= nameRoom ? figures : figures.slice(0, 1);
  return { ids: shown.map(({ id }) => id), text: cut(shown.map(nameOf).join(', '), nameRoom) };
};

const entryOf = (cell: CellVerdict | undefined, ids: readonly string[]): string => {
  if (cell === undefined) return '';
  const figures = figuresOf(cell).filter(({ id }) => ids.includes(id));
  return [marks[cell.verdict], ...figures.map(bareFigure)].join(' ');
};

const totalWidth = (columns: readonly Column[], rows: readonly (readonly string[])[]): number =>
  widths(columns, rows).reduce((sum, size) => sum + size + 2, -2);

/**
 * One line per optimization, one column per model: the mark of the verdict, then the figures that the second column names (×: times
 * better than the reference). Where that is too wide, the names of figures go, then the figures. Null when the marks do not fit either.
 */
export const gridTable = (verdict: Verdict, columns: number, lines: number, paint: Paint): readonly string[] | null => {
  const models = [...cellsByModel(verdict).keys()];
  const { modelled } = cellsByKind(verdict.cells);
  const optimizations = [...new Set(modelled.map(({ optimization }) => optimization))];
  if (optimizations.length + 2 > lines || models.length * optimizations.length < modelled.length) return null;
  const cellAt = new Map(modelled.map((cell) => [`${cell.optimization} ${cell.model}`, cell]));
  const cellsOf = (optimization: string): readonly (CellVerdict | undefined)[] =>
    models.map((model) => cellAt.get(`${optimization} ${model}`));
  const rows = optimizations.map((optimization) => {
    const cells = cellsOf(optimization);
    const { ids, text } = shownIds(cells.filter((cell) => cell !== undefined));
    return { optimization, cells, ids, text };
  });
  const short = shortNames(models);
  const heads = [models, models.map((model) => short.get(model) ?? model)];
  const named = rows.map(({ optimization, cells, ids, text }) => [optimization, text, ...cells.map((cell) => entryOf(cell, ids))]);
  const bare = rows.map(({ optimization, cells, ids }) => [optimization, ...cells.map((cell) => entryOf(cell, ids))]);
  const marked = rows.map(({ optimization, cells }) => [optimization, ...cells.map((cell) => entryOf(cell, []))]);
  const columnsOf = (names: readonly string[]): readonly Column[] => names.map((name) => ({ name, right: false }));
  const layouts = [
    ...heads.map((names) => ({ head: columnsOf(['optimization', '× better', ...names]), body: named, before: 2 })),
    ...heads.map((names) => ({ head: columnsOf(['× better', ...names]), body: bare, before: 1 })),
    ...heads.map((names) => ({ head: columnsOf(['', ...names]), body: marked, before: 1 })),
  ];
  const layout = layouts.find(({ head, body }) => totalWidth(head, body) <= columns);
  if (layout === undefined) return null;
  const table = aligned(layout.head, layout.body, (text, row, column) => {
    const cell = rows[row]?.cells[column - layout.before];
    return column < layout.before || cell === undefined ? text : paint(text, cell.verdict);
  });
  const used = verdictOrder.filter((kind) => verdict.cells.some((cell) => cell.verdict === kind));
  return [...table, cut(used.map((kind) => `${marks[kind]} ${kind}`).join('  '), columns)];
};

/** The coverage as a table: what is known × models, counted in metrics. Empty where one line says as much, and where it does not fit. */
export const coverageLines = (document: CoverageDocument, columns: number, lines: number): readonly string[] => {
  const named = [...new Set(document.cells.flatMap(({ model }) => model ?? []))];
  const models: readonly (string | null)[] = document.cells.some(({ model }) => model === null) ? [...named, null] : named;
  const groups = usedGroups(document);
  if (models.length < 2 || groups.length < 2 || groups.length + 1 > lines) return [];
  const short = shortNames(named);
  const nameOfColumn = (model: string | null): string => (model === null ? measurementsTitle : (short.get(model) ?? model));
  const rows = groups.map((group) => {
    const counts = models.map((model) =>
      document.cells.filter((cell) => cell.model === model).reduce((sum, { counts: own }) => sum + own[group], 0),
    );
    return [group, ...counts.map(String), String(counts.reduce((sum, count) => sum + count, 0))];
  });
  const head = ['metrics', ...models.map(nameOfColumn), 'all'].map((name, index) => ({ name, right: index > 0 }));
  return totalWidth(head, rows) > columns ? [] : aligned(head, rows, (text) => text);
};
