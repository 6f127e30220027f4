/** A row of a Markdown table. Cells must already be escaped for one. */
export const tableRow = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** The head of a Markdown table with its rule; names that end in `:` are right-aligned (and lose the colon). */
export const tableHead = (names: readonly string[]): string =>
  [tableRow(names.map((name) => name.replace(/:$/, ''))), tableRow(names.map((name) => (name.endsWith(':') ? '--:' : '---')))].join('\n');
