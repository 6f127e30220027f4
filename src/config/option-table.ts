import type { CommandName } from './command-table.ts';

/**
 * The outcomes that may fail a job. `regressed`: a metric got worse; `unmet`: a requirement is not met; the others: that it cannot be
 * known.
 */
export const failOnValues = ['regressed', 'unmet', 'missing', 'failed', 'inconclusive'] as const;
export type FailOn = (typeof failOnValues)[number];

interface OptionBase {
  /** What it does, one sentence without a final stop. Goes into `--help`, action.yml and the documentation. */
  readonly summary: string;
  /** Where it can be given. */
  readonly on: 'both' | 'cli' | 'action';
  /** Whether it says what is compared, with what, or what fails: in a change's own workflow only base's value counts. */
  readonly judges?: true;
  /** The only command that it belongs to. */
  readonly of?: CommandName;
}

interface TextOption extends OptionBase {
  readonly kind: 'text';
  readonly placeholder: string;
  readonly default: string | null;
}
interface ListOption extends OptionBase {
  readonly kind: 'list';
  readonly placeholder: string;
  /** When given, every item must be one of these. */
  readonly choices: readonly string[] | null;
  readonly default: readonly string[] | null;
}
/** Repeated on the command line; one per line in an input. */
interface LinesOption extends OptionBase {
  readonly kind: 'lines';
  readonly placeholder: string;
  readonly default: readonly string[];
}
interface IntegerOption extends OptionBase {
  readonly kind: 'integer';
  readonly placeholder: string;
  readonly least: number;
  readonly most: number;
  readonly default: number;
}
interface ChoiceOption extends OptionBase {
  readonly kind: 'choice';
  readonly choices: readonly string[];
  readonly default: string;
}
/** On the command line `--name`, or `--no-name` when the default is true. */
interface SwitchOption extends OptionBase {
  readonly kind: 'switch';
  readonly default: boolean;
}
export type OptionRow = TextOption | ListOption | LinesOption | IntegerOption | ChoiceOption | SwitchOption;

/**
 * Every option of a run, once. The command line, its help text, the inputs of action.yml and the tables of the
 * documentation are read from this table. Keys are camelCase here and kebab-case outside.
 */
export const optionTable = {
  config: {
    kind: 'text',
    judges: true,
    on: 'both',
    placeholder: 'FILE',
    default: null,
    summary: 'configuration file; without it optimization-gate.yml is used if there is one',
  },
  base: {
    kind: 'text',
    judges: true,
    on: 'both',
    placeholder: 'REF',
    default: null,
    summary: 'commit, branch or tag to compare with; without it the event says, or the checkout shows, what it is',
  },
  models: {
    kind: 'list',
    judges: true,
    on: 'both',
    placeholder: 'A,B',
    choices: null,
    default: null,
    summary: 'only these of the configured models',
  },
  optimizations: {
    kind: 'list',
    judges: true,
    on: 'both',
    placeholder: 'A,B',
    choices: null,
    default: null,
    summary: 'only these of the configured optimizations',
  },
  set: {
    kind: 'lines',
    judges: true,
    on: 'both',
    placeholder: 'PATH=VALUE',
    default: [],
    summary: 'change one value of the configuration, such as optimizations.structured-pruning.with.ratio=0.5',
  },
  seed: {
    kind: 'integer',
    judges: true,
    on: 'both',
    placeholder: 'N',
    least: 0,
    most: 4_294_967_295,
    default: 1,
    summary: 'seed of the orders in which reference, base and head are measured',
  },
  runDir: {
    kind: 'text',
    judges: true,
    on: 'both',
    placeholder: 'DIR',
    default: '.optimization-gate',
    summary: 'folder of plan, samples, verdict and report',
  },
  workingDirectory: {
    kind: 'text',
    judges: true,
    on: 'both',
    placeholder: 'DIR',
    default: '.',
    summary: 'folder inside the repository that all other paths are relative to',
  },
  store: {
    kind: 'text',
    judges: true,
    on: 'both',
    placeholder: 'DIR',
    default: null,
    summary: 'folder of built models and artefacts, shared by runs; without it one in the cache folder of the user',
  },
  storeBudget: {
    kind: 'integer',
    on: 'both',
    placeholder: 'MIB',
    least: 0,
    most: 1_048_576,
    default: 4096,
    summary: 'MiB that the store may hold at the end of a run; files that were unused longest are removed first',
  },
  ortPath: { kind: 'text', judges: true, on: 'both', placeholder: 'DIR', default: null, summary: 'folder that holds onnxruntime-node' },
  failOn: {
    kind: 'list',
    judges: true,
    on: 'both',
    placeholder: 'A,B',
    choices: failOnValues,
    default: null,
    summary: 'outcomes that fail; without it gate.fail-on, for the job',
  },
  quick: {
    kind: 'switch',
    judges: true,
    on: 'both',
    default: false,
    summary: 'three launches and no confirmation: a first impression, never a pass on time',
  },
  json: { kind: 'switch', on: 'cli', default: false, summary: 'print the result as JSON and nothing else' },
  dryRun: { kind: 'switch', on: 'cli', of: 'init', default: false, summary: '`init` prints the files, and writes none' },
  force: { kind: 'switch', on: 'cli', of: 'init', default: false, summary: '`init` replaces files that are committed and unchanged' },
  event: {
    kind: 'choice',
    on: 'cli',
    choices: ['auto', 'change', 'default-branch'],
    default: 'auto',
    summary: 'what is measured: a change, or the default branch after a merge',
  },
  token: { kind: 'text', on: 'action', placeholder: 'TOKEN', default: null, summary: 'token for the comment and for writing baselines' },
  comment: { kind: 'switch', on: 'action', default: true, summary: 'post one comment on the pull request and keep it up to date' },
  commentKey: {
    kind: 'text',
    on: 'action',
    placeholder: 'KEY',
    default: 'default',
    summary: 'tells comments of several gates on one pull request apart',
  },
  cache: { kind: 'switch', on: 'action', default: true, summary: 'keep models and artefacts in the cache of GitHub Actions between runs' },
} as const satisfies Record<string, OptionRow>;

export type OptionName = keyof typeof optionTable;

interface ValueOfKind {
  readonly list: readonly string[];
  readonly lines: readonly string[];
  readonly integer: number;
  readonly switch: boolean;
  readonly text: string;
}
type ValueOf<Row extends OptionRow> =
  | (Row extends { kind: 'choice'; choices: readonly (infer Choice)[] }
      ? Choice
      : Row extends { kind: 'list'; choices: readonly (infer Choice)[] }
        ? readonly Choice[]
        : ValueOfKind[Exclude<Row['kind'], 'choice'>])
  | (Row['default'] extends null ? null : never);

/** The value of every option, with defaults filled in. */
export type OptionValues = { readonly [Name in OptionName]: ValueOf<(typeof optionTable)[Name]> };

/** `runDir` → `run-dir` */
const outsideName = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

export interface NamedOption {
  readonly name: OptionName;
  /** The name on the command line and in action.yml. */
  readonly outside: string;
  readonly row: OptionRow;
}

/** The rows that can be given on one side, in the table's order. */
export const optionsOn = (side: 'cli' | 'action'): readonly NamedOption[] =>
  (Object.keys(optionTable) as OptionName[])
    .map((name) => ({ name, outside: outsideName(name), row: optionTable[name] as OptionRow }))
    .filter(({ row }) => row.on === side || row.on === 'both');
