/** The few elements that the page is made of. */
import { html } from '../escape.ts';

export interface HtmlRow {
  /** HTML already; the first is the row's header. */
  readonly cells: readonly string[];
  /** Anchor of the cell that the row is about, so that the filter finds it. */
  readonly about?: string;
}

export interface HtmlTable {
  readonly caption: string;
  readonly head: readonly string[];
  readonly rows: readonly HtmlRow[];
  /** Indices of columns with numbers. */
  readonly numbers: readonly number[];
}

/** A table with caption and scopes that scrolls by itself where it is too wide, also by keyboard. */
export const table = ({ caption, head, rows, numbers }: HtmlTable): string => {
  const aligned = (index: number): string => (numbers.includes(index) ? ' class="n"' : '');
  const headCells = head.map((name, index) => `<th scope="col"${aligned(index)}>${html(name)}</th>`).join('');
  const line = (cells: readonly string[]): string =>
    cells.map((cell, index) => (index === 0 ? `<th scope="row">${cell}</th>` : `<td${aligned(index)}>${cell}</td>`)).join('');
  const body = rows.map(({ cells, about }) => `<tr${about === undefined ? '' : ` data-about="${about}"`}>${line(cells)}</tr>`).join('\n');
  return `<div class="scroll" tabindex="0" role="region" aria-label="${html(caption)}"><table><caption>${html(caption)}</caption><thead><tr>${headCells}</tr></thead><tbody>\n${body}\n</tbody></table></div>`;
};

export const rowsOf = (rows: readonly (readonly string[])[]): readonly HtmlRow[] => rows.map((cells) => ({ cells }));

/** A list under a heading; nothing where there are no items. Items are HTML already. */
export const list = (title: string, items: readonly string[]): string =>
  items.length === 0 ? '' : `<section><h2>${html(title)}</h2><ul>${items.map((item) => `<li>${item}</li>`).join('\n')}</ul></section>`;

/** Pictures with one caption, and their numbers in a table that opens on demand. `svgs` and `data` are HTML already. */
export const figure = (caption: string, svgs: readonly string[], data: string): string =>
  `<figure><figcaption>${html(caption, 1000)}</figcaption><div class="plots">${svgs.join('')}</div><details class="data"><summary>Numbers</summary>${data}</details></figure>`;
