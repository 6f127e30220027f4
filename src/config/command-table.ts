import { GateError } from '../errors.ts';
import { suggestion } from '../records/nearest.ts';

/** Every command: what it does, in one line, and whether the action offers it as a `mode`. */
export const commandTable = {
  run: { summary: 'plan, measure and gate in one go', mode: true },
  plan: { summary: 'list what is to be built and measured; runs no user code', mode: true },
  measure: { summary: 'build the artefacts and take the samples that the plan asks for', mode: true },
  gate: { summary: 'decide from plan, samples and baselines; measures nothing', mode: true },
  update: { summary: 'measure what was merged and write its baselines', mode: true },
  init: { summary: 'write a configuration and two workflows, from what this repository holds', mode: false },
  doctor: { summary: 'show what this machine can measure', mode: false },
  models: { summary: 'list, verify or inspect models', mode: false },
  store: { summary: 'show, verify or clean the store of models and artefacts', mode: false },
  runtime: { summary: 'add ONNX Runtime, which takes the measurements: `runtime add cpu`', mode: false },
  help: { summary: 'show this text', mode: false },
  version: { summary: 'show the version', mode: false },
} as const satisfies Record<string, { readonly summary: string; readonly mode: boolean }>;

export type CommandName = keyof typeof commandTable;

export const commandNames = Object.keys(commandTable) as readonly CommandName[];

/** The commands that the action's `mode` input may name. */
export const modeNames = commandNames.filter((name) => commandTable[name].mode);

/** The only commands that take operands after their name. */
export const commandsWithOperands: readonly CommandName[] = ['models', 'store', 'runtime', 'help'];

/** The commands that only show a text, which any Node can do. */
export const commandsOfWords: readonly CommandName[] = ['help', 'version'];

/** What may stand directly after these commands; the first of each is what the command does alone. */
const verbTable = {
  models: ['list', 'verify', 'inspect'],
  store: ['show', 'verify', 'clean'],
  runtime: ['add'],
} as const satisfies Partial<Record<CommandName, readonly [string, ...string[]]>>;

export type VerbOf<Name extends keyof typeof verbTable> = (typeof verbTable)[Name][number];

export const hasVerbs = (name: CommandName): name is keyof typeof verbTable => Object.hasOwn(verbTable, name);

/** What a command is to do, by the word after its name. Throws `usage-unknown-command`. */
export const verbOf = <Name extends keyof typeof verbTable>(name: Name, word: string | undefined): VerbOf<Name> => {
  const verbs: readonly VerbOf<Name>[] = verbTable[name];
  const [alone] = verbTable[name];
  const found = word === undefined ? alone : verbs.find((verb) => verb === word);
  if (found !== undefined) return found;
  const expected = verbs
    .map((verb) => `\`${name} ${verb}\``)
    .join(', ')
    .replace(/, ([^,]*)$/, ' or $1');
  throw new GateError('usage-unknown-command', `Expected ${expected}, got something else.${suggestion(word ?? '', verbs)}`, {
    where: `${name} ${word}`,
  });
};

export const isCommandName = (name: string): name is CommandName => Object.hasOwn(commandTable, name);
