import { symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll } from 'vitest';
import { modelsAt } from '../../src/init/models-at.ts';
import type { ProposedFile } from '../../src/init/new-files.ts';
import { type Proposal, propose } from '../../src/init/proposal.ts';
import { configurations, workflows } from '../../src/init/proposed-files.ts';
import { openFiles, type RepositoryFiles } from '../../src/init/repository-files.ts';
import { builtinOptimizations } from '../../src/optimizations/registry.ts';
import { openRepository } from '../../src/repository/repository.ts';
import { environment, removeRoot, ScratchRepository } from '../repository/scratch-repository.ts';

export const packageRoot = resolve(import.meta.dirname, '..', '..');

afterAll(removeRoot);

/** A repository with these files, none of them committed; a value that is a list is a link to its text. */
export const scratch = (files: Readonly<Record<string, string | readonly [string]>>): ScratchRepository => {
  const repository = ScratchRepository.create();
  for (const [path, content] of Object.entries(files)) {
    if (typeof content === 'string') repository.write(path, content);
    else {
      repository.write(`${path}.beside`, '');
      symlinkSync(content[0], join(repository.folder, path));
    }
  }
  return repository;
};

/** What is proposed for a repository, in the folder `top`. */
export const proposalOf = async (scene: ScratchRepository, top = ''): Promise<Proposal> =>
  proposalIn(scene, await openFiles(await openRepository(scene.folder, { environment }), top), top);

const proposalIn = (scene: ScratchRepository, files: RepositoryFiles, top: string): Proposal => {
  const reserved = new Set(builtinOptimizations.map(({ benchmark }) => benchmark.id));
  return propose(files, scene.folder, { top, reserved, model: modelsAt(join(scene.folder, top), packageRoot).first });
};

export interface Machine {
  readonly gpu: string | null;
  readonly branch: string | null;
}

/** The files that are proposed. Each configuration was read as a run reads it. */
export const filesOf = async (
  scene: ScratchRepository,
  { gpu, branch }: Machine = { gpu: null, branch: 'main' },
  top = '',
): Promise<readonly ProposedFile[]> => {
  const repository = await openRepository(scene.folder, { environment });
  const files = await openFiles(repository, top);
  const proposal = proposalIn(scene, files, top);
  const made = workflows(packageRoot, files, {
    projects: proposal.projects.map(({ folder }) => folder),
    defaultBranch: branch,
    gpu,
    architecture: 'x64',
    heavy: proposal.projects.some(({ heavy }) => heavy),
    needs: proposal.projects.flatMap(({ setup }) => setup?.needs ?? []),
  });
  return [...configurations(packageRoot, repository, proposal, gpu), ...made.files];
};

/** The text of a file that is proposed. */
export const textAt = (files: readonly ProposedFile[], path: string): string => {
  const found = files.find((file) => file.path === path);
  if (found === undefined) throw new Error(`no ${path} among ${files.map((file) => file.path).join(', ')}`);
  return found.text;
};
