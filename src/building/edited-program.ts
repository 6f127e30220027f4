import { posix } from 'node:path';
import { equalCode } from '../gate/cell-state.ts';
import { commandReferences, looseWords, manifests } from '../planning/command-references.ts';
import type { Plan, PlannedCell } from '../records/plan.ts';
import { setupFaultOfBase } from '../run/machine-fault.ts';
import type { Trees } from './trees.ts';

/** The files that the command of a measuring program leads to, relative to the root; none of another door. */
const programFiles = ({ arms }: PlannedCell): readonly string[] => {
  const policy = arms.find(({ id }) => id === 'head')?.policy ?? null;
  if (policy?.door.kind !== 'measure') return [];
  const { command } = policy.door;
  const folder = policy.folder === '' ? '.' : policy.folder;
  return commandReferences(looseWords(command), command, folder).filter((path) => !manifests.includes(posix.basename(path)));
};

/**
 * What a reader should know of a program that measures and that a change edits: it says itself what
 * it finds, so that an edit of it can change every number. Null for every other cell.
 */
export const editedProgram = (cell: PlannedCell, changed: readonly string[]): string | null => {
  const named = new Set(cell.presence === 'both' ? programFiles(cell) : []);
  const files = changed.filter((path) => named.has(path));
  return files.length === 0
    ? null
    : `${files.join(', ')}, which measures, differs between base and head: each side's numbers come from its own. Review that both measure the same.`;
};

/** Files that differ between the trees; none where no measuring program of a cell does, or base cannot be set up. */
export const filesOfPrograms = async (plan: Plan, trees: Trees): Promise<readonly string[]> => {
  const isEdited = (cell: PlannedCell): boolean => cell.presence === 'both' && !equalCode(cell) && programFiles(cell).length > 0;
  if (!plan.cells.some(isEdited)) return [];
  await trees.root('head');
  const base = await trees.root('base').catch(setupFaultOfBase);
  return typeof base === 'string' ? trees.changedFiles() : [];
};
