import { type ActionInputs, parseInputs } from '../config/inputs.ts';
import { type OptionName, optionsOn } from '../config/option-table.ts';
import { readBy } from '../config/workflow-scopes.ts';
import type { Before, GateStep } from '../config/workflow-steps.ts';
import { GateError } from '../errors.ts';

export type InputName = OptionName | 'mode';

/** Inputs of which only base's value counts, by the name in a workflow. */
export const judging: ReadonlyMap<string, InputName> = new Map<string, InputName>([
  ['mode', 'mode'],
  ...optionsOn('action').flatMap(({ name, outside, row }) => (row.judges === true ? [[outside, name] as const] : [])),
]);

export const isExpression = (text: string | undefined): boolean => text?.includes('${{') === true;

export type StepValues = Pick<ActionInputs, 'command' | 'options' | 'overrides'>;

export const chosen = ({ command, options, overrides }: StepValues, name: InputName): unknown =>
  name === 'mode' ? command : name === 'set' ? overrides : options[name];

/** Whether two steps write an input equally, with all that its expressions read. */
export const writtenEqually = (name: string, one: GateStep, other: GateStep): boolean => {
  const text = one.inputs.get(name);
  return other.inputs.get(name) === text && readBy(text ?? '', other.scopes) === readBy(text ?? '', one.scopes);
};

/** What a step gives of the inputs that judge, as far as it is written out; null where the gate would refuse it. */
export const writtenOut = ({ inputs }: GateStep): StepValues | null => {
  const literal = [...inputs].filter(([name, text]) => judging.has(name) && !isExpression(text));
  try {
    return parseInputs(Object.fromEntries(literal.map(([name, text]) => [`INPUT_${name}`, text])));
  } catch (thrown) {
    if (!(thrown instanceof GateError)) throw thrown;
    return null;
  }
};

const computing = ['matrix', 'steps', 'needs'] as const;

/** What some expressions read that runs before the gate; a matrix may be computed itself. */
export const computedFrom = (text: string, before: Before): readonly (keyof Before)[] => {
  const all = /\bmatrix\b/.test(text) ? `${text}\n${before.matrix}` : text;
  return computing.filter((each) => new RegExp(`\\b${each}\\b`).test(all));
};
