import { join } from 'node:path';
import type { Benchmark } from '../contract/benchmark.ts';
import { commandReferences, looseWords } from '../planning/command-references.ts';
import { benchmarkOf } from '../planning/plan.ts';
import { type LineChannel, openLineChannel } from '../processes/line-channel.ts';
import type { Plan, PlannedBuild, PlannedCell, SubjectRef } from '../records/plan.ts';
import type { ArtefactRef } from '../records/protocol.ts';
import { type CommandContext, subjectEnvironment } from '../run/context.ts';
import type { RunProgram } from './base-tree.ts';
import { askSubject, type SubjectSetting } from './build.ts';
import type { Sides } from './sides.ts';
import type { SourceCopies } from './source-copies.ts';
import { subjectArgv } from './subject-command.ts';
import type { SubjectFolders } from './subject-folders.ts';

/** The user's own code of one entry on one side: what it builds, and the program that answers. */
export interface SideProgram {
  readonly arm: 'head' | 'base';
  readonly cell: PlannedCell;
  readonly build: PlannedBuild | null;
  readonly policy: SubjectRef | null;
}

/** What a program is run with. */
export interface Rehearsal {
  readonly context: CommandContext;
  readonly plan: Plan;
  readonly folders: SubjectFolders;
  readonly source: SourceCopies['folder'];
  readonly references: ReadonlyMap<string, ArtefactRef>;
  readonly sides: Sides;
  /** Runs code of one side while none of the other runs. */
  readonly alone: <T>(arm: 'head' | 'base', program: RunProgram | null, work: () => Promise<T>) => Promise<T>;
  /** Whether one more run of a program of base would tell nothing of where launches of it write. */
  readonly isLearned: (program: RunProgram | null) => Promise<boolean>;
}

/** The user's own code of a cell on one side; null where there is none. */
export const sideProgram = (plan: Plan, cell: PlannedCell, arm: 'head' | 'base'): SideProgram | null => {
  const own = cell.arms.find(({ id }) => id === arm);
  const policy = own?.policy ?? null;
  const build = plan.builds.find((each) => each.cell === cell.id && each.arm === arm && each.on === null && isOwn(each.subject)) ?? null;
  const answers = policy !== null && isOwn(policy) ? policy : null;
  return build === null && answers === null ? null : { arm, cell, build, policy: answers };
};

const isOwn = ({ door }: SubjectRef): boolean => door.kind !== 'builtin';

/** Globs of the files that a program declares to depend on. */
export const inputsOf = ({ build, policy }: SideProgram): readonly string[] => [
  ...(build?.subject.inputs ?? []),
  ...(policy?.inputs ?? []),
];

/** Digest of the code of a program. */
export const codeOf = ({ build, policy }: SideProgram): string | null => policy?.code ?? build?.subject.code ?? null;

/** The command lines of a program, as they are configured. */
export const commandsOf = ({ build, policy }: SideProgram): readonly string[] =>
  [build?.subject, policy].flatMap((subject) => (subject == null ? [] : commandOf(subject)));

/** The command line of user code, or its module; empty for a built-in. */
export const commandOf = ({ door }: Pick<SubjectRef, 'door'>): readonly string[] =>
  door.kind === 'builtin' ? [] : [door.kind === 'module' ? door.module : door.command];

/** Files of its tree that the commands of a program lead to, relative to the root. */
export const filesLedTo = ({ build, policy }: SideProgram): readonly string[] =>
  [build?.subject, policy].flatMap((subject) => {
    if (subject == null) return [];
    const folder = subject.folder === '' ? '.' : subject.folder;
    return commandOf(subject).flatMap((command) => commandReferences(looseWords(command), command, folder));
  });

/** What the command of a user's own program may name, where it names something of the model. */
export const modelPaths = async (
  { door }: Pick<SubjectRef, 'door'>,
  reference: ArtefactRef | undefined,
  side: 'head' | 'base',
  folders: SubjectFolders,
): Promise<Record<string, string>> => {
  if (!('command' in door) || !door.command.includes('{model')) return {};
  const decoder = reference?.stages.find(({ id }) => id === 'decoder') ?? reference?.stages[0];
  if (reference === undefined || decoder === undefined) return {};
  const { folder } = await folders.view(reference, side, 'own');
  return { model: join(folder, decoder.graph), 'model-folder': folder };
};

/**
 * Runs a program once in a tree, alone and unmeasured: one build that is thrown away, one round, or
 * one episode of each kind. Returns whether it did all of that without an error.
 * @param recorded folders besides the side's own in which its reads are recorded
 */
export const rehearse = async (
  program: SideProgram,
  tree: string,
  rehearsal: Rehearsal,
  recorded: readonly string[] = [],
): Promise<boolean> => {
  const own = launched(program, tree);
  const run = (): Promise<boolean> => rehearsal.alone(program.arm, own, () => runOnce(program, tree, rehearsal, recorded));
  const did = await run();
  if (program.arm === 'base' && !(await rehearsal.isLearned(own))) await run();
  return did;
};

/** A program as launches run it; null for one that only builds. */
export const launched = ({ cell, policy }: SideProgram, tree: string): RunProgram | null =>
  policy === null ? null : { name: cell.id, tree };

const runOnce = async (
  { arm, build, policy, cell }: SideProgram,
  tree: string,
  rehearsal: Rehearsal,
  recorded: readonly string[],
): Promise<boolean> => {
  const temporary = await rehearsal.sides.temporary(arm);
  try {
    // What a program kept there before, it would read instead of its files.
    const environment = { ...subjectEnvironment(rehearsal.context), ...temporary.environment };
    const stage = { tree, environment, confinement: rehearsal.sides.confinement(arm, recorded) };
    const built = build === null || (await rehearseBuild(build, stage, rehearsal).then(...outcome));
    const answering = { ...stage, confinement: rehearsal.sides.answering(arm, recorded) };
    const answered = policy === null || (await rehearsePolicy(policy, cell, answering, rehearsal).then(...outcome));
    return built && answered;
  } finally {
    await temporary.release();
  }
};

type Stage = Pick<SubjectSetting, 'tree' | 'environment' | 'confinement'>;

const outcome = [(): boolean => true, (): boolean => false] as const;

const rehearseBuild = async (
  build: PlannedBuild,
  stage: Stage,
  { context, plan, folders, source, references, sides }: Rehearsal,
): Promise<void> => {
  const reference = references.get(build.model);
  if (reference === undefined) return;
  const artefact = await folders.view(reference, build.arm, 'own');
  const output = await folders.empty();
  sides.give(build.arm, output);
  try {
    const subject = {
      ...stage,
      worker: context.worker,
      seconds: plan.limits.seconds,
      memoryBytes: plan.limits.memoryBytes,
      clock: context.clock,
      shared: null,
    };
    await askSubject(build, { source: await source(build), artefact }, subject, output, `${build.cell} ${build.arm}`);
  } finally {
    sides.take(output);
    await folders.discard(output).catch(() => {});
  }
};

const rehearsePolicy = async (policy: SubjectRef, cell: PlannedCell, stage: Stage, rehearsal: Rehearsal): Promise<void> => {
  const channel = await openAnswering(policy, cell, stage, rehearsal);
  await channel.close(2);
};

/**
 * Starts the program of a policy or of an external measurement, and lets it answer once; the caller
 * closes it. Null where it did not answer.
 */
export const answerOnce = (policy: SubjectRef, cell: PlannedCell, stage: Stage, rehearsal: Rehearsal): Promise<LineChannel | null> =>
  openAnswering(policy, cell, stage, rehearsal).catch(() => null);

const openAnswering = async (
  { door, tree: arm }: SubjectRef,
  cell: PlannedCell,
  { tree, environment, confinement }: Stage,
  { context, plan, folders, references }: Rehearsal,
): Promise<LineChannel> => {
  const { seconds, memoryBytes } = plan.limits;
  const where = `${cell.id} ${arm}`;
  const argv = subjectArgv(door, tree, context.worker, cell.id, await modelPaths({ door }, references.get(cell.model ?? ''), arm, folders));
  const channel = openLineChannel({ where, argv, cwd: tree, environment, confinement, memoryBytes });
  try {
    if (door.kind === 'measure') await channel.askText('round 1', seconds);
    else for (const question of questionsOf(cell, arm)) await channel.ask(question, seconds);
    return channel;
  } catch (thrown) {
    await channel.close(2);
    throw thrown;
  }
};

const questionsOf = (cell: PlannedCell, arm: 'head' | 'base'): readonly unknown[] => {
  const options = cell.arms.find(({ id }) => id === arm)?.options ?? null;
  const exchanges: Benchmark['exchanges'] = benchmarkOf(cell.like).exchanges ?? [];
  return [
    { do: 'hello', contract: 1 },
    ...exchanges.flatMap(({ rehearsal: { setting, observation } }) => [
      { do: 'start', optimization: cell.like, episode: { point: 'rehearsal', seed: 1, options, setting } },
      { do: 'next', observation },
    ]),
  ];
};
