/** Every command: what it does, in one line, and whether the action offers it as a `mode`. */
export const commandTable = {
  run: { summary: 'plan, measure and gate in one go', mode: true },
  plan: { summary: 'list what is to be built and measured; runs no user code', mode: true },
  measure: { summary: 'build the artefacts and take the samples that the plan asks for', mode: true },
  gate: { summary: 'decide from plan, samples and baselines; measures nothing', mode: true },
  update: { summary: 'measure what was merged and write its baselines', mode: true },
  doctor: { summary: 'show what this machine can measure', mode: false },
  models: { summary: 'list, verify or inspect models', mode: false },
  store: { summary: 'show, verify or clean the store of models and artefacts', mode: false },
  help: { summary: 'show this text', mode: false },
  version: { summary: 'show the version', mode: false },
} as const satisfies Record<string, { readonly summary: string; readonly mode: boolean }>;

export type CommandName = keyof typeof commandTable;

export const commandNames = Object.keys(commandTable) as readonly CommandName[];

/** The commands that the action's `mode` input may name. */
export const modeNames = commandNames.filter((name) => commandTable[name].mode);

/** The only commands that take operands after their name. */
export const commandsWithOperands: readonly CommandName[] = ['models', 'store', 'help'];

export const isCommandName = (name: string): name is CommandName => Object.hasOwn(commandTable, name);
