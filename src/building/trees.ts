import { chmodSync, constants, cpSync, existsSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { GateError } from '../errors.ts';
import { configFile } from '../planning/configurations.ts';
import { reviewsCommit } from '../records/event.ts';
import type { Plan } from '../records/plan.ts';
import { entryAt, entryWithin } from '../repository/on-disk.ts';
import { type FilledWorktree, openRepository } from '../repository/repository.ts';
import type { LackingSubmodule } from '../repository/submodules.ts';
import { worktreePrefix } from '../repository/worktree.ts';
import { type CommandContext, subjectEnvironment } from '../run/context.ts';
import { type BaseTree, openBaseTree, type RunProgram } from './base-tree.ts';
import { besideTree, type CodeCopy, copiesInTree, ignoredFilesIn, ownFiles, withoutSharedFiles } from './leak/code-copies.ts';
import { absolutePaths } from './leak/command-texts.ts';
import { type InstalledPackages, installedPackages, replacedSince } from './leak/installed-packages.ts';
import { contentsOf, type InstalledPrograms, installedPrograms, replacedPrograms, writtenSince } from './leak/installed-programs.ts';
import { foldersOfPackages } from './leak/python-packages.ts';
import { watchReads } from './leak/read-watch.ts';
import type { FreshTree, LeftFiles } from './left-files.ts';
import { commandLinesOf, everyCommand, measuringCommands, neededBy, runsOwnCode, setupOf, subjectsOf } from './plan-commands.ts';
import type { ProgramWatch } from './program-watch.ts';
import { setUp } from './setup.ts';
import { openSides, type Sides } from './sides.ts';
import type { TemporaryFolder } from './temporary-folder.ts';
import { isEmptyFolder, isPackageMetadata, isSameLink, sameContent } from './tree-files.ts';
import { isOneFileSystem } from './tree-place.ts';

/** The checkouts that user code runs in. */
export interface Trees {
  /** Working directory of one side, set up when it is first wanted. Throws `setup-failed`, of base `base-setup-failed`. */
  folder(arm: 'head' | 'base'): Promise<string>;
  /** Root of the repository in one side's tree, set up. Throws what `folder` throws. */
  root(arm: 'head' | 'base'): Promise<string>;
  /**
   * What the programs of one side see of the environment. The temporary folder is the side's own and
   * lasts as long as the run: what one side keeps there, the other does not find.
   */
  environment(arm: 'head' | 'base'): Promise<Readonly<Record<string, string>>>;
  /** As whom, and how held together, the programs run. */
  readonly sides: Sides;
  /**
   * Files that differ between the two trees now that both are set up, or that the commits hold so,
   * relative to the root; not the configuration, which no program runs, and not what the gate writes,
   * which may lie in the checkout.
   */
  changedFiles(): Promise<readonly string[]>;
  /**
   * Files of packages and programs that the setup of the other side, which came later, put in place
   * of those that this side's programs found.
   */
  replacedPackages(arm: 'head' | 'base'): Promise<readonly CodeCopy[]>;
  /** Absolute paths of files of head that the setup of base reads, also when it runs once more. None where the file system does not tell. */
  readBySetup(): Promise<readonly string[]>;
  /**
   * Where programs of the other side would find the files of one side: its root, but for a head that
   * runs in a copy. That is hidden from base, and the checkout is not.
   */
  shown(arm: 'head' | 'base'): Promise<string>;
  /** What git ignores in a tree of one side, relative to its root; a folder ends in `/`. */
  ignoredFiles(root: string): Promise<readonly string[]>;
  /**
   * Files of head's checkout that were there before head was set up and are no part of what is under
   * review; not those of the gate itself, of package managers or of Python.
   */
  leftFiles(): Promise<LeftFiles>;
  /** A copy of what is under review, set up. Throws `setup-failed`. */
  freshHead(): Promise<FreshTree>;
  /** Files of one side, relative to the root, in whose place there is a Git LFS pointer. */
  pointers(arm: 'head' | 'base'): Promise<readonly string[]>;
  /** Submodules of one side that cannot be had, and that its setup did not put in place either: their folders are empty. */
  lackingSubmodules(arm: 'head' | 'base'): Promise<readonly LackingSubmodule[]>;
  /**
   * A copy of the commit of one side in which the given files (relative to the root) are empty, set
   * up. Throws `setup-failed`.
   */
  emptied(arm: 'head' | 'base', files: readonly string[]): Promise<string>;
  /** Throws `base-changed` where the files of base's commit no longer hold what base's own code left in them. */
  requireBase(): Promise<void>;
  /** The same, and reads all of them once more. */
  requireBaseContents(): Promise<void>;
  /** From now on both sides run at once: `requireBase` then also throws where a file was only written to. */
  beginLaunches(): Promise<void>;
  /** Runs code of one side while none of the other runs. Throws what `requireBase` throws, before. */
  alone<T>(arm: 'head' | 'base', program: RunProgram | null, work: () => Promise<T>): Promise<T>;
  /** Whether one more run of a program of base would tell nothing of where launches of it write. */
  isLearned(program: RunProgram | null): Promise<boolean>;
  /** `watchReads` of those of the files that the gate may touch. */
  watchReads: typeof watchReads;
  release(): Promise<void>;
}

/**
 * Opens the sides of a plan; nothing is set up before it is wanted. Base is checked out at once where
 * code of head's own will run. Throws what git says where base cannot be had.
 * @param program what is watched while code of the sides runs; nothing, where none will
 */
export const openTrees = async (
  context: CommandContext,
  plan: Plan,
  program: Pick<ProgramWatch, 'settle' | 'covers'> | null,
): Promise<Trees> => {
  const repository = await openRepository(context.root);
  const within = (root: string, arm: 'head' | 'base'): string => join(root, plan.folders[arm]);
  const sides = await openSides(context, plan, repository);
  const opened: FilledWorktree[] = [];
  const temporaries = new Map<'head' | 'base', Promise<TemporaryFolder>>();
  const environment: Trees['environment'] = async (arm) => {
    const temporary = temporaries.get(arm) ?? sides.temporary(arm);
    temporaries.set(arm, temporary);
    return { ...subjectEnvironment(context), ...(await temporary).environment };
  };
  /** Returns the working directory in a tree of one side. `recorded`: folders besides its own in which its reads are recorded. */
  const prepare = async (arm: 'head' | 'base', tree: string, where: string, recorded: readonly string[] = []): Promise<string> => {
    if (tree !== repository.folder) sides.give(arm, tree);
    const folder = within(tree, arm);
    if (plan.setup[arm] !== null) context.host.log.info(`Setting up ${where}: ${plan.setup[arm]}`);
    await setUp(plan, plan.setup[arm], {
      folder,
      environment: await environment(arm),
      confinement: sides.confinement(arm, recorded),
      where,
    });
    await program?.settle();
    return folder;
  };
  const checkOut = async (arm: 'head' | 'base'): Promise<FilledWorktree> => {
    const commit = plan[arm]?.commit;
    if (commit === undefined) throw new GateError('base-not-found', 'The base commit was to be checked out. There is none.');
    const worktree = await repository.worktree(commit, neededBy(plan, arm), sides.folder(arm));
    opened.push(worktree);
    // For the other user, where there is one: the folder around a worktree is closed.
    if (sides.isolated) chmodSync(dirname(worktree.folder), 0o755);
    return worktree;
  };
  let baseTree: Promise<BaseTree> | null = null;
  const checkOutBase = (): Promise<BaseTree> => {
    baseTree ??= checkOut('base')
      .catch(unavailable(plan.base?.commit ?? ''))
      .then(openBaseTree);
    return baseTree;
  };
  // Code of head can change what git checks out: its configuration, attributes, refs that replace others.
  if (plan.base !== null && runsOwnCode(plan)) {
    const place = sides.folder('base');
    if (!sides.isolated && !isOneFileSystem(repository.folder, place)) context.host.log.warn(apartFrom(place));
    await checkOutBase();
  }
  const ready = new Set<'head' | 'base'>();
  const replaced = new Map<'head' | 'base', readonly CodeCopy[]>();
  /** Also of a side that is not set up yet. */
  const packagesOf = async (arm: 'head' | 'base', commands: readonly string[]): Promise<InstalledPackages> => {
    const base = (await checkOutBase()).folder;
    const tree = ready.has(arm) ? await root(arm) : arm === 'base' ? base : repository.folder;
    const folders = await foldersOfPackages({
      own: [...commands, ...setupOf(plan, arm)],
      others: setupOf(plan, arm === 'head' ? 'base' : 'head'),
      cwd: within(tree, arm),
      environment: await environment(arm),
      confinement: sides.confinement(arm),
      otherTree: arm === 'head' ? base : repository.folder,
      answers: new Map(),
    });
    return installedPackages(folders);
  };
  const named = absolutePaths(everyCommand(plan), within(repository.folder, 'head'), subjectEnvironment(context));
  const programs = (): InstalledPrograms =>
    plan.setup.head === null && plan.setup.base === null ? new Map() : installedPrograms(subjectEnvironment(context), named);
  /** By the latest setup. */
  let written: readonly string[] = [];
  let left: LeftFiles = { stray: [], edited: [] };
  /** Before code of head's ran, which can tell git to look at another tree, or at fewer files. */
  let committedChanges: readonly string[] = [];
  /** Those that both sides have. Head's setup can make its own like base's for a while. */
  let committedDifferences: ReadonlySet<string> = new Set();
  const isGenerated = (at: string, path: string): boolean => {
    const folders = [context.storeRoot, resolve(context.root, context.options.runDir), resolve(tmpdir())];
    return folders.some((folder) => !`${at}/`.startsWith(`${folder}/`) && join(at, path).startsWith(`${folder}/`));
  };
  const committed = reviewsCommit(context.host.event);
  const isOfPrograms = (at: string, path: string): boolean => !isPackageMetadata(path) && !/\.py[co]$/.test(path) && !isGenerated(at, path);
  const strayIn = async (at: string): Promise<readonly string[]> => {
    const beside = committed ? besideTree(at, context.workspace).filter((path) => !isOwnTree(path)) : [];
    const files = ignoredFilesIn(at, [...beside, ...(await repository.strayFiles(at, committed))]);
    return files.filter((path) => isOfPrograms(at, path));
  };
  const editedFiles = async (stray: readonly string[]): Promise<readonly string[]> => {
    if (!committed || !plan.head.dirty) return [];
    const tracked = await repository.paths({ commit: plan.head.commit });
    const untracked = new Set(stray);
    const edited: string[] = [];
    for (const path of await repository.changedFiles(plan.head.commit)) {
      const { kind } = await tracked.entry(path);
      if (kind === 'file' || (kind === 'submodule' && !untracked.has(path) && isOfPrograms(repository.folder, path))) edited.push(path);
    }
    return edited;
  };
  const make = async (arm: 'head' | 'base'): Promise<string> => {
    const needed = neededBy(plan, arm);
    const said = arm === 'head' ? await repository.fillCheckout(needed) : '';
    const asItLies = { folder: repository.folder, said, own: [], lacking: [] };
    const tree = arm === 'base' ? await checkOutBase() : sides.isolated ? await copyOfHead() : asItLies;
    const { folder: root } = tree;
    ofOneSide.push(...tree.own);
    lacking.set(arm, tree.lacking);
    const other = arm === 'head' ? 'base' : 'head';
    // A side without a setup runs what was there before. What comes anew it may have waited for.
    const isWithout = plan.setup[other] === null && !ready.has(other);
    const commands = isWithout ? commandLinesOf(subjectsOf(plan, other)) : measuringCommands(plan, other);
    const isOthers = isWithout ? commands.length > 0 : ready.has(other);
    const packages = plan.setup[arm] !== null && isOthers ? await packagesOf(other, commands) : null;
    const was = programs();
    // What was there before any setup ran is compared in full: nothing else says what a large file held.
    const before = packages === null ? null : { packages, files: contentsOf(was, isWithout ? [...was.keys()] : written) };
    if (arm === 'head') {
      const stray = await strayIn(root);
      left = { stray: ownFiles(root, withoutSharedFiles(root, stray)), edited: await editedFiles(stray) };
      if (plan.base !== null && runsOwnCode(plan)) {
        committedChanges = await repository.changedFiles(plan.base.commit);
        const { folder: before } = await checkOutBase();
        const isEdited = (path: string): boolean =>
          entryAt(join(before, path)) !== null && !sameContent(join(root, path), join(before, path));
        committedDifferences = new Set(committedChanges.filter(isEdited));
      }
    }
    if (arm === 'head' && runsOwnCode(plan)) repository.distrustSettings(sides.isolated ? 'another-user' : 'this-user');
    if (arm === 'base') takenBySetup = await (await checkOutBase()).setUp(() => watchSetup(root, arm).catch(ofBase));
    else await prepare(arm, root, arm);
    ready.add(arm);
    written = writtenSince(was, programs());
    if (before !== null) {
      const now = await packagesOf(other, commands);
      const others = [
        ...replacedSince(before.packages, now, isWithout),
        ...replacedPrograms(before.files, isWithout ? written.filter((path) => before.files.has(path)) : written),
      ];
      replaced.set(other, others);
    }
    // Only now: `setup` may fetch files too.
    await repository.refusePointers(root, arm, needed, `${said}\n${tree.said}`.trim());
    return root;
  };
  const ofOneSide: string[] = [];
  const lacking = new Map<'head' | 'base', readonly LackingSubmodule[]>();
  const roots = new Map<string, Promise<string>>();
  const root: Trees['root'] = (arm) => {
    const known = roots.get(arm) ?? make(arm);
    roots.set(arm, known);
    return known;
  };
  const shown: Trees['shown'] = async (arm) => {
    const own = await root(arm);
    return arm === 'head' && sides.isolated ? repository.folder : own;
  };
  /** Those of some files that programs may read, and that the trees do not have alike. */
  const differingIn = (files: readonly string[], head: string, base: string): readonly string[] => {
    const rules = relative(repository.folder, resolve(context.root, configFile(context)));
    const ofPrograms = files.filter((path) => path !== rules && !isGenerated(repository.folder, path) && !isPackageMetadata(path));
    return ofPrograms.filter((path) => committedDifferences.has(path) || !sameContent(join(head, path), join(base, path)));
  };
  // Watching a file sets its access time back, which the watch of the program would take for a change.
  const watchTouchable: Trees['watchReads'] = (paths, variables) =>
    watchReads(
      paths.filter((path) => program?.covers(path) !== true),
      variables,
    );
  let takenBySetup: readonly string[] = [];
  /** Sets base up in a tree, and returns the files of head that this reads. */
  const watchSetup = async (tree: string, where: string): Promise<readonly string[]> => {
    const { folder } = repository;
    const foreign = plan.setup.base === null ? [] : differingIn(committedChanges, folder, tree);
    const paths = copiesInTree(folder, foreign, subjectEnvironment(context)).map(({ path }) => path);
    const reads = paths.length === 0 ? null : await watchTouchable(paths, subjectEnvironment(context));
    await prepare('base', tree, where, reads === null ? [] : [folder]);
    return reads?.read() ?? [];
  };
  const readBySetup: Trees['readBySetup'] = async () => {
    await root('base');
    if (takenBySetup.length === 0) return [];
    // Something else on this machine may have read them at that moment.
    const again = await watchSetup((await checkOut('base')).folder, 'base once more');
    takenBySetup = takenBySetup.filter((path) => again.includes(path));
    return takenBySetup;
  };
  const differing = async (): Promise<readonly string[]> => {
    const [head, base] = [await shown('head'), await root('base')];
    const now = plan.base === null ? [] : await repository.changedFiles(plan.base.commit);
    const files = plan.base === null ? [] : new Set([...committedChanges, ...now, ...ofOneSide]);
    return differingIn([...files], head, base);
  };
  let changed: Promise<readonly string[]> | null = null;
  /** What lies in the checkout, but for what git and the gate keep there. */
  const copyOfHead = async (): Promise<FilledWorktree> => {
    const copy = await checkOut('head');
    const gone = plan.head.dirty ? await repository.changedFiles(plan.head.commit) : [];
    for (const path of gone) if (!existsSync(join(repository.folder, path))) rmSync(join(copy.folder, path), { force: true });
    cpSync(repository.folder, copy.folder, {
      recursive: true,
      force: true,
      mode: constants.COPYFILE_FICLONE,
      preserveTimestamps: true,
      verbatimSymlinks: true,
      filter: (path, to) =>
        basename(path) !== '.git' && !isGenerated(repository.folder, relative(repository.folder, path) || '.') && !isSameLink(path, to),
    });
    return copy;
  };
  const makeFresh = async (): Promise<FreshTree> => {
    const { folder: copy } = await checkOut('head');
    const edited = plan.head.dirty && !committed ? await repository.changedFiles(plan.head.commit) : [];
    for (const path of edited.filter((each) => !isGenerated(repository.folder, each))) {
      const [from, to] = [join(repository.folder, path), join(copy, path)];
      if (entryAt(to) !== null) rmSync(to, { recursive: true, force: true });
      if (entryAt(from)?.isDirectory() === false) cpSync(from, to, { verbatimSymlinks: true });
    }
    const folder = await prepare('head', copy, 'a fresh copy of head');
    return { root: copy, folder, stray: () => strayIn(copy) };
  };
  let fresh: Promise<FreshTree> | null = null;
  const freshHead = (): Promise<FreshTree> => {
    fresh ??= makeFresh();
    return fresh;
  };
  /** A change may repair base's setup. One that ends so for head too, when it runs once more, is no fault of base. */
  const ofBase = async (thrown: unknown): Promise<never> => {
    if (!(thrown instanceof GateError) || thrown.code !== 'setup-failed') throw thrown;
    if ((await freshHead().catch(() => null)) === null) throw thrown;
    throw new GateError('base-setup-failed', `Base was to be set up, to compare with it. ${thrown.message}`, {
      where: thrown.where ?? 'setup of base',
      cause: thrown,
    });
  };
  return {
    root,
    environment,
    sides,
    requireBase: async () => (await baseTree)?.requireSame(),
    requireBaseContents: async () => (await baseTree)?.requireContents(),
    beginLaunches: async () => (await baseTree)?.beginLaunches(),
    alone: async (arm, program, work) => (arm === 'head' || baseTree === null ? work() : (await baseTree).alone(program, work)),
    watchReads: watchTouchable,
    isLearned: async (program) => (await baseTree)?.isLearned(program) ?? true,
    folder: async (arm) => within(await root(arm), arm),
    changedFiles: () => {
      changed ??= differing();
      return changed;
    },
    replacedPackages: async (arm) => {
      await root('head');
      await root('base');
      return replaced.get(arm) ?? [];
    },
    readBySetup,
    shown,
    ignoredFiles: repository.ignoredFiles,
    pointers: async (arm) => repository.pointers(await root(arm)),
    lackingSubmodules: async (arm) => {
      const at = await root(arm);
      return (lacking.get(arm) ?? []).filter(({ path }) => isEmptyFolder(join(at, path)));
    },
    emptied: async (arm, files) => {
      const { folder: copy } = await checkOut(arm);
      for (const path of files) if (entryWithin(copy, path)?.isFile() === true) truncateSync(join(copy, path), 0);
      return prepare(arm, copy, `${arm} with empty files`);
    },
    leftFiles: async () => {
      await root('head');
      return left;
    },
    freshHead,
    release: async () => {
      for (const each of opened) sides.take(dirname(each.folder));
      const kept: unknown[] = [];
      for (const one of [...opened, ...(await Promise.all(temporaries.values())), sides])
        await one.release().catch((thrown: unknown) => kept.push(thrown));
      if (kept.length > 0) throw kept[0];
    },
  };
};

/** Base's files that git cannot lay out are no fault of the judged code, and no reason to be undecided. */
const unavailable =
  (commit: string) =>
  (thrown: unknown): never => {
    if (!(thrown instanceof GateError) || thrown.code !== 'git-failed') throw thrown;
    const message = `The files of base commit ${commit.slice(0, 12)} were to be checked out. ${thrown.message}`;
    throw new GateError('base-unavailable', message, { where: 'base', cause: thrown });
  };

const apartFrom = (place: string): string =>
  `Base is checked out in ${place}, in another file system than head. Programs that read or write files in their tree may be faster on one side. Set TMPDIR to a folder in the file system of the checkout.`;

/** Base's tree may lie beside the checkout. */
const isOwnTree = (path: string): boolean => path.split('/').some((name) => name.startsWith(worktreePrefix));
