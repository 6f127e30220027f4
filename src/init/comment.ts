/** Columns of what `init` writes and prints. */
export const pageColumns = 80;

/** A paragraph as lines of at most 80 columns, each with the prefix; a longer word has a line of its own. */
export const paragraph = (text: string, first: string, next = first): readonly string[] => {
  const lines: string[] = [];
  let current = '';
  for (const word of text.split(' ')) {
    const longer = current === '' ? word : `${current} ${word}`;
    const room = pageColumns - (lines.length === 0 ? first : next).length;
    if (current !== '' && longer.length > room) {
      lines.push(current);
      current = word;
    } else current = longer;
  }
  return [...lines, current].map((line, at) => `${at === 0 ? first : next}${line}`);
};
