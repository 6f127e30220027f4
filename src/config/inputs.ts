import { GateError } from '../errors.ts';
import { suggestion } from '../records/nearest.ts';
import { type CommandName, isCommandName, modeNames } from './command-table.ts';
import { type OptionName, optionsOn } from './option-table.ts';
import { type ChosenOptions, chosenOptions, readOptionValue } from './option-value.ts';

export interface ActionInputs extends ChosenOptions {
  readonly command: CommandName;
}

type Environment = Readonly<Record<string, string | undefined>>;

const rows = optionsOn('action');
/** Inputs that say where a run tells its outcome, and of which project. */
const reporting = ['token', 'comment', 'commentKey', 'workingDirectory', 'config'] as const satisfies readonly OptionName[];

/** What is given, by the names of the inputs. */
const givenTexts = (environment: Environment): ReadonlyMap<string, string> =>
  new Map(
    Object.entries(environment).flatMap(([variable, value = '']) => {
      const name = /^INPUT_(.+)$/i.exec(variable)?.[1]?.toLowerCase();
      return name === undefined || value.trim() === '' ? [] : [[name, value.trim()]];
    }),
  );

const readOptions = (texts: ReadonlyMap<string, string>, names: readonly OptionName[]): ChosenOptions => {
  const given = new Map<OptionName, string | number | boolean | readonly string[]>();
  for (const row of rows.filter(({ name }) => names.includes(name))) {
    const text = texts.get(row.outside);
    if (text !== undefined) given.set(row.name, readOptionValue(row, [text], `with: ${row.outside}`));
  }
  return chosenOptions(given);
};

/** The inputs of which a run has to know where it tells that others are wrong. Throws `usage-bad-value`. */
export const parseReportInputs = (environment: Environment): Pick<ChosenOptions['options'], (typeof reporting)[number]> =>
  readOptions(givenTexts(environment), reporting).options;

/**
 * Reads the inputs of the action from `INPUT_*` variables (upper case, dashes kept, as the runner writes them).
 * An empty input means its default. An input that action.yml does not have is refused: the runner only warns of it.
 * Throws `usage-unknown-option` or `usage-bad-value`.
 */
export const parseInputs = (environment: Environment): ActionInputs => {
  const known = ['mode', ...rows.map((row) => row.outside)];
  const texts = givenTexts(environment);
  const unknown = [...texts.keys()].find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new GateError('usage-unknown-option', `The action has no such input.${suggestion(unknown, known)}`, {
      where: `with: ${unknown}`,
    });
  const command = texts.get('mode') ?? 'run';
  if (!isCommandName(command) || !modeNames.includes(command)) {
    throw new GateError('usage-bad-value', `"${command}" is not one of ${modeNames.join(', ')}.`, { where: 'with: mode' });
  }
  return {
    command,
    ...readOptions(
      texts,
      rows.map(({ name }) => name),
    ),
  };
};
