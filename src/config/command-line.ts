import { parseArgs } from 'node:util';
import { GateError } from '../errors.ts';
import { suggestion } from '../records/nearest.ts';
import { type CommandName, commandNames, commandsOfWords, commandsWithOperands, hasVerbs, isCommandName, verbOf } from './command-table.ts';
import { type OptionName, optionsOn } from './option-table.ts';
import { type ChosenOptions, chosenOptions, readOptionValue } from './option-value.ts';

export interface CommandLine extends ChosenOptions {
  readonly command: CommandName;
  /** What stands after the command's name: `models inspect FILE` → `['inspect', 'FILE']`. */
  readonly operands: readonly string[];
}

const rows = optionsOn('cli');
const rowNamed = new Map(rows.map((row) => [row.outside, row]));
const flags = rows.map(({ outside, row }) => (row.kind === 'switch' && row.default ? `no-${outside}` : outside));

const unknown = (rawName: string): GateError =>
  new GateError(
    'usage-unknown-option',
    `There is no such option.${suggestion(rawName.replace(/^-+/, ''), [...flags, 'help', 'version'])}`,
    { where: rawName },
  );

/** The command and its operands from what is not an option. No command at all means `run`. A wrong verb is refused here, on any Node. */
const commandOf = (positionals: readonly string[]): { readonly command: CommandName; readonly operands: readonly string[] } => {
  const [first = 'run', ...operands] = positionals;
  if (!isCommandName(first))
    throw new GateError('usage-unknown-command', `There is no such command.${suggestion(first, commandNames)}`, { where: first });
  const [extra] = operands;
  if (extra !== undefined && !commandsWithOperands.includes(first)) {
    throw new GateError('usage-bad-value', `"${first}" takes no argument.`, { where: extra });
  }
  if (hasVerbs(first)) verbOf(first, extra);
  return { command: first, operands };
};

/**
 * Reads `[command] [operands] [--options]`, without the program's name. `--help` and `--version` become the commands of
 * that name wherever they stand. Throws `usage-unknown-command`, `usage-unknown-option` or `usage-bad-value`.
 */
export const parseCommandLine = (argv: readonly string[]): CommandLine => {
  const { tokens } = parseArgs({
    args: [...argv],
    strict: false,
    tokens: true,
    options: Object.fromEntries([
      ...rows.map(({ outside, row }) => [outside, { type: row.kind === 'switch' ? ('boolean' as const) : ('string' as const) }]),
      ['help', { type: 'boolean' as const, short: 'h' }],
      ['version', { type: 'boolean' as const, short: 'v' }],
    ]),
  });
  const positionals: string[] = [];
  const texts = new Map<OptionName, string[]>();
  const switches = new Map<OptionName, boolean>();
  let special: CommandName | null = null;
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    if (token.name === 'help' || token.name === 'version') {
      special ??= token.name;
      continue;
    }
    const negative = token.name.startsWith('no-') ? rowNamed.get(token.name.slice(3)) : undefined;
    const named = rowNamed.get(token.name) ?? (negative?.row.kind === 'switch' ? negative : undefined);
    if (named === undefined || !token.rawName.startsWith('--')) throw unknown(token.rawName);
    if (named.row.kind === 'switch') {
      if (token.value !== undefined) throw new GateError('usage-bad-value', 'This option takes no value.', { where: token.rawName });
      switches.set(named.name, named !== negative);
      continue;
    }
    if (token.value === undefined || (token.inlineValue === false && token.value.startsWith('-'))) {
      throw new GateError('usage-bad-value', `A value is missing: write ${token.rawName}=VALUE.`, { where: token.rawName });
    }
    texts.set(named.name, [...(texts.get(named.name) ?? []), token.value]);
  }
  if (special !== null) return { command: special, operands: positionals.slice(0, 1), ...chosenOptions(new Map()) };
  const given = new Map<OptionName, string | number | boolean | readonly string[]>(switches);
  for (const row of rows) {
    const found = texts.get(row.name);
    if (found !== undefined) given.set(row.name, readOptionValue(row, found, `--${row.outside}`));
  }
  const { command, operands } = commandOf(positionals);
  const misplaced = rows.find(({ name, row }) => given.has(name) && row.of !== undefined && row.of !== command);
  if (misplaced !== undefined)
    throw new GateError('usage-bad-value', `This option belongs to \`${misplaced.row.of}\`. The command is \`${command}\`.`, {
      where: `--${misplaced.outside}`,
    });
  return { command, operands, ...chosenOptions(given) };
};

/** Whether a command line only asks for a text: any Node can show it, without installed packages. */
export const asksForText = ({ command }: Pick<CommandLine, 'command'>): boolean => commandsOfWords.includes(command);
