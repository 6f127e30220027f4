/** Foreign text made harmless for each place where it is printed. Names, messages and summaries may all come from a pull request. */
import { stripVTControlCharacters } from 'node:util';

/** Keeps what GitHub would turn into a mention, a reference or a link from being one; itself invisible. */
const seam = '\u200b';

/** A path of several folders. */
const longPath = /(?:[A-Za-z]:)?(?:[\\/][^\s\\/'"`:;,()<>|]+){4,}/g;

/** The last two names of a path: a reader knows the file by them, and what went wrong stays in the line. */
const shortPath = (path: string): string => `…/${path.split(/[\\/]/).slice(-2).join('/')}`;

/**
 * One line of at most `max` UTF-16 units: without control, formatting and direction characters. Of a longer text paths are shortened
 * first, since the reason of an error often stands behind one; an ellipsis marks what was cut.
 */
export const plain = (text: string, max = 300): string => {
  const shortened = text.length > max ? text.slice(0, 20_000).replace(longPath, shortPath) : text;
  return cutLine(shortened, max);
};

const cutLine = (text: string, max: number): string => {
  const line = stripVTControlCharacters(text.slice(0, max * 4))
    .replace(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .replace(/(\p{M}{3})\p{M}+/gu, '$1')
    .trim();
  if (line.length <= max && text.length <= max * 4) return line;
  return `${line
    .slice(0, Math.max(0, max - 1))
    .replace(/\p{Cs}$/u, '')
    .trimEnd()}…`;
};

/** Text for HTML, in element content and in quoted attributes. */
export const html = (text: string, max = 300): string =>
  plain(text, max).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** Text for a line or table cell of GitHub Markdown: no markup, no HTML, no mention, no reference, no link. */
export const prose = (text: string, max = 300): string =>
  plain(text, max)
    .replace(/[&<>|]/g, (character) => `&#${character.charCodeAt(0)};`)
    .replace(/(?<!&)#(?=\w)/g, `#${seam}`)
    .replace(/[\\`*_~[\]$]|(?<!&)#/g, '\\$&')
    .replace(/@(?=\w)/g, `@${seam}`)
    .replace(/GH-(?=\d)/gi, `$&${seam}`)
    .replace(/:\/\//g, `:${seam}//`)
    .replace(/www\./gi, (match) => `${match.slice(0, 3)}${seam}.`);

/** A name as a code span that is safe in table cells too; `–` when nothing is left of it. */
export const code = (text: string, max = 120): string => {
  const line = plain(text, max).replaceAll('`', "'").replaceAll('|', '¦');
  return line === '' ? '–' : `\`${line}\``;
};

/** The address of an http(s) URL as it may stand in a Markdown link or attribute; null for anything else. */
export const linkTarget = (url: string | null): string | null => {
  if (url === null || url.length > 500 || !URL.canParse(url)) return null;
  const parsed = new URL(url);
  if (parsed.protocol !== 'https:' && parsed.protocol !== 'http:') return null;
  return parsed.href.replace(
    /[()<>"'\\`|*_~[\]]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
};
