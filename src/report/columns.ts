/** Text in columns of a terminal: what a string takes on the screen, and tables that fit. */

const wide = /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Emoji_Presentation}\uFF01-\uFF60]/u;
const zero = /\p{M}/u;

/** How many terminal columns a line takes; East Asian characters and emoji take two, combining marks none. */
export const width = (line: string): number => {
  let columns = 0;
  for (const character of line) columns += zero.test(character) ? 0 : wide.test(character) ? 2 : 1;
  return columns;
};

/** The line cut to `columns`, with an ellipsis where something was cut. */
export const cut = (line: string, columns: number): string => {
  if (width(line) <= columns) return line;
  let kept = '';
  let used = 1;
  for (const character of line) {
    used += width(character);
    if (used > columns) break;
    kept += character;
  }
  return columns < 1 ? '' : `${kept}…`;
};

/** The line cut to `columns` at a space, so that no number is read wrong; a first word that is too long is cut all the same. */
export const cutAtWord = (line: string, columns: number): string => {
  if (width(line) <= columns) return line;
  const kept = line.slice(0, Math.max(0, line.lastIndexOf(' ', cut(line, columns - 1).length - 1))).trimEnd();
  return kept === '' ? cut(line, columns) : `${kept} …`;
};

/** The line broken at spaces into at most `lines` lines of `columns`, the later ones indented by two; the last is cut where it is too long. */
export const wrapped = (line: string, columns: number, lines: number): readonly string[] => {
  const out: string[] = [];
  let current = '';
  for (const word of line.split(' ')) {
    const longer = current === '' ? word : `${current} ${word}`;
    if (width(longer) <= columns || current.trim() === '' || out.length === lines - 1) current = longer;
    else {
      out.push(current);
      current = `  ${word}`;
    }
  }
  return [...out, current].map((text) => cutAtWord(text, columns));
};

/** The names without the words that all of them begin with (`mini-a`, `mini-b` → `a`, `b`); a single name stays whole. */
export const shortNames = (names: readonly string[]): ReadonlyMap<string, string> => {
  const words = names.map((name) => name.split('-'));
  const most = new Set(names).size < 2 ? 0 : Math.min(...words.map((parts) => parts.length)) - 1;
  let same = 0;
  while (same < most && words.every((parts) => parts[same] === words[0]?.[same])) same += 1;
  return new Map(names.map((name) => [name, name.split('-').slice(same).join('-')]));
};

const pad = (text: string, columns: number, right: boolean): string => {
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
        const text = last ? (row[index] ?? '') : pad(row[index] ?? '', sizes[index] ?? 0, right);
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
