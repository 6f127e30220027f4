/** Where a bracketed part ends that starts at a position; the end of the line where it is not closed. */
const closing = (text: string, at: number, open: string, close: string): number => {
  let depth = 0;
  for (let end = at; end < text.length && text[end] !== '\n'; end++) {
    if (text[end] === open) depth += 1;
    if (text[end] === close) depth -= 1;
    if (depth === 0) return end + 1;
  }
  const line = text.indexOf('\n', at);
  return line === -1 ? text.length : line;
};

const ends = /[\s"'`,;)\]}&|]/;

/** The word of a command that starts at a position: with the expressions and commands in it, and up to the quote where one is open. */
export const wordAt = (text: string, start: number, quote: string | null = null): string => {
  let at = start;
  while (at < text.length && text[at] !== '\n') {
    const here = text[at] ?? '';
    if (here === '{' && (text[at - 1] === '$' || text[at + 1] === '{')) at = closing(text, at, '{', '}');
    else if (here === '(' && text[at - 1] === '$') at = closing(text, at, '(', ')');
    else if (here === '`' && quote !== '`' && text.indexOf('`', at + 1) !== -1) at = Math.min(text.indexOf('`', at + 1) + 1, text.length);
    else if (quote === null ? ends.test(here) || (/[<>]/.test(here) && at > start && !/[<>=]/.test(text[at - 1] ?? '')) : here === quote)
      break;
    else at += 1;
  }
  return text.slice(start, at);
};

/** The words of the rest of a command, each without its quotes. */
export const wordsAfter = (text: string, start: number): readonly string[] => {
  const words: string[] = [];
  let at = start;
  while (at < text.length && !/[\n;&|)]/.test(text[at] ?? '')) {
    const here = text[at] ?? '';
    if (/[\s,\]]/.test(here) || words.length > 100) {
      at += 1;
      continue;
    }
    const quote = /["']/.test(here) ? here : null;
    const word = wordAt(text, at + (quote === null ? 0 : 1), quote);
    if (word !== '') words.push(word);
    at += Math.max(1, word.length + (quote === null ? 0 : 2));
  }
  return words;
};

/** The quote that opens right before a position, or null. */
export const quoteBefore = (text: string, at: number): string | null => (/["'`]/.test(text[at - 1] ?? '') ? (text[at - 1] ?? null) : null);

export const escaped = (name: string): string => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** The matches of a pattern, no more than so many. */
export const firstMatches = (text: string, pattern: RegExp, most: number): readonly RegExpExecArray[] => {
  const found: RegExpExecArray[] = [];
  for (const match of text.matchAll(pattern)) if (found.push(match) >= most) break;
  return found;
};
