import { posix } from 'node:path';
import type { CommandText } from './command-text.ts';
import { escaped, wordsAfter } from './command-words.ts';

interface Place {
  readonly of: CommandText;
  readonly at: number;
}

/** The shell function that a position lies in; null outside of all. */
const functionAround = (text: string, at: number): string | null => {
  let name: string | null = null;
  for (const [line] of text.slice(0, text.indexOf('\n', at) === -1 ? undefined : text.indexOf('\n', at)).matchAll(/^.*$/gm)) {
    const header = /^\s*(?:function\s+([\w-]+)|([\w-]+)\s*\(\))/.exec(line);
    if (header !== null) name = header[1] ?? header[2] ?? null;
    else if (/^\}/.test(line)) name = null;
  }
  return name;
};

/** The arguments of the calls of a file, or of the function of it that a position lies in. */
export const callArguments = (
  place: number | 'all',
  { of, at }: Place,
  texts: readonly CommandText[],
): readonly (Place & { readonly value: string })[] => {
  const inFunction = functionAround(of.text, at);
  const name = escaped(inFunction ?? posix.basename(of.path));
  const pattern = new RegExp(inFunction === null ? `(?<![\\w-])${name}(?![\\w-])["']?` : `(?<![\\w-])${name}(?![\\w-]|\\s*\\()`, 'g');
  const moves = /\b(?:shift|getopts|getopt)\b/i.test(of.text);
  const places = inFunction === null ? texts : [of, ...texts.filter((each) => each !== of)];
  return places.flatMap((caller) =>
    [...caller.text.matchAll(pattern)].flatMap((match) => {
      const words = wordsAfter(caller.text, match.index + match[0].length);
      const taken = place === 'all' || moves ? words : words.slice(place - 1, place);
      return taken.filter((word) => !word.startsWith('-')).map((value) => ({ value, of: caller, at: match.index }));
    }),
  );
};
