/** The summary for a terminal: one screen, verdict first, the numbers that matter, where the rest is. */
import type { CellVerdict, RunVerdict, Verdict, VerdictKind } from '../records/verdict.ts';
import { aligned, type Column, cut, cutAtWord, shortNames, width, widths, wrapped } from './columns.ts';
import type { TimeTaken } from './context.ts';
import { coverageDocument, coverageSentence } from './coverage.ts';
import { plain } from './escape.ts';
import { figuresOf, figuresText } from './figures.ts';
import { headline, runWords } from './heading.ts';
import { impactOf } from './impact.ts';
import { byName, cellCounts, cellsByKind, type ModelCell, verdictOrder } from './listed-metric.ts';
import { counted, quantity, signedPercent, significant, takenText } from './number.ts';
import { textChanges } from './text-changes.ts';
import { coverageLines, gridTable, type Paint } from './text-grid.ts';

export interface TextOptions {
  /** Width of the terminal; at least 40 is assumed. */
  readonly columns: number;
  readonly colour: boolean;
  /** Left out, or null: not printed. */
  readonly took?: TimeTaken | null | undefined;
  /** Where the full report lies, as a path or address to print; left out: not printed. */
  readonly report?: string | undefined;
}

/** Columns for the figures of a cell. */
const figureRoom = 36;

/** Lines of one terminal screen. */
export const screenLines = 40;

const red = 31;
const green = 32;
const yellow = 33;
const grey = 90;

const colours: Readonly<Record<VerdictKind | RunVerdict, number>> = {
  regressed: red,
  unmet: red,
  failed: red,
  missing: red,
  error: red,
  inconclusive: yellow,
  unfit: yellow,
  improved: green,
  passed: green,
  new: green,
  unchanged: grey,
  'nothing-to-compare': grey,
};

const painter =
  (colour: boolean): Paint =>
  (text, kind) =>
    colour ? `\u001b[${colours[kind]}m${text}\u001b[0m` : text;

const detailColumns: readonly Column[] = [
  { name: 'model', right: false },
  { name: 'optimization', right: false },
  { name: 'verdict', right: false },
  { name: 'against reference', right: false },
  { name: 'nll-delta', right: true },
  { name: 'size', right: true },
];

/** Both figures of a cell, or the first where both are too long. */
const shortFigures = (cell: CellVerdict): string => {
  const figures = figuresOf(cell);
  const both = plain(figuresText(figures));
  return width(both) <= figureRoom ? both : plain(figuresText(figures.slice(0, 1)), figureRoom);
};

const detailRow = (cell: ModelCell): readonly string[] => {
  const { quality, size } = impactOf(cell);
  const delta = quality?.post ?? null;
  return [
    cell.model,
    cell.optimization,
    cell.verdict,
    shortFigures(cell),
    delta === null ? '–' : `${delta > 0 ? '+' : ''}${significant(delta)}`,
    size === null ? '–' : size.ratio === null ? quantity(size.post, size.metric.unit) : signedPercent(1 / size.ratio - 1),
  ];
};

const important = (cells: readonly ModelCell[]): readonly ModelCell[] => {
  const order: readonly string[] = verdictOrder;
  return cells.toSorted((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict) || byName(a.id, b.id));
};

/** One line per cell; where the terminal is narrow, names on the left shrink, then columns on the right go. */
const detailTable = (cells: readonly ModelCell[], columns: number, paint: Paint): readonly string[] => {
  const whole = cells.map(detailRow);
  const fits = widths(detailColumns, whole).reduce((sum, size) => sum + size + 2, -2) <= columns;
  const short = shortNames(cells.map(({ model }) => model));
  const rows = fits ? whole : whole.map(([name = '', ...others]) => [short.get(name) ?? name, ...others]);
  const [model = 0, optimization = 0, ...rest] = widths(detailColumns, rows);
  let shown = detailColumns.length;
  const others = (): number => rest.slice(0, shown - 2).reduce((sum, size) => sum + size + 2, 2);
  while (shown > 3 && others() + Math.min(model, 10) + Math.min(optimization, 12) > columns) shown -= 1;
  const room = columns - others();
  const forModel = Math.min(model, Math.max(10, room - optimization));
  const limits = [forModel, room - forModel];
  const fitted = rows.map((row) => row.slice(0, shown).map((text, index) => (index < 2 ? cut(text, limits[index] ?? 0) : text)));
  return aligned(detailColumns.slice(0, shown), fitted, (text, row, column) => {
    const kind = cells[row]?.verdict;
    return column === 2 && kind !== undefined ? paint(text, kind) : text;
  });
};

const measurementColumns: readonly Column[] = ['measurement', 'verdict', 'head'].map((name) => ({ name, right: false }));

/** One line per cell that no model takes part in, with what its program measures of head; at most `lines`. */
const measurementTable = (cells: readonly CellVerdict[], columns: number, lines: number, paint: Paint): readonly string[] => {
  if (cells.length === 0 || lines < 2) return [];
  const room = cells.length + 1 > lines ? lines - 2 : cells.length;
  const rows = cells.slice(0, room).map((cell) => {
    const figures = plain(figuresText(figuresOf(cell)));
    return [cut(cell.optimization, Math.max(12, columns - figureRoom - 'inconclusive'.length - 4)), cell.verdict, cut(figures, figureRoom)];
  });
  const used = widths(measurementColumns, rows).reduce((sum, size) => sum + size + 2, -2) <= columns ? 3 : 2;
  const table = aligned(
    measurementColumns.slice(0, used),
    rows.map((row) =>
      row.slice(0, used).map((text, at) => (at === 0 && used === 2 ? cut(text, columns - 'inconclusive'.length - 2) : text)),
    ),
    (text, row, column) => {
      const kind = cells[row]?.verdict;
      return column === 1 && kind !== undefined ? paint(text, kind) : text;
    },
  );
  return room < cells.length ? [...table, `… and ${counted(cells.length - room, 'more measurement')}`] : table;
};

interface Screen {
  readonly table: readonly string[];
  readonly coverage: readonly string[];
}

/** Lines of one item. What failed or is missing has a reason, which says what to do. */
const itemLines = 2;
const reasonLines = 5;

/** The fewest lines that what happened gets, where so much happened. */
const leastNews = 8;

/** The coverage where it takes no more than what `news` lines leave of `lines`. */
const coverageWithin = (verdict: Verdict, columns: number, lines: number, news: number): readonly string[] =>
  coverageLines(coverageDocument(verdict), columns, lines - Math.min(news + 1, leastNews) - 1);

/** One line per cell where that leaves room for what happened (`news` lines); else the grid, and the cells that matter as far as they fit. */
const screenOf = (verdict: Verdict, columns: number, lines: number, news: number, paint: Paint): Screen => {
  if (verdict.cells.length === 0) return { table: [], coverage: [] };
  const { modelled } = cellsByKind(verdict.cells);
  const each = modelled.length + 1;
  if (modelled.length === 0) return { table: [], coverage: coverageWithin(verdict, columns, lines, news) };
  if (each + Math.min(news, 10) <= lines)
    return { table: detailTable(modelled, columns, paint), coverage: coverageWithin(verdict, columns, lines - each - 1, news) };
  const grid = gridTable(verdict, columns, lines - leastNews, paint) ?? [];
  const coverage = coverageWithin(verdict, columns, lines - grid.length, news);
  const free = lines - grid.length - (coverage.length === 0 ? 0 : coverage.length + 1) - Math.min(news, 10) - 4;
  const rest = important(modelled).filter(({ verdict: kind }) => grid.length === 0 || (kind !== 'unchanged' && kind !== 'passed'));
  const shown = rest.slice(0, Math.max(0, free));
  const hidden = shown.length === 0 && grid.length > 0 ? 0 : rest.length - shown.length;
  const details = [
    ...(shown.length === 0 ? [] : detailTable(shown, columns, paint)),
    ...(hidden > 0 ? [`… and ${counted(hidden, 'more cell')}`] : []),
  ];
  return { table: [...grid, ...(grid.length > 0 && details.length > 0 ? [''] : []), ...details], coverage };
};

/** As many whole items as fit into `room` lines; the last line counts the others of `total`. */
const clipped = (items: readonly (readonly string[])[], total: number, room: number): readonly string[] => {
  if (items.length === total && items.flat().length <= room) return items.flat();
  const lines: string[] = [];
  let shown = 0;
  for (const item of items) {
    if (lines.length + item.length > room - 1) break;
    lines.push(...item);
    shown += 1;
  }
  return room < 1 ? [] : [...lines, `… and ${total - shown} more`];
};

/** The verdict and the summary in one line. */
const sentence = (verdict: Verdict, columns: number): string =>
  cutAtWord(`${runWords[verdict.verdict].word.toUpperCase()}  ${plain(headline(verdict), 400)}`, columns);

/**
 * At most 40 lines of at most `columns` columns: verdict, counts, a table of the cells (a grid of optimizations × models when there
 * are many), what regressed with its numbers, what failed, what improved most, warnings, and where the report is. Without colour there is no escape
 * code in it, whatever the verdict holds.
 */
export const summaryText = (verdict: Verdict, options: TextOptions): string => {
  const columns = Math.max(40, Math.floor(options.columns));
  const paint = painter(options.colour);
  const counts = cellCounts(verdict.cells);
  const top = [
    paint(sentence(verdict, columns), verdict.verdict),
    cut(`${counted(verdict.cells.length, 'cell')}${counts === '' ? '' : `: ${counts}`}`, columns),
    cut(coverageSentence(verdict.coverage, plain), columns),
  ];
  const last = [
    ...(options.took == null ? [] : [cut(`Took ${takenText(options.took)}.`, columns)]),
    ...(options.report === undefined ? [] : [cut(`Report: ${plain(options.report, 1000)}`, columns)]),
  ];
  const end = last.length === 0 ? [] : ['', ...last];
  const free = screenLines - top.length - end.length - 2;
  const all = textChanges(verdict);
  const items = all.slice(0, screenLines).map(({ kind, text }) => {
    const lines = wrapped(text(), columns, kind === 'missing' || kind === 'failed' || kind === 'inconclusive' ? reasonLines : itemLines);
    return kind === null ? lines : lines.map((line) => paint(line, kind));
  });
  const { modelled, measured } = cellsByKind(verdict.cells);
  const measurements = measurementTable(measured, columns, modelled.length === 0 ? free - leastNews : Math.floor(free / 3), paint);
  const left = free - (measurements.length === 0 || modelled.length === 0 ? measurements.length : measurements.length + 1);
  const { table, coverage } = screenOf(verdict, columns, left, items.flat().length, paint);
  const below = clipped(items, all.length, left - table.length - (coverage.length === 0 ? 0 : coverage.length + 1));
  const parts = [table, measurements, below, coverage].flatMap((lines) => (lines.length === 0 ? [] : ['', ...lines]));
  return [...top, ...parts, ...end, ''].join('\n');
};
