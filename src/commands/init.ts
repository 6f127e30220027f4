import { arch } from 'node:os';
import { configFileName } from '../config/config.ts';
import { GateError } from '../errors.ts';
import { continued, paragraph } from '../init/comment.ts';
import { modelsAt } from '../init/models-at.ts';
import { requireRoom, writeFiles } from '../init/new-files.ts';
import { nextCommands } from '../init/next-steps.ts';
import { type Proposal, propose } from '../init/proposal.ts';
import { configurations, remarksOf, workflows } from '../init/proposed-files.ts';
import { openFiles } from '../init/repository-files.ts';
import { builtinOptimizations } from '../optimizations/registry.ts';
import { removesGate } from '../planning/own-install.ts';
import { openRepository, type Repository } from '../repository/repository.ts';
import { type CommandContext, subjectEnvironment } from '../run/context.ts';
import { workingFolder } from '../run/working-folder.ts';
import { machineFacts } from '../telemetry/machine.ts';
import type { CommandOutput } from './command-output.ts';

/** Names that mean the same in a workflow, in a shell and in a glob, whatever quotes stand around them. */
const usableFolder = /^(?:[\p{L}\p{N}_.][\p{L}\p{N}_.+@ -]*(?:\/|$))*$/u;

/** The folder that is asked for, relative to the root. Throws `usage-bad-value` for a name that a workflow cannot have. */
const topOf = (context: CommandContext, repository: Repository): string => {
  if (context.options.config !== null)
    throw new GateError('usage-bad-value', `\`init\` writes ${configFileName}. Run it without \`--config\`.`, { where: '--config' });
  const top = workingFolder(context, repository);
  if (usableFolder.test(top)) return top;
  throw new GateError(
    'usage-bad-value',
    'A configuration was to be written into this folder. Expected a path of letters, digits, blanks and `_.+@-`, got other characters.',
    { where: top },
  );
};

/** Null for a branch whose name would need quotes, or mean a pattern. */
const plainBranch = async (repository: Repository): Promise<string | null> => {
  const name = await repository.defaultBranch();
  return name !== null && /^[A-Za-z0-9][A-Za-z0-9_./-]*$/.test(name) ? name : null;
};

/** Name of the first GPU for a comment, without characters that could mean something there. */
const gpuHere = async (context: CommandContext): Promise<string | null> => {
  const { gpu } = await machineFacts(subjectEnvironment(context));
  return gpu === null ? null : gpu.replace(/[^\w .×()+-]/g, '').slice(0, 60);
};

/** Says that the gate cannot run from where it lies, once the configuration is there. */
const ownRemark = ({ projects }: Proposal, packageRoot: string, repository: string): readonly string[] => {
  const found = projects.find(
    ({ setup, folder }) => setup?.active === true && removesGate(setup.command, { packageRoot, repository, folder }),
  );
  return found === undefined
    ? []
    : [
        `\`setup: ${found.setup?.command}\` removes node_modules, in which the gate lies. Install the gate in a folder of its own before the first run: docs/install.md.`,
      ];
};

/**
 * `init` looks at the files of a repository and writes a configuration for it with two workflows, or
 * prints them with `--dry-run`. It writes all files or none, and starts no code of the repository.
 * Throws `usage-bad-value`, `not-a-repository`, `init-file-exists`, `link-invalid`, `folder-unwritable`
 * and `disk-full`.
 */
export const initCommand = async (context: CommandContext): Promise<CommandOutput> => {
  const { packageRoot, options } = context;
  const repository = await openRepository(context.root);
  const top = topOf(context, repository);
  const files = await openFiles(repository, top);
  const reserved = new Set(builtinOptimizations.map(({ benchmark }) => benchmark.id));
  const proposal = propose(files, repository.folder, { top, reserved, model: modelsAt(context.root, packageRoot).first });
  const gpu = await gpuHere(context);
  const made = workflows(packageRoot, files, {
    projects: proposal.projects.map(({ folder }) => folder),
    defaultBranch: await plainBranch(repository),
    gpu,
    architecture: arch(),
    heavy: proposal.projects.some(({ heavy }) => heavy),
    needs: [...new Set(proposal.projects.flatMap(({ setup }) => (setup?.active === true ? setup.needs : [])))],
  });
  const written = [...configurations(packageRoot, repository, proposal, gpu), ...made.files];
  await requireRoom(repository, written, options.force);
  const next = await nextCommands(context, repository, top, proposal, written);
  const remarks = [...remarksOf(proposal, made, files.leftOut), ...ownRemark(proposal, packageRoot, repository.folder)];
  if (!options.dryRun) writeFiles(repository.folder, written);
  const text = [
    ...(options.dryRun
      ? written.flatMap(({ path, text }) => [`--- ${path}`, text])
      : written.flatMap(({ path, why }) => paragraph(`${path}: ${why}`, 'Wrote ', '  '))),
    ...remarks.flatMap((remark) => paragraph(remark, '', '  ')),
    '',
    ...(options.dryRun ? ['Nothing was written. Without `--dry-run` these commands would come next.'] : ['Next:']),
    ...next.flatMap((line) => continued(line, '  ')),
  ];
  const json = { written: !options.dryRun, files: written.map((file) => ({ ...file })), remarks: [...remarks], next: [...next] };
  return { exitCode: 0, text: text.join('\n'), json };
};
