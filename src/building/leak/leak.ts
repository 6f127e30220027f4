import { join, posix } from 'node:path';
import { GateError } from '../../errors.ts';
import { equalCode } from '../../gate/cell-state.ts';
import { manifests } from '../../planning/command-references.ts';
import { anything } from '../../planning/subjects.ts';
import { listeners } from '../../processes/listeners.ts';
import { lfsPointer } from '../../records/lfs-pointer.ts';
import type { Plan } from '../../records/plan.ts';
import type { SettledLine } from '../../records/sample.ts';
import { globTest } from '../../repository/glob.ts';
import { subjectEnvironment } from '../../run/context.ts';
import { setupFaultOfBase } from '../../run/machine-fault.ts';
import { codedOf } from '../../run/worker-process.ts';
import { setupOf, setupsOf } from '../plan-commands.ts';
import {
  codeOf,
  commandsOf,
  filesLedTo,
  inputsOf,
  launched,
  type Rehearsal,
  rehearse,
  type SideProgram,
  sideProgram,
} from '../side-program.ts';
import type { Trees } from '../trees.ts';
import { type CodeCopy, copiesInTree, installedCopies, productsInTree, withCompiled } from './code-copies.ts';
import { findLackingSubmodule } from './lacking-submodule.ts';
import { findLeftFile } from './left-file.ts';
import { foldersOfPackages, type PythonAnswers } from './python-packages.ts';
import { findSharedAddress } from './shared-address.ts';
import { watchPlaces } from './shared-place.ts';

/** What is known of whose files the two programs of an entry read. */
export interface LeakFinding {
  /** One side read what is the other's. */
  readonly error: GateError | null;
  /** What could not be told, as a sentence. */
  readonly warning: string | null;
}

const nothing: LeakFinding = { error: null, warning: null };

/** Entry → what was found; entries without a finding are left out. */
export type LeakFindings = ReadonlyMap<string, LeakFinding>;

/**
 * Runs the user's own code of each entry, where the code or the setup of the sides differs, and
 * looks which tree's files it reads. A side that reads a file of the other one, in which the trees
 * differ, or a package that the other's setup put in place of its own, would be judged as that other
 * side. A head that reads what only its checkout has would be compared with a base that lacks it
 * (docs/adr/0018-whose-files.md). So would programs be that listen at one address, whose answers
 * would be one side's. What measures is looked at on both sides. What only builds is
 * looked at on base's: head's is built before base is set up. So this is to be called after head's
 * builds and before base's.
 */
export const findLeaks = async (rehearsal: Rehearsal, trees: Trees, watch = trees.watchReads): Promise<LeakFindings> => {
  const { plan, context } = rehearsal;
  const findings = new Map<string, LeakFinding>();
  for (const cell of plan.cells) {
    if (context.signal.aborted) break;
    if (cell.presence !== 'both' || cell.skipped !== null || findings.has(cell.optimization)) continue;
    const [base, head] = [sideProgram(plan, cell, 'base'), sideProgram(plan, cell, 'head')];
    if (base === null || head === null || equalCode(cell)) continue;
    const looking = { ...rehearsal, trees, watch, answers: new Map() };
    const known = listeners();
    if (!(await areSetUp(trees))) break;
    const [taken] = await trees.readBySetup();
    if (taken !== undefined) {
      findings.set(cell.optimization, { error: setupLeak(cell.id, taken), warning: null });
      continue;
    }
    const equalFiles = codeOf(base) === codeOf(head) && plan.setup.base === plan.setup.head;
    const found = equalFiles ? nothing : await findForeign(base, head, looking);
    const folder = await trees.folder('base');
    if (found.error === null && !(await trees.isLearned(launched(base, folder)))) await rehearse(base, folder, looking);
    // Programs of equal files, with other arguments, would meet at one address all the same.
    const error = found.error ?? (rehearsal.sides.isolated ? null : await findSharedAddress(base, head, known, looking));
    findings.set(cell.optimization, { ...found, error });
  }
  return findings;
};

/** False where base cannot be: then it runs nothing. Throws what head's setup throws. */
const areSetUp = async (trees: Trees): Promise<boolean> => {
  await trees.root('head');
  return !((await trees.root('base').catch(setupFaultOfBase)) instanceof GateError);
};

interface Looking extends Rehearsal {
  readonly trees: Trees;
  readonly watch: Trees['watchReads'];
  readonly answers: PythonAnswers;
}

const findForeign = async (base: SideProgram, head: SideProgram, looking: Looking): Promise<LeakFinding> => {
  const { trees } = looking;
  const changed = await trees.changedFiles();
  const replaced = [...(await trees.replacedPackages('head')), ...(await trees.replacedPackages('base'))];
  const programs = head.policy === null ? [base] : [base, head];
  const sharedPlace = await watchPlaces(base, head, looking);
  const found = changed.length + replaced.length > 0 ? await findLeak(programs, changed, looking) : nothing;
  const lacking = found.error === null ? await findLackingSubmodule(base, looking) : nothing;
  const error = found.error ?? lacking.error ?? (await findLeftFile(head, looking)) ?? (await sharedPlace());
  return { error, warning: lacking.warning ?? found.warning };
};

const findLeak = async (programs: readonly SideProgram[], changed: readonly string[], looking: Looking): Promise<LeakFinding> => {
  let seen = false;
  let has = false;
  let warning: string | null = null;
  for (const program of programs) {
    const reads = await readsOf(program, changed, looking);
    if (reads === null) {
      // Without the file that is started nothing runs, whosever copy of the others it takes.
      const started = filesLedTo(program);
      const others = changed.filter((path) => !started.includes(path));
      if (others.length > 0 && (await runsWithout(program, others, looking))) return { error: null, warning: untold };
      seen = true;
      continue;
    }
    seen ||= reads.own;
    has ||= reads.has;
    const pointer = reads.pointers[0];
    if (pointer !== undefined) return { error: lfsPointer(`${pointer} of ${program.arm}`), warning: null };
    // Beside a compiled file of its own, one of the other tree may be a library that neither side
    // compiles.
    const [first] = reads.ownProduct ? reads.other.filter((each) => !reads.products.has(each.path)) : reads.other;
    if (first === undefined && reads.other.length > 0) warning ??= foreignLibrary(program, reads.other);
    if (first === undefined) continue;
    // Something else on this machine may have read it at that moment. What the program reads it
    // reads again, or what was compiled of it.
    const again = await readsOf(program, changed, looking);
    if (again !== null && again.other.length > 0) return { error: leak(program, first), warning: null };
    warning ??= `While the program of ${program.arm} ran, something read ${first.path} of the other side. When it ran once more, nothing did.`;
  }
  return { error: null, warning: has && !seen ? unread : warning };
};

const unread =
  'None of the files that differ between base and head was read. Either the edit does not matter to this entry, or both sides run an ' +
  'installed copy of the code. In that case let `setup:` install it for each side.';

const foreignLibrary = ({ arm }: SideProgram, read: readonly CodeCopy[]): string =>
  `The program of ${arm} read ${read[0]?.path}, a compiled file of the other side's tree. If it is compiled from code that differs, let ` +
  '`setup:` compile it for each side.';

const untold =
  'The code runs without the files that differ between base and head, and this file system does not record which files are read. So both ' +
  'sides may run the same copy of the code. Let `setup:` install it for each side.';

/** Whether `setup:` is what reads a file: the manifests of package managers, and what the command names. */
const isForSetup = (path: string, plan: Plan): boolean =>
  setupsOf(plan).some((setup) => manifests.includes(posix.basename(path)) || setup.includes(posix.basename(path)));

/** What a program reads. */
interface Reads {
  /** Changed files and packages of the other side. */
  readonly other: readonly CodeCopy[];
  /** Whether its own side has changed files among its inputs. */
  readonly has: boolean;
  /** Whether it read any of them. */
  readonly own: boolean;
  /** Compiled files of the other side, read or not. */
  readonly products: ReadonlySet<string>;
  /** Whether it read a compiled file of its own side. */
  readonly ownProduct: boolean;
  /** Git LFS pointers of its own side. */
  readonly pointers: readonly string[];
}

/**
 * Runs a program and returns what it read of the files in which the trees differ; null where the
 * file system does not tell.
 */
const readsOf = async (program: SideProgram, changed: readonly string[], looking: Looking): Promise<Reads | null> => {
  const { trees, context, watch } = looking;
  const environment = subjectEnvironment(context);
  const otherArm = program.arm === 'base' ? 'head' : 'base';
  const folder = await trees.folder(program.arm);
  const [own, other] = [await trees.root(program.arm), await trees.shown(otherArm)];
  const installed = await foldersOfPackages({
    own: [...commandsOf(program), ...setupOf(looking.plan, program.arm)],
    others: setupOf(looking.plan, otherArm),
    cwd: folder,
    environment,
    confinement: trees.sides.confinement(program.arm),
    otherTree: other,
    answers: looking.answers,
  });
  const products = productsInTree(other, changed, await trees.ignoredFiles(other));
  const ownProducts = productsInTree(own, changed, await trees.ignoredFiles(own));
  const foreign = [
    ...copiesInTree(other, changed, environment),
    ...products,
    ...installedCopies(installed, other, changed, own, environment),
    ...withCompiled(await trees.replacedPackages(program.arm), environment),
  ];
  const owned = [
    ...copiesInTree(own, changed, environment),
    ...ownProducts,
    ...installedCopies(installed, own, changed, other, environment),
  ];
  const declared = inputsOf(program).map((pattern) => globTest(pattern, 'inputs'));
  const pointers = inputsOf(program).includes(anything) ? await trees.pointers(program.arm) : [];
  const begun = await watch(
    [...new Set([...[...foreign, ...owned].map(({ path }) => path), ...pointers.map((path) => join(own, path))])],
    environment,
  );
  if (begun === null) return null;
  // Head's code could write there what everybody may write to.
  const recorded =
    program.arm === 'base' ? [other, ...installed].filter((at) => foreign.some(({ path }) => path.startsWith(`${at}/`))) : [];
  await rehearse(program, folder, looking, recorded);
  const read = new Set(begun.read());
  return {
    other: foreign.filter(({ path }) => read.has(path)),
    has: owned.some(({ of }) => declared.some((test) => test(of)) && !isForSetup(of, looking.plan)),
    own: owned.some(({ path }) => read.has(path)),
    products: new Set(products.map(({ path }) => path)),
    ownProduct: ownProducts.some(({ path }) => read.has(path)),
    pointers: pointers.filter((path) => read.has(join(own, path))),
  };
};

const setupLeak = (cell: string, path: string): GateError =>
  new GateError(
    'inputs-leak',
    `The setup of base was watched. Expected it to read files of base's tree, got ${path}, a file of head's that base does not have so. PATH and other variables of the job may lead there.`,
    { where: cell },
  );

const leak = ({ arm, cell }: SideProgram, { path, of }: CodeCopy): GateError => {
  const other = arm === 'base' ? 'head' : 'base';
  const message = `The program of ${arm} was watched. It ran ${other}'s ${of} instead of its own, which differs: it read ${path}.`;
  return new GateError('inputs-leak', message, { where: cell.id });
};

/**
 * Whether a program also runs in a copy of its tree in which the changed files are empty: then it
 * may run another copy of them.
 */
const runsWithout = async (program: SideProgram, changed: readonly string[], looking: Looking): Promise<boolean> => {
  const emptied = await looking.trees.emptied(program.arm, changed).catch(() => null);
  return emptied !== null && (await rehearse(program, emptied, looking));
};

/** What was found of the code of a cell. */
export const leakIn = (plan: Plan, id: string, findings: LeakFindings): LeakFinding => {
  const cell = plan.cells.find((each) => each.id === id);
  const compared = cell?.presence === 'both' && cell.skipped === null;
  return (compared ? findings.get(cell.optimization) : undefined) ?? nothing;
};

/** The line of a cell, with what was found of its code. */
export const settledWith = (line: SettledLine, { error, warning }: LeakFinding): SettledLine => {
  const warnings = warning === null ? line.warnings : [...line.warnings, warning];
  return error === null ? { ...line, warnings } : { ...line, status: 'failed', arms: {}, error: codedOf(error), warnings };
};
