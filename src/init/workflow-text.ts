import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { paragraph } from './comment.ts';

/** What the two workflows depend on. */
export interface WorkflowFacts {
  /** Folders of the projects, relative to the root of the repository. */
  readonly projects: readonly string[];
  /** Null: it is not known, or has an unusual name. */
  readonly defaultBranch: string | null;
  /** The GPU of this machine; null for none. */
  readonly gpu: string | null;
  /** Architecture of this machine as Node calls it. */
  readonly architecture: string;
  /** Whether a program loads a framework for GPUs. */
  readonly heavy: boolean;
  /** Programs that the runner needs for `setup`. */
  readonly needs: readonly string[];
}

/** The workflows, by the example that each is made from. */
export const workflowFiles = { 'pull-request': 'optimization-gate', baselines: 'optimization-baselines' } as const;
export type WorkflowExample = keyof typeof workflowFiles;

const isPlain = (text: string): boolean => /^[A-Za-z0-9_.][A-Za-z0-9_./-]*$/.test(text);
const quoted = (text: string): string => (isPlain(text) ? text : JSON.stringify(text));

/** Words that tell the files of one project from those of another. */
export const slugOf = (folder: string): string =>
  folder
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '') || 'project';

/** Replaces a line of an example, which must be there. */
const replaced = (text: string, line: RegExp, by: (indent: string) => readonly string[]): string => {
  const pattern = new RegExp(`^( *)(?:${line.source})$`, 'gm');
  if (!pattern.test(text)) throw new Error(`an example of a workflow lacks the line ${line.source}`);
  return text.replace(pattern, (_, indent: string) =>
    by(indent)
      .map((each) => `${indent}${each}`)
      .join('\n'),
  );
};

const said = (text: string, indent: string): readonly string[] =>
  paragraph(text, '# ', '# ').map((line) => line.slice(0, 200 - indent.length));

const runnerLines = ({ gpu, architecture, heavy, needs }: WorkflowFacts, indent: string): readonly string[] => {
  const tools = needs.map((name) => ` It needs ${name} for \`setup\`.`).join('');
  if (gpu === null)
    return [
      ...said(
        `Shared runners are noisy, so they see large changes only. A machine of your own sees smaller ones: [self-hosted, …].${heavy ? ' What runs on a GPU needs a runner with one.' : ''}${tools}`,
        indent,
      ),
      'runs-on: ubuntu-24.04',
    ];
  const machine = architecture === 'arm64' ? 'ARM64' : 'X64';
  return [
    ...said(
      `The machine that wrote this has ${gpu}: register one like it as a runner, with the label \`gpu\`. In a public repository strangers could run code on it (docs/security.md).${tools}`,
      indent,
    ),
    `runs-on: [self-hosted, Linux, ${machine}, gpu]`,
  ];
};

const placeLines = ({ projects }: WorkflowFacts): readonly string[] => {
  const [folder = '', second] = projects;
  if (second !== undefined) return ['working-directory: ${{ matrix.project }}'];
  return folder === '' ? [] : [`working-directory: ${quoted(folder)}`];
};

/** The text of one workflow, made from the example of it that ships with the gate. */
export const workflowText = (packageRoot: string, example: WorkflowExample, facts: WorkflowFacts): string => {
  const { projects, defaultBranch } = facts;
  const [folder = '', second] = projects;
  let text = readFileSync(join(packageRoot, 'examples', 'workflows', `${example}.yml`), 'utf8');
  text = replaced(text, /runs-on: ubuntu-24\.04/, (indent) => [
    ...runnerLines(facts, indent),
    ...(second === undefined
      ? []
      : [
          'strategy:',
          '  fail-fast: false',
          '  matrix:',
          `    project: [${projects.map((each) => quoted(each === '' ? '.' : each)).join(', ')}]`,
        ]),
  ]);
  text = replaced(text, /mode: (?:run|update)/, () => [`mode: ${example === 'baselines' ? 'update' : 'run'}`, ...placeLines(facts)]);
  text = replaced(text, /(?:- id: gate\n *uses|- uses): OWNER\/optimization-gate@COMMIT/, () =>
    example === 'baselines'
      ? ['- uses: OWNER/optimization-gate@COMMIT # put the repository of the gate here, and a full commit id']
      : ['- id: gate', '  uses: OWNER/optimization-gate@COMMIT # put the repository of the gate here, and a full commit id'],
  );
  if (second === undefined && folder !== '') {
    const name = slugOf(folder);
    text = replaced(text, /name: optimization (?:gate|baselines)/, () => [
      `name: optimization ${example === 'baselines' ? 'baselines' : 'gate'} of ${name}`,
    ]);
    // Two workflows in one group would end each other.
    text = text.replace(/^( +group: optimization-gate-)/m, `$1${name}-`);
  }
  if (example === 'baselines')
    return replaced(text, /branches: \[main\]/, () =>
      defaultBranch === null
        ? ['# The default branch is not known here: correct its name.', 'branches: [main]']
        : [`branches: [${quoted(defaultBranch)}]`],
    );
  if (second !== undefined) {
    text = replaced(text, /name: optimization-gate/, () => ['name: optimization-gate-${{ strategy.job-index }}']);
    return replaced(text, /path: \.optimization-gate/, () => ['path: ${{ matrix.project }}/.optimization-gate']);
  }
  return folder === '' ? text : replaced(text, /path: \.optimization-gate/, () => [`path: ${quoted(`${folder}/.optimization-gate`)}`]);
};
