import { paragraph } from './comment.ts';
import type { ProjectProposal } from './proposal.ts';
import type { ProposedEntry } from './proposed-entry.ts';

/** What the text of a configuration depends on besides the proposal. */
export interface ConfigurationFacts {
  /** Models that a configuration can name, the one that is used first. */
  readonly models: readonly [string, ...string[]];
  /** Whether the schema lies in the `node_modules` of the project. */
  readonly schema: boolean;
  /** The GPU of this machine, for a comment; null for none. */
  readonly gpu: string | null;
}

const said = (text: string, indent = ''): readonly string[] => paragraph(text, `${indent}# `);

const entryLines = ({ lines: [first = '', ...rest] }: ProposedEntry): readonly string[] => [
  `- ${first}`,
  ...rest.map((line) => `  ${line}`),
];

const activeEntry = (entry: ProposedEntry): readonly string[] => [
  ...said(entry.comment, '  '),
  ...entryLines(entry).map((line) => `  ${line}`),
];

/** What has to be done before an entry runs. */
const firstOf = (open: string): string => `First ${open.charAt(0).toLowerCase()}${open.slice(1)}`;

const openEntry = (entry: ProposedEntry): readonly string[] => [
  ...said(entry.comment, '  '),
  ...said(firstOf(entry.open ?? ''), '  '),
  ...entryLines(entry).map((line) => `  # ${line}`),
];

/** Stands where nothing of the repository can be measured yet. */
const demonstration: readonly string[] = [
  ...said(
    'Nothing in this repository can be measured as it is. This built-in shows that the gate runs here: it prunes a miniature model that ships with the gate. Put an entry of your own in its place.',
    '  ',
  ),
  '  - id: structured-pruning',
  '    with: { target: ffn, ratio: 0.25 }',
];

/** One block for each way in, for a repository where nothing was found. */
const waysIn: readonly string[] = [
  ...said('The four ways in for code of your own (docs/plug-ins.md). Each needs the file that it names.', '  '),
  ...said('A program in any language that reads ONNX and writes ONNX:', '  '),
  '  # - id: our-pruning',
  '  #   like: structured-pruning',
  '  #   command: python3 optimize/prune.py --model {model} --output {output}',
  '  #   inputs: [optimize/**]',
  ...said('A JavaScript module that exports `build` or `start`:', '  '),
  '  # - id: our-rounding',
  '  #   like: model',
  '  #   module: optimize/round.mjs',
  '  #   inputs: [optimize/**]',
  ...said('A program that answers JSON lines, such as a policy (docs/serve-protocol.md):', '  '),
  '  # - id: our-controller',
  '  #   like: feedback-control',
  '  #   serve: python3 serving/controller.py',
  '  #   inputs: [serving/**]',
  ...said('A program that measures by itself (PyTorch, vLLM, a CUDA binary):', '  '),
  '  # - id: our-engine',
  '  #   measure: python3 bench/decode.py',
  '  #   inputs: [bench/**]',
  '  #   metrics:',
  '  #     - { id: decode-latency, unit: ms, better: lower, kind: timing }',
];

const setupLines = ({ setup, heavy }: ProjectProposal): readonly string[] => {
  if (setup === null) return [];
  const needs = setup.needs.map((name) => ` The runner needs ${name}.`).join('');
  const shared = heavy ? ' A large environment can be the same for both sides: docs/guides/engine.md.' : '';
  const text = `Runs once in the checkout of each side, so that each has the packages of its own commit.${needs}${shared}`;
  if (!setup.active) return ['', ...said(`${text} The entries above may need it.`), `# setup: ${setup.command}`];
  return ['', ...said(text), `setup: ${setup.command}`];
};

const modelsLines = ({ active }: ProjectProposal, { models: [first, ...others] }: ConfigurationFacts): readonly string[] => {
  const isUsed = active.length === 0 || active.some(({ key }) => key !== 'measure');
  const more = others.length === 0 ? '' : ` Others: ${others.join(', ')}.`;
  if (isUsed) return ['', ...said(`Models to measure on.${more}`), `models: [${first}]`];
  return ['', ...said(`Models to measure on. Programs behind \`measure\` need none.${more}`), `# models: [${first}]`];
};

const extras = ({ unscored, heavy }: ProjectProposal, { gpu }: ConfigurationFacts): readonly string[] => [
  ...(unscored
    ? [
        '',
        ...said(
          'No loss on held-out text is judged, because the gate has no text for the decoder above. A file that answers worse passes.',
        ),
        'gate: { quality: none }',
      ]
    : []),
  ...(heavy
    ? [
        '',
        ...said('For each program. A GPU framework alone takes gigabytes of memory, and its start takes time.'),
        'limits: { seconds: 20m, memory: 32GiB }',
      ]
    : []),
  ...(gpu === null
    ? []
    : [
        '',
        ...said(`This machine has ${gpu}. For models in ONNX Runtime on it, see docs/install.md, then:`),
        '# runtime: { provider: cuda }',
      ]),
];

/** The text of optimization-gate.yml of one project. */
export const configurationText = (project: ProjectProposal, facts: ConfigurationFacts): string => {
  const { active, open, dropped } = project;
  const left = dropped === 0 ? [] : ['', ...said(`${dropped} more files look like an optimization. Add what you want to guard.`, '  ')];
  const blocks = [
    ...(active.length === 0 ? [demonstration] : active.map(activeEntry)),
    ...open.map(openEntry),
    ...(active.length + open.length === 0 ? [waysIn] : []),
  ];
  return `${[
    ...(facts.schema ? ['# yaml-language-server: $schema=./node_modules/optimization-gate/schemas/optimization-gate.schema.json'] : []),
    ...said(
      'What optimization-gate measures on each pull request. `optimization-gate init` wrote this file from what it found. Every key is in docs/configuration.md of the gate.',
    ),
    ...modelsLines(project, facts),
    '',
    'optimizations:',
    ...blocks.flatMap((lines, at) => (at === 0 ? lines : ['', ...lines])),
    ...left,
    ...setupLines(project),
    ...extras(project, facts),
  ].join('\n')}\n`;
};
