import { GateError } from '../errors.ts';
import { nearest } from '../records/nearest.ts';
import { type NamedOption, type OptionName, type OptionRow, type OptionValues, optionTable } from './option-table.ts';

/** What was chosen, and what `--set` asks to change in the configuration. */
export interface ChosenOptions {
  readonly options: Omit<OptionValues, 'set'>;
  readonly overrides: readonly string[];
}

const longest = 4096;

const bad = (where: string, message: string): GateError => new GateError('usage-bad-value', message, { where });

const oneOf = (text: string, choices: readonly string[], where: string): string => {
  if (choices.includes(text)) return text;
  const near = nearest(text, choices);
  throw bad(where, `"${text}" is not one of ${choices.join(', ')}.${near === null ? '' : ` Did you mean "${near}"?`}`);
};

const items = (texts: readonly string[], row: Extract<OptionRow, { kind: 'list' }>, where: string): readonly string[] => {
  const found = texts.flatMap((text) => text.split(/[,\n]/)).map((item) => item.trim());
  if (found.some((item) => item === '')) throw bad(where, 'An item of the list is empty.');
  const repeated = found.find((item, index) => found.indexOf(item) !== index);
  if (repeated !== undefined) throw bad(where, `"${repeated}" is named twice.`);
  return row.choices === null ? found : found.map((item) => oneOf(item, row.choices ?? [], where));
};

/**
 * One value as text, read by the option's kind. `texts` holds every time it was given, at least once.
 * Integers are decimal digits only; switches are `true` or `false` as YAML 1.2 writes them.
 */
export const readOptionValue = (
  { row }: NamedOption,
  texts: readonly string[],
  where: string,
): string | number | boolean | readonly string[] => {
  for (const text of texts) {
    if (text.length > longest * 4) throw bad(where, `The value is longer than ${longest * 4} characters.`);
    if (text.includes('\0')) throw bad(where, 'The value holds a NUL character.');
  }
  if (row.kind === 'lines') {
    return texts
      .flatMap((text) => text.split('\n'))
      .map((line) => line.trim())
      .filter((line) => line !== '');
  }
  if (row.kind === 'list') return items(texts, row, where);
  const [text = '', ...more] = texts;
  if (more.length > 0) throw bad(where, 'It is given more than once.');
  switch (row.kind) {
    case 'text':
      if (text === '') throw bad(where, 'The value is empty.');
      if (text.length > longest) throw bad(where, `The value is longer than ${longest} characters.`);
      return text;
    case 'choice':
      return oneOf(text, row.choices, where);
    case 'switch':
      if (/^(true|True|TRUE)$/.test(text)) return true;
      if (/^(false|False|FALSE)$/.test(text)) return false;
      throw bad(where, `"${text}" is neither true nor false.`);
    case 'integer': {
      const value = Number(text);
      if (!/^\d{1,15}$/.test(text) || value < row.least || value > row.most) {
        throw bad(where, `"${text}" is not a whole number from ${row.least} to ${row.most}.`);
      }
      return value;
    }
  }
};

/** Fills in the defaults of everything that was not given. */
export const chosenOptions = (given: ReadonlyMap<OptionName, string | number | boolean | readonly string[]>): ChosenOptions => {
  const all = Object.fromEntries(Object.entries(optionTable).map(([name, row]) => [name, given.get(name as OptionName) ?? row.default]));
  const { set, ...options } = all as unknown as OptionValues;
  return { options, overrides: set };
};
