/** Fits a text of sections into a fixed length: frames always stand, rows come in by rank, and what was left out is counted. */
export interface Row {
  /** Called once at most, and not at all when the section is full before: what cannot be shown is not written. */
  readonly text: () => string;
  /** Lower is more important. Equal ranks keep their order. */
  readonly rank: number;
}

export interface Section {
  readonly open: string;
  readonly rows: readonly Row[];
  readonly close: string;
  /** How rows that had no room are announced, on a line of its own below the rows. */
  readonly omitted: (count: number) => string;
}

const glue = '\n\n';

const render = (section: Section, kept: readonly string[]): string => {
  const left = section.rows.length - kept.length;
  const body = [section.open, ...kept].filter((text) => text !== '').join('\n');
  return [body, left === 0 ? '' : section.omitted(left), section.close].filter((text) => text !== '').join(glue);
};

/**
 * The sections as one text of at most `limit` in the given measure (by default UTF-16 units). Rows are taken by rank over all
 * sections; the first that does not fit ends its section, so what is left out of a section is never more important than what is
 * in it. The frames (`open`, `close`, announcements) are the caller's to keep below the limit.
 */
export const fill = (sections: readonly Section[], limit: number, measure: (text: string) => number = (text) => text.length): string => {
  const frames = sections.map(
    (section) => measure(render({ ...section, rows: [] }, [])) + glue.length * 3 + measure(section.omitted(section.rows.length)),
  );
  let room = limit - frames.reduce((sum, length) => sum + length, 0);
  const kept = sections.map(() => new Map<Row, string>());
  const full = new Set<number>();
  const ranked = sections.flatMap((section, index) => section.rows.map((row) => ({ row, index }))).sort((a, b) => a.row.rank - b.row.rank);
  for (const { row, index } of ranked) {
    if (full.has(index)) continue;
    const text = row.text();
    const cost = measure(text) + 1;
    if (cost > room) {
      full.add(index);
      continue;
    }
    room -= cost;
    kept[index]?.set(row, text);
  }
  const texts = (section: Section, index: number): readonly string[] => section.rows.flatMap((row) => kept[index]?.get(row) ?? []);
  return sections.map((section, index) => render(section, texts(section, index))).join(glue);
};
