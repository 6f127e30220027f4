import { GateError } from '../errors.ts';

const shellOnly = '|&;<>`';

/**
 * Splits a command template into arguments without a shell.
 *
 * Blanks separate; '…' keeps everything; "…" keeps everything but \" and \\; outside quotes a backslash keeps the next
 * character. Then each `{name}` is replaced by its value: a value with blanks stays one argument, and a value is never
 * split or expanded. `{{` and `}}` stand for braces. Variables, globs, pipes and redirections do not exist: their
 * characters outside quotes are `config-invalid` (for | & ; < > and back quotes), as are an unclosed quote, an empty
 * command and an unknown placeholder; `where` says whose command it is.
 */
export const splitCommand = (template: string, values: Readonly<Record<string, string>>, where: string): readonly string[] => {
  const words = commandWords(template, where);
  if (words.length === 0 || words[0] === '') throw new GateError('config-invalid', 'The command was read. It is empty.', { where });
  return words.map((word) => substitute(word, values, where));
};

/**
 * The words of a command template, quotes resolved and placeholders as they are written. Throws
 * `config-invalid` as `splitCommand` does.
 */
export const commandWords = (template: string, where: string): readonly string[] => {
  if (template.includes('\0')) throw new GateError('config-invalid', 'The command was read. It holds a NUL character.', { where });
  const words: string[] = [];
  let word: string | null = null;
  for (let at = 0; at < template.length; at += 1) {
    const character = template.charAt(at);
    if (/\s/.test(character)) {
      if (word !== null) words.push(word);
      word = null;
    } else if (character === "'") {
      const end = closing(template.indexOf("'", at + 1), character, at, where);
      word = (word ?? '') + template.slice(at + 1, end);
      at = end;
    } else if (character === '"') {
      const { text, end } = doubleQuoted(template, at, where);
      word = (word ?? '') + text;
      at = end;
    } else if (character === '\\') {
      at += 1;
      if (at === template.length) throw new GateError('config-invalid', 'The command was read. It ends in a backslash.', { where });
      word = (word ?? '') + template.charAt(at);
    } else if (shellOnly.includes(character)) {
      throw new GateError(
        'config-invalid',
        `The command was read. It runs without a shell, so ${character} at column ${at + 1} has no meaning: quote it, or write sh -c '…'.`,
        { where },
      );
    } else word = (word ?? '') + character;
  }
  if (word !== null) words.push(word);
  return words;
};

const doubleQuoted = (template: string, start: number, where: string): { readonly text: string; readonly end: number } => {
  let text = '';
  for (let at = start + 1; at < template.length; at += 1) {
    const character = template.charAt(at);
    if (character === '"') return { text, end: at };
    const next = template.charAt(at + 1);
    if (character === '\\' && (next === '"' || next === '\\')) {
      text += next;
      at += 1;
    } else text += character;
  }
  return { text, end: closing(-1, '"', start, where) };
};

const closing = (end: number, quote: string, start: number, where: string): number => {
  if (end === -1)
    throw new GateError('config-invalid', `The command was read. The ${quote} at column ${start + 1} is never closed.`, { where });
  return end;
};

const substitute = (word: string, values: Readonly<Record<string, string>>, where: string): string =>
  word.replace(/\{\{|\}\}|\{([A-Za-z][\w-]*)\}/g, (match, name: string | undefined) => {
    if (name === undefined) return match.charAt(0);
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value === undefined) {
      throw new GateError(
        'config-invalid',
        `The command was read. ${match} is no placeholder of it. Known: ${
          Object.keys(values)
            .map((known) => `{${known}}`)
            .join(' ') || 'none'
        }.`,
        { where },
      );
    }
    return value;
  });
