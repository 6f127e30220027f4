import type { Json } from '../records/words.ts';
import { padded, width } from '../report/columns.ts';

/** What a command that only informs has found: text for people, the same as data for scripts, and the exit status. */
export interface CommandOutput {
  readonly exitCode: 0 | 2 | 3;
  /** Lines without the last newline. */
  readonly text: string;
  readonly json: Json;
}

/** Rows with their columns aligned; the last cell of a row may be as long as it likes. No blanks at the ends of lines. */
export const aligned = (rows: readonly (readonly string[])[]): string => {
  const widths: number[] = [];
  for (const row of rows) for (const [at, cell] of row.slice(0, -1).entries()) widths[at] = Math.max(widths[at] ?? 0, width(cell));
  const line = (row: readonly string[]): string => row.map((cell, at) => padded(cell, widths[at] ?? 0)).join('  ');
  return rows.map((row) => line(row).trimEnd()).join('\n');
};
