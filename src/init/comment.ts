/** Columns of what `init` writes and prints. */
export const pageColumns = 80;

/** A paragraph as lines of at most 80 columns, each with the prefix; a longer word, or code, has a line of its own. */
export const paragraph = (text: string, first: string, next = first): readonly string[] => {
  const lines: string[] = [];
  let current = '';
  for (const word of text.match(/(?:`[^`]*`|[^\s`])+/g) ?? []) {
    const longer = current === '' ? word : `${current} ${word}`;
    const room = pageColumns - (lines.length === 0 ? first : next).length;
    if (current !== '' && longer.length > room) {
      lines.push(current);
      current = word;
    } else current = longer;
  }
  return [...lines, current].map((line, at) => `${at === 0 ? first : next}${line}`);
};

/** A command line as a shell reads it, broken at blanks outside of quotes where it has more than 80 columns. */
export const continued = (line: string, indent: string): readonly string[] => {
  const words = line.match(/(?:\\.|'[^']*'|"[^"]*"|[^\s'"\\])+/g) ?? [];
  const lines: string[] = [];
  let current = '';
  for (const word of words) {
    const longer = current === '' ? word : `${current} ${word}`;
    // Room for the backslash.
    const room = pageColumns - indent.length - 2 - (lines.length === 0 ? 0 : 2);
    if (current !== '' && longer.length > room) {
      lines.push(current);
      current = word;
    } else current = longer;
  }
  const all = [...lines, current];
  return all.map((each, at) => `${indent}${at === 0 ? '' : '  '}${each}${at < all.length - 1 ? ' \\' : ''}`);
};
