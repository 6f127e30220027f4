/** Text in columns of a terminal: what a string takes on the screen, and tables that fit. */
import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';

const graphemes = new Intl.Segmenter();

/** How many columns of a terminal a line takes. */
export const width = (line: string): number => stringWidth(line);

/** The line cut to `columns`, with an ellipsis where something was cut. */
export const cut = (line: string, columns: number): string => {
  if (width(line) <= columns) return line;
  let kept = '';
  let used = 1;
  for (const { segment } of graphemes.segment(line)) {
    used += width(segment);
    if (used > columns) break;
    kept += segment;
  }
  return columns < 1 ? '' : `${kept}…`;
};

/** The line cut to `columns` at a space, so that no number is read wrong; a first word that is too long is cut all the same. */
export const cutAtWord = (line: string, columns: number): string => {
  if (width(line) <= columns) return line;
  const [kept = ''] = wrapAnsi(line, columns - 2).split('\n');
  return kept === '' || width(kept) > columns - 2 ? cut(line, columns) : `${kept} …`;
};

/**
 * The line broken at spaces into at most `lines` lines (two or more) of `columns`, the later ones indented by two; the last is cut
 * where it is too long.
 */
export const wrapped = (line: string, columns: number, lines: number): readonly string[] => {
  const [first = '', ...others] = wrapAnsi(line, columns).split('\n');
  const rows = others.length === 0 ? [] : wrapAnsi(others.join(' '), columns - 2).split('\n');
  const later = rows.length < lines ? rows : [...rows.slice(0, lines - 2), rows.slice(lines - 2).join(' ')];
  return [cutAtWord(first, columns), ...later.map((row) => `  ${cutAtWord(row, columns - 2)}`)];
};

/** The names without the words that all of them begin with (`mini-a`, `mini-b` → `a`, `b`); a single name stays whole. */
export const shortNames = (names: readonly string[]): ReadonlyMap<string, string> => {
  const words = names.map((name) => name.split('-'));
  const most = new Set(names).size < 2 ? 0 : Math.min(...words.map((parts) => parts.length)) - 1;
  let same = 0;
  while (same < most && words.every((parts) => parts[same] === words[0]?.[same])) same += 1;
  return new Map(names.map((name) => [name, name.split('-').slice(same).join('-')]));
};

/** The text with spaces after it, or before it where it stands on the right, to fill `columns`. */
export const padded = (text: string, columns: number, right = false): string => {
  const space = ' '.repeat(Math.max(0, columns - width(text)));
  return right ? `${space}${text}` : `${text}${space}`;
};

export interface Column {
  readonly name: string;
  readonly right: boolean;
}

/** Column widths of a table: the widest entry of each. */
export const widths = (columns: readonly Column[], rows: readonly (readonly string[])[]): readonly number[] =>
  columns.map(({ name }, index) => Math.max(width(name), ...rows.map((row) => width(row[index] ?? ''))));

/** An aligned table, two spaces between columns; `paint` colours one entry after it was padded. */
export const aligned = (
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  paint: (text: string, row: number, column: number) => string,
): readonly string[] => {
  const sizes = widths(columns, rows);
  const line = (row: readonly string[], at: number): string =>
    columns
      .map(({ right }, index) => {
        const last = index === columns.length - 1 && !right;
        const text = last ? (row[index] ?? '') : padded(row[index] ?? '', sizes[index] ?? 0, right);
        return at < 0 ? text : paint(text, at, index);
      })
      .join('  ');
  return [
    line(
      columns.map(({ name }) => name),
      -1,
    ),
    ...rows.map(line),
  ];
};
