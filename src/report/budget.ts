/** Fits a text of sections into a fixed length: frames always stand, rows come in by rank, and what was left out is counted. */
export interface Row {
  readonly text: string;
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

const render = (section: Section, kept: readonly Row[]): string => {
  const left = section.rows.length - kept.length;
  const body = [section.open, ...kept.map(({ text }) => text)].filter((text) => text !== '').join('\n');
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
  const kept = sections.map(() => new Set<Row>());
  const full = new Set<number>();
  const ranked = sections.flatMap((section, index) => section.rows.map((row) => ({ row, index }))).sort((a, b) => a.row.rank - b.row.rank);
  for (const { row, index } of ranked) {
    const cost = measure(row.text) + 1;
    if (full.has(index)) continue;
    if (cost > room) {
      full.add(index);
      continue;
    }
    room -= cost;
    kept[index]?.add(row);
  }
  return sections
    .map((section, index) =>
      render(
        section,
        section.rows.filter((row) => kept[index]?.has(row)),
      ),
    )
    .join(glue);
};
