import { commandNames, commandTable } from './command-table.ts';
import { type NamedOption, optionsOn } from './option-table.ts';

/** The option as it is typed: `--seed N`, `--no-cache`, `--event auto|change`. */
export const optionUsage = ({ outside, row }: NamedOption): string => {
  switch (row.kind) {
    case 'switch':
      return row.default ? `--no-${outside}` : `--${outside}`;
    case 'choice':
      return `--${outside} ${row.choices.join('|')}`;
    default:
      return `--${outside} ${row.placeholder}`;
  }
};

/** The default as people read it; empty when there is none to speak of. */
export const optionDefault = ({ row }: NamedOption): string =>
  row.default === null || row.kind === 'switch' || row.kind === 'lines'
    ? ''
    : Array.isArray(row.default)
      ? row.default.join(',')
      : String(row.default);

/** What the option does, with the values it may take and its default. */
export const optionSummary = (option: NamedOption): string => {
  const choices = option.row.kind === 'list' && option.row.choices !== null ? ` (${option.row.choices.join(', ')})` : '';
  const fallback = optionDefault(option);
  return `${option.row.summary}${choices}${fallback === '' ? '' : ` [${fallback}]`}`;
};

const aligned = (lines: readonly (readonly [string, string])[]): string => {
  const width = Math.max(...lines.map(([left]) => left.length));
  return lines
    .map(([left, right]) => (left.length > 32 ? `  ${left}\n${' '.repeat(36)}${right}` : `  ${left.padEnd(Math.min(width, 32))}  ${right}`))
    .join('\n');
};

/** The text of `--help`, generated from the tables of commands and options. */
export const helpText = (): string =>
  [
    'Usage: optimization-gate [command] [options]',
    '',
    'Tells whether a change to model-optimization code is a regression. Without a command it does `run`.',
    '',
    'Commands:',
    aligned(commandNames.map((name) => [name, commandTable[name].summary] as const)),
    '',
    'Options:',
    aligned([
      ...optionsOn('cli').map((option) => [optionUsage(option), optionSummary(option)] as const),
      ['-h, --help', 'show this text'],
      ['-v, --version', 'show the version'],
    ]),
    '',
    'Exit status: 0 nothing regressed; 1 a regression or a failure; 2 usage or configuration; 3 it could not be decided.',
  ].join('\n');
