import { folderOf, type RepositoryFiles, seenFrom } from './repository-files.ts';
import type { WorkflowExample } from './workflow-text.ts';

/** The workflow that already does for a project what an example does; null where there is none. */
export const existingGate = (files: RepositoryFiles, example: WorkflowExample, project: string): string | null => {
  const found = files.paths.find((path) => {
    if (folderOf(path) !== '.github/workflows' || !/\.ya?ml$/.test(seenFrom('.github/workflows', path))) return false;
    const text = files.text(path) ?? '';
    const isOfProject = project === '' ? !text.includes('working-directory:') : text.includes(project);
    const uses = text.split('\n').some((line) => /^[ \t-]*uses:[^#]{0,400}optimization-gate@/.test(line));
    return uses && isOfProject && /\bmode: *['"]?update\b/.test(text) === (example === 'baselines');
  });
  return found ?? null;
};
