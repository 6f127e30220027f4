import { join } from 'node:path';
import { configFileName } from '../config/config.ts';
import type { Repository } from '../repository/repository.ts';
import { checkedConfiguration } from './checked-configuration.ts';
import { configurationText } from './configuration-text.ts';
import { existingGate } from './existing-gate.ts';
import { modelsAt } from './models-at.ts';
import type { ProposedFile } from './new-files.ts';
import { hasSchema } from './next-steps.ts';
import type { ProjectProposal, Proposal } from './proposal.ts';
import { inFolder, type RepositoryFiles } from './repository-files.ts';
import { slugOf, type WorkflowExample, type WorkflowFacts, workflowFiles, workflowText } from './workflow-text.ts';

/** `1 file`, `2 files` */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

const whyConfiguration = ({ active, open }: ProjectProposal): string => {
  const waiting = open.length === 0 ? '' : ` ${counted(open.length, 'commented block')} to fill in.`;
  if (active.length === 0) return `nothing found that can be measured as it is, so it measures a built-in.${waiting}`;
  return `${active.map(({ path, key }) => `${path} (\`${key}\`)`).join(', ')}.${waiting}`;
};

/** The configurations of all projects, each read as a run reads it. Throws what reading one throws. */
export const configurations = (
  packageRoot: string,
  { folder }: Pick<Repository, 'folder'>,
  { projects }: Proposal,
  gpu: string | null,
): readonly ProposedFile[] =>
  projects.map((project) => {
    const root = join(folder, project.folder);
    const { ids } = modelsAt(root, packageRoot);
    const text = configurationText(project, { models: ids, schema: hasSchema({ packageRoot: packageRoot, root }), gpu });
    checkedConfiguration(text, root, packageRoot, ids);
    return { path: inFolder(project.folder, configFileName), text, why: whyConfiguration(project) };
  });

/** The workflows of a repository. */
export interface Workflows {
  readonly files: readonly ProposedFile[];
  /** Workflows that do the same already. */
  readonly kept: readonly string[];
}

/** Both workflows, without one whose work another workflow does already. */
export const workflows = (packageRoot: string, files: RepositoryFiles, facts: WorkflowFacts): Workflows => {
  const [folder = '', second] = facts.projects;
  const suffix = second === undefined && folder !== '' ? `-${slugOf(folder)}` : '';
  const runner = facts.gpu === null ? 'on ubuntu-24.04, as nvidia-smi lists no GPU here' : `on a runner of your own, for ${facts.gpu}`;
  const whys = {
    'pull-request': `judges pull requests ${runner}.`,
    baselines: `writes baselines after each push to ${facts.defaultBranch ?? 'main'}.`,
  };
  const made: ProposedFile[] = [];
  const kept: string[] = [];
  for (const example of Object.keys(workflowFiles) as WorkflowExample[]) {
    const path = `.github/workflows/${workflowFiles[example]}${suffix}.yml`;
    const existing = existingGate(files, example, folder);
    if (existing !== null && existing !== path) kept.push(existing);
    else made.push({ path, text: workflowText(packageRoot, example, facts), why: whys[example] });
  }
  return { files: made, kept };
};

/** What a person should know of the search, in sentences. `leftOut`: files that were not looked at. */
export const remarksOf = ({ others, graphsLeftOut }: Proposal, { files, kept }: Workflows, leftOut: number): readonly string[] => [
  ...kept.map((path) => `Kept ${path}, which runs the gate already.`),
  ...(others.length === 0
    ? []
    : [`Left out, because they need work first: ${others.slice(0, 5).join(', ')}${others.length > 5 ? ', …' : ''}.`]),
  ...(graphsLeftOut === 0 ? [] : [`Left out ${counted(graphsLeftOut, 'ONNX file')}: at most 20 are read.`]),
  ...(leftOut === 0 ? [] : [`Left out ${counted(leftOut, 'file')} with unusual names, or beyond the first 20,000.`]),
  ...(files.length === 0
    ? []
    : ['In the workflows, put the repository of the gate and a full commit id in place of OWNER/optimization-gate@COMMIT.']),
];
