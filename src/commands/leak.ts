import { GateError } from '../errors.ts';
import { codedOf } from '../measurement/launch.ts';
import type { Plan } from '../records/plan.ts';
import type { SettledLine } from '../records/sample.ts';
import { type CodeCopy, copiesInTree, installedCopies, packageFolders, productsInTree } from './code-copies.ts';
import { subjectEnvironment } from './context.ts';
import { watchReads } from './read-watch.ts';
import { codeOf, commandsOf, type Rehearsal, rehearse, type SideProgram, sideProgram } from './side-program.ts';
import type { Trees } from './trees.ts';

/** What is known of whose files the two programs of an entry read. */
export interface LeakFinding {
  /** One side read what is the other's. */
  readonly error: GateError | null;
  /** What could not be told, as a sentence. */
  readonly warning: string | null;
}

/** Entry → what was found; entries without a finding are left out. */
export type LeakFindings = ReadonlyMap<string, LeakFinding>;

/**
 * Runs the user's own code of each entry once per side, where the code of the sides differs, and looks which tree's files it reads. A
 * side that reads a file of the other side, in which the trees differ, would be measured as that other side (docs/adr/0012-whose-files.md).
 */
export const findLeaks = async (rehearsal: Rehearsal, trees: Trees, watch = watchReads): Promise<LeakFindings> => {
  const { plan, context } = rehearsal;
  const findings = new Map<string, LeakFinding>();
  for (const cell of plan.cells) {
    if (context.signal.aborted) break;
    if (cell.presence !== 'both' || cell.skipped !== null || findings.has(cell.optimization)) continue;
    const [base, head] = [sideProgram(plan, cell, 'base'), sideProgram(plan, cell, 'head')];
    if (base === null || head === null || codeOf(base) === codeOf(head)) continue;
    const changed = await trees.changedFiles();
    if (changed.length > 0) findings.set(cell.optimization, await findLeak([base, head], changed, rehearsal, trees, watch));
  }
  return findings;
};

const findLeak = async (
  programs: readonly SideProgram[],
  changed: readonly string[],
  rehearsal: Rehearsal,
  trees: Trees,
  watch: typeof watchReads,
): Promise<LeakFinding> => {
  let ownRead = false;
  for (const program of programs) {
    const reads = await readsOf(program, changed, rehearsal, trees, watch);
    if (reads === null) return { error: null, warning: await withoutChanged(program, changed, rehearsal, trees) };
    ownRead ||= reads.own;
    const [first] = reads.other;
    if (first === undefined) continue;
    // Something else on this machine may have read it at that moment: what the program reads, it reads again.
    const again = await readsOf(program, changed, rehearsal, trees, watch);
    if (again?.other.some(({ path }) => path === first.path) === true) return { error: leak(program, first), warning: null };
  }
  return { error: null, warning: ownRead ? null : unread };
};

const unread =
  'Neither side read a file that differs between base and head. Either the edit does not matter to this entry, or both sides run an ' +
  'installed copy of the code: then install it for each side with `setup:`.';

interface Reads {
  /** Files of the other side. */
  readonly other: readonly CodeCopy[];
  /** Whether the program read any changed file of its own side. */
  readonly own: boolean;
}

/** What a program reads of the files in which the trees differ; null where the file system does not tell. */
const readsOf = async (
  program: SideProgram,
  changed: readonly string[],
  rehearsal: Rehearsal,
  trees: Trees,
  watch: typeof watchReads,
): Promise<Reads | null> => {
  const environment = subjectEnvironment(rehearsal.context);
  const otherArm = program.arm === 'base' ? 'head' : 'base';
  const folder = await trees.folder(program.arm);
  const [own, other] = [await trees.root(program.arm), await trees.root(otherArm)];
  const installed = packageFolders(commandsOf(program), folder, environment);
  const foreign = [
    ...copiesInTree(other, changed, environment),
    ...productsInTree(other, changed, await trees.ignoredFiles(otherArm)),
    ...installedCopies(installed, other, changed, own, environment),
  ];
  const owned = [...copiesInTree(own, changed, environment), ...installedCopies(installed, own, changed, other, environment)];
  const before = await watch([...new Set([...foreign, ...owned].map(({ path }) => path))], environment);
  if (before === null) return null;
  await rehearse(program, folder, rehearsal);
  const read = new Set(before.read());
  return { other: foreign.filter(({ path }) => read.has(path)), own: owned.some(({ path }) => read.has(path)) };
};

const leak = ({ arm, cell }: SideProgram, { path, of }: CodeCopy): GateError => {
  const other = arm === 'base' ? 'head' : 'base';
  const message = `${arm} ran ${other}'s ${of} instead of its own, which differs: the program of ${arm} read ${path}`;
  return new GateError('inputs-leak', message, { where: cell.id });
};

/**
 * Runs a program in a copy of its tree in which the changed files are empty. One that fails there depends on its own tree; of one
 * that does not, the returned sentence says that nothing is known.
 */
const withoutChanged = async (
  program: SideProgram,
  changed: readonly string[],
  rehearsal: Rehearsal,
  trees: Trees,
): Promise<string | null> => {
  const emptied = await trees.emptied(changed).catch(() => null);
  if (emptied === null || !(await rehearse(program, emptied, rehearsal))) return null;
  return (
    'This file system does not record which files are read, and the code of base runs without the files that differ. ' +
    'So it is not known whether base and head run the same copy of the code.'
  );
};

/** What was found of the code of a cell. */
export const leakIn = (plan: Plan, id: string, findings: LeakFindings): LeakFinding => {
  const cell = plan.cells.find((each) => each.id === id);
  const compared = cell?.presence === 'both' && cell.skipped === null;
  return (compared ? findings.get(cell.optimization) : undefined) ?? { error: null, warning: null };
};

/** The line of a cell, with what was found of its code. */
export const settledWith = (line: SettledLine, { error, warning }: LeakFinding): SettledLine => {
  const warnings = warning === null ? line.warnings : [...line.warnings, warning];
  return error === null ? { ...line, warnings } : { ...line, status: 'failed', arms: {}, error: codedOf(error), warnings };
};
