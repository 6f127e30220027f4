import { posix } from 'node:path';
import type { CommandText } from './command-text.ts';
import { escaped, wordsAfter } from './command-words.ts';

interface CallPlace {
  readonly of: CommandText;
  readonly at: number;
}

type CallArgument = CallPlace & { readonly value: string };

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

/** Words behind `npm run NAME`: the package manager puts them behind the script. */
const passedOn = ({ path, part }: CommandText, texts: readonly CommandText[]): readonly CallArgument[] => {
  if (part === null || posix.basename(path) !== 'package.json') return [];
  const pattern = new RegExp(`\\b(?:npm|pnpm|yarn|bun)\\b[^\\n;&|]*?[ :]${escaped(part)}(?![\\w:-])`, 'g');
  return texts.flatMap((of) =>
    [...of.text.matchAll(pattern)].flatMap(({ index: at, 0: whole }) =>
      wordsAfter(of.text, at + whole.length).map((value) => ({ value, of, at })),
    ),
  );
};

/** The arguments of the calls of a file, or of the function of it that a position lies in. */
export const callArguments = (place: number | 'all', { of, at }: CallPlace, texts: readonly CommandText[]): readonly CallArgument[] => {
  const inFunction = functionAround(of.text, at);
  const name = escaped(inFunction ?? posix.basename(of.path));
  const pattern = new RegExp(inFunction === null ? `(?<![\\w-])${name}(?![\\w-])["']?` : `(?<![\\w-])${name}(?![\\w-]|\\s*\\()`, 'g');
  const moves = /\b(?:shift|getopts|getopt)\b/i.test(of.text);
  const places = inFunction === null ? texts : [of, ...texts.filter((each) => each !== of)];
  return places.flatMap((caller) =>
    [...caller.text.matchAll(pattern)].flatMap(({ index, 0: whole }) => {
      const own = wordsAfter(caller.text, index + whole.length).map((value) => ({ value, of: caller, at: index }));
      const words = [...own, ...passedOn(caller, texts)].filter(({ value }) => value !== '--');
      const taken = place === 'all' || moves ? words : words.slice(place - 1, place);
      return taken.map((each) => ({ ...each, value: each.value.replace(/^--?[\w-]+=/, '') })).filter(({ value }) => !value.startsWith('-'));
    }),
  );
};
