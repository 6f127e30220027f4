/** A table of Markdown; the cells are Markdown already, but for bars and line ends. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string => {
  const row = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');
};

/** Text as code, or nothing. */
export const code = (text: string): string => (text === '' ? '' : `\`${text}\``);
