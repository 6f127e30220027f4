import { GateError } from '../errors.ts';
import { type CommandName, isCommandName, modeNames } from './command-table.ts';
import { suggestion } from './nearest.ts';
import { type OptionName, optionsOn } from './option-table.ts';
import { type ChosenOptions, chosenOptions, readOptionValue } from './option-value.ts';

export interface ActionInputs extends ChosenOptions {
  readonly command: CommandName;
}

const rows = optionsOn('action');

/**
 * Reads the inputs of the action from `INPUT_*` variables (upper case, dashes kept, as the runner writes them).
 * An empty input means its default. An input that action.yml does not have is refused: the runner only warns of it.
 * Throws `usage-unknown-option` or `usage-bad-value`.
 */
export const parseInputs = (environment: Readonly<Record<string, string | undefined>>): ActionInputs => {
  const known = ['mode', ...rows.map((row) => row.outside)];
  const inputs = new Map<string, string>();
  for (const [variable, value] of Object.entries(environment)) {
    const name = /^INPUT_(.+)$/i.exec(variable)?.[1]?.toLowerCase();
    if (name === undefined || value === undefined || value.trim() === '') continue;
    if (!known.includes(name))
      throw new GateError('usage-unknown-option', `The action has no such input.${suggestion(name, known)}`, { where: `with: ${name}` });
    inputs.set(name, value.trim());
  }
  const command = inputs.get('mode') ?? 'run';
  if (!isCommandName(command) || !modeNames.includes(command)) {
    throw new GateError('usage-bad-value', `"${command}" is not one of ${modeNames.join(', ')}.`, { where: 'with: mode' });
  }
  const given = new Map<OptionName, string | number | boolean | readonly string[]>();
  for (const row of rows) {
    const text = inputs.get(row.outside);
    if (text !== undefined) given.set(row.name, readOptionValue(row, [text], `with: ${row.outside}`));
  }
  return { command, ...chosenOptions(given) };
};
