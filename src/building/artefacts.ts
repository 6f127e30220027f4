import { availableParallelism } from 'node:os';
import { GateError } from '../errors.ts';
import { settleCell } from '../gate/settle.ts';
import { askWorker, fixedLimits, openStandingWorker, type StandingWorker, type WorkerLimits } from '../run/worker-process.ts';
import { digestOf } from '../records/decode.ts';
import type { Plan, PlannedBuild } from '../records/plan.ts';
import type { ArtefactRef } from '../records/protocol.ts';
import type { BuiltLine, SampleLine, Samples } from '../records/sample.ts';
import { type Built, buildArtefact, failedBuild, foundBuild, type SubjectSetting } from './build.ts';
import { type CommandContext, workerProgram } from '../run/context.ts';
import { faultOf } from '../run/machine-fault.ts';
import { findLeaks, type LeakFindings, leakIn, settledWith } from './leak/leak.ts';
import { modelFolderOf } from '../planning/plan.ts';
import type { ProgramWatch } from './program-watch.ts';
import { openSources, type Sources } from './source-copies.ts';
import { mayShareProcess, openStandingSubject, type StandingSubject } from './shared-subject.ts';
import { findBuild, keepBuild, type Stock, type StoredBuild, storedBuildKey, storedBytes, storedFiles } from './stored-build.ts';
import type { SubjectFolders } from './subject-folders.ts';
import type { Trees } from './trees.ts';

/** Everything that the launches of a run are made with. */
export interface Artefacts {
  /** model → its untouched graphs */
  readonly references: ReadonlyMap<string, ArtefactRef>;
  /** build key → what was built */
  readonly built: ReadonlyMap<string, ArtefactRef>;
}

/** Of preparing a model, and of checking and keeping a build: large models take longer, and are given a longer `limits.seconds`. */
const workerLimits = ({ limits }: Pick<Plan, 'limits'>): WorkerLimits =>
  limits.seconds > 600 ? { ...fixedLimits(limits.seconds), named: 'limits.seconds' } : fixedLimits(600);

/** Where artefacts are kept, and on what they are made. */
export interface Workshop extends Stock {
  /** Model of the processor. */
  readonly cpu: string;
  /** The checkouts that builds and policies run in. */
  readonly trees: Trees;
  readonly folders: SubjectFolders;
  /** The gate's own files. */
  readonly program: ProgramWatch;
}

/**
 * Prepares the models, builds head's and base's artefacts, and settles each cell; every line is recorded as it becomes known.
 * What an earlier, killed run built is taken over. Code of one's own is always run, since it may depend on more than it says; a built-in only
 * when the store lacks what it makes (docs/adr/0008-known-builds.md). After the signal nothing
 * more is begun or recorded. Throws what is no fault of the judged code (`isInfrastructure`), and `store-corrupt` when that code wrote into the store.
 */
export const makeArtefacts = async (
  context: CommandContext,
  plan: Plan,
  samples: Samples,
  record: (lines: readonly SampleLine[]) => void,
  { store, records, cpu, trees, folders, program }: Workshop,
): Promise<Artefacts> => {
  const keyOf = (build: PlannedBuild): string => storedBuildKey(build.key, cpu, plan.runtime.ort);
  const stock = { store, records };
  const references = new Map<string, ArtefactRef>();
  await inLanes(plan.models, context.signal, async (model) => {
    references.set(model.id, await prepareReference(context, plan, stock, model));
  });
  const built = new Map<string, ArtefactRef>();
  const lines = new Map<string, BuiltLine>(samples.built);
  const finish = (build: PlannedBuild, result: Built, failedStarts: readonly BuiltLine[] = []): void => {
    // A build that an interruption ended says nothing of its code: it is made again when the run resumes.
    if (context.signal.aborted) return;
    record([...failedStarts, result.line]);
    lines.set(build.key, result.line);
    if (result.artefact !== null) built.set(build.key, result.artefact);
  };
  // Found and leased before any code of head runs, which could write what base is then judged by.
  const earlier = new Map<string, StoredBuild>();
  await inLanes(plan.builds.filter(isTakenOver), context.signal, async (build) => {
    const found = await findBuild(stock, keyOf(build));
    if (found !== null) earlier.set(build.key, found);
  });
  const sources = openSources(context, plan, folders);
  const sealer = openStandingWorker(workerProgram(context));
  const making: Making = { context, plan, store, records, trees, folders, program, source: sources.folder, sealer, unproven: new Set() };
  let leaks: LeakFindings = new Map();
  try {
    const make = async (build: PlannedBuild, standing: StandingSubject | null): Promise<void> => {
      const { error } = leakIn(plan, build.cell, leaks);
      // Not made at all: what came out would be kept as that of the wrong side.
      if (error !== null && build.subject.door.kind !== 'builtin')
        return finish(build, { line: failedBuild(build, error, null), artefact: null });
      const input = await inputOf(build, standing);
      const line = lines.get(build.key);
      // An earlier, killed run recorded it already.
      if (line?.status === 'failed') return;
      const known = isTakenOver(build) ? (earlier.get(build.key) ?? null) : await resumedBuild(making, build, keyOf(build), line);
      if (known === null) {
        const tree = await trees.folder(build.arm).catch(faultOf);
        const bytes = input instanceof GateError ? Number.POSITIVE_INFINITY : await storedBytes(store, input);
        const first = await buildOne(making, build, keyOf(build), input, tree, mayShareProcess(build, bytes) ? standing : null);
        const repeated = first.line.error?.starting === true && !context.signal.aborted;
        if (repeated) finish(build, await buildOne(making, build, keyOf(build), input, tree, null), [first.line]);
        else finish(build, first);
      } else if (line?.artefact === known.artefact) built.set(build.key, known.ref);
      else finish(build, { line: foundBuild(build, known), artefact: known.ref });
    };
    // Builds of equal code, options and input are one, whichever arm or cell wants them: made and recorded once.
    const under = new Map<string, Promise<void>>();
    const obtain = (build: PlannedBuild, standing: StandingSubject | null): Promise<void> => {
      const begun = under.get(build.key) ?? make(build, standing);
      under.set(build.key, begun);
      return begun;
    };
    const inputOf = async (build: PlannedBuild, standing: StandingSubject | null): Promise<ArtefactRef | GateError> => {
      if (build.on === null) return referenceOf(references, build.model);
      const below = plan.builds.find(({ key, arm }) => key === build.on && arm === build.arm);
      if (below === undefined) throw new GateError('internal', `The plan has no build ${build.on}.`, { where: build.cell });
      await obtain(below, standing);
      return (
        built.get(below.key) ??
        new GateError(
          'build-failed',
          `This build starts from the build "${below.variant}". That one failed, for the reason that its own error gives.`,
          { where: build.cell },
        )
      );
    };
    let failed = false;
    const makeAll = async (builds: readonly PlannedBuild[]): Promise<void> => {
      const standing = openStandingSubject();
      try {
        for (const build of builds) if (!context.signal.aborted && !failed) await obtain(build, standing);
      } catch (thrown) {
        failed = true;
        throw thrown;
      } finally {
        await standing.close();
      }
    };
    await inLanes(buildsOf(plan, 'head'), context.signal, makeAll);
    leaks = await findLeaks({ context, plan, folders, source: sources.folder, references, sides: trees.sides, alone: trees.alone }, trees);
    await trees.alone('base', () => inLanes(buildsOf(plan, 'base'), context.signal, makeAll));
    // One build stands for both sides here. Base's tree may still give something else.
    for (const build of plan.builds.filter(({ arm, key }) => arm === 'base' && making.unproven.has(key))) {
      const shared = built.get(build.key);
      if (shared === undefined || context.signal.aborted) continue;
      const tree = await trees.folder('base').catch(faultOf);
      const input = await inputOf(build, null);
      const inBase = (): Promise<string | null> =>
        trees.alone('base', async () => (await buildOne(making, build, keyOf(build), input, tree, null)).artefact?.digest ?? null);
      const artefact = await inBase();
      if (artefact === null || artefact === shared.digest) continue;
      const error = (await inBase()) === artefact ? undeclared(build) : notDeterministic(build);
      leaks = new Map([...leaks, [optimizationOf(plan, build), { error, warning: null }]]);
    }
  } finally {
    await sealer.close();
  }
  if (context.signal.aborted) return { references, built };
  // The last foreign code has run: whatever it did to the store, nothing is measured but what was sealed.
  for (const artefact of new Map([...references.values(), ...built.values()].map((each) => [each.folder, each])).values())
    await store.verify(artefact);
  record(plan.cells.map((cell) => settledWith(settleCell(plan, cell, lines), leakIn(plan, cell.id, leaks))));
  return { references, built };
};

/** What an earlier, killed run of the same plan built of one's own code. */
const resumedBuild = async (making: Making, build: PlannedBuild, key: string, line: BuiltLine | undefined): Promise<StoredBuild | null> => {
  if (line?.artefact == null) return null;
  if (build.arm === 'head') making.unproven.add(build.key);
  const kept = await findBuild(making, key);
  return kept?.artefact === line.artefact ? kept : null;
};

const optimizationOf = (plan: Plan, build: PlannedBuild): string => plan.cells.find(({ id }) => id === build.cell)?.optimization ?? '';

const undeclared = ({ cell }: PlannedBuild): GateError => {
  const message =
    "The same declared code, options, model and seed were built in base's tree and in head's. The results differ, so the build reads a file that `inputs` does not name.";
  return new GateError('inputs-leak', message, { where: cell });
};

const notDeterministic = ({ cell }: PlannedBuild): GateError => {
  const message = 'The same code, options, model and seed were built twice in this run. Expected equal files, got different bytes.';
  return new GateError('build-not-deterministic', message, { where: cell });
};

/** Whether what the store has under its key is as good as making it. */
const isTakenOver = ({ subject }: PlannedBuild): boolean => subject.door.kind === 'builtin';

/** The builds of an arm, cell by cell: those of most builds first, so that no lane is left with a long list at the end. */
const buildsOf = (plan: Plan, arm: 'head' | 'base'): readonly (readonly PlannedBuild[])[] =>
  [
    ...Map.groupBy(
      plan.builds.filter((build) => build.arm === arm),
      ({ cell }) => cell,
    ).values(),
  ].toSorted((a, b) => b.length - a.length);

/**
 * Runs the work of all items on as many lanes as there are processors, until the signal; nothing is timed here. The first error ends it, once
 * what is under way is done.
 */
const inLanes = async <T>(items: readonly T[], signal: AbortSignal, work: (item: T) => Promise<void>): Promise<void> => {
  const queue = [...items];
  const lane = async (): Promise<void> => {
    try {
      for (let item = queue.shift(); item !== undefined && !signal.aborted; item = queue.shift()) await work(item);
    } finally {
      // An error of this lane leaves the others nothing to begin; without one the queue is empty or the signal was given.
      queue.length = 0;
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: Math.min(availableParallelism(), 4, Math.max(1, items.length)) }, lane));
  const failed = ended.find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
};

const prepareReference = async (
  context: CommandContext,
  plan: Plan,
  stock: Stock,
  { id, digest, folder }: Plan['models'][number],
): Promise<ArtefactRef> => {
  const key = digestOf(JSON.stringify(['reference', 1, digest]));
  const known = await findBuild(stock, key);
  if (known !== null) return known.ref;
  const request = { type: 'prepare' as const, model: modelFolderOf(context, folder), digest, store: context.storeRoot };
  const { artefact } = await askWorker(workerProgram(context), request, 'stored', workerLimits(plan), id);
  await keepBuild(stock, key, { artefact: artefact.digest, content: artefact.content, seconds: null, facts: {} });
  await stock.store.artefact(artefact);
  return artefact;
};

/** What every build is made with. */
interface Making extends Stock {
  readonly context: CommandContext;
  readonly plan: Plan;
  readonly trees: Trees;
  readonly folders: SubjectFolders;
  readonly program: ProgramWatch;
  readonly source: Sources['folder'];
  /** Checks and keeps what was built. */
  readonly sealer: StandingWorker;
  /** Keys of one's own builds that no earlier run has, or has with other bytes: base's tree may give others. */
  readonly unproven: Set<string>;
}

const referenceOf = (references: ReadonlyMap<string, ArtefactRef>, model: string): ArtefactRef => {
  const reference = references.get(model);
  if (reference === undefined) throw new GateError('internal', `There are no files of model ${model}.`);
  return reference;
};

/**
 * @param key what the store knows the result by
 * @param from what it starts from, or why that is not there
 * @param tree where it is made, or why that is not there
 * @param standing the process to make it in; null: one of its own
 */
const buildOne = async (
  { context, plan, store, records, trees, folders, program, source, sealer, unproven }: Making,
  build: PlannedBuild,
  key: string,
  from: ArtefactRef | GateError,
  tree: string | GateError,
  standing: StandingSubject | null,
): Promise<Built> => {
  if (from instanceof GateError) return { line: failedBuild(build, from), artefact: null };
  if (typeof tree !== 'string') return { line: failedBuild(build, tree), artefact: null };
  const subject: Omit<SubjectSetting, 'standing'> = {
    tree,
    worker: context.worker,
    environment: await trees.environment(build.arm),
    confinement: trees.sides.confinement(build.arm),
    seconds: plan.limits.seconds,
    memoryBytes: plan.limits.memoryBytes,
    clock: context.clock,
  };
  const isBuiltIn = build.subject.door.kind === 'builtin';
  const given = isBuiltIn ? null : [...(await storedFiles(store, from))];
  const input = { source: await source(build), artefact: await folders.view(from, build.arm, isBuiltIn ? 'built-in' : 'own') };
  const makeIn = (process: StandingSubject | null): Promise<Built> =>
    buildArtefact(
      build,
      input,
      { ...subject, standing: process },
      {
        output: async () => {
          const folder = await folders.empty();
          trees.sides.give(build.arm, folder);
          return folder;
        },
        discard: async (folder) => {
          trees.sides.take(folder);
          await folders.discard(folder);
        },
        seal: async (folder, answer, where) => {
          trees.sides.take(folder);
          program.requireUntouched();
          const taken = await store.takeOver(folder);
          const request = {
            type: 'seal' as const,
            folder: taken,
            stages: answer.stages,
            serve: answer.serve ?? {},
            facts: answer.facts ?? {},
            runtime: { provider: plan.runtime.provider, threads: plan.runtime.threads },
            store: context.storeRoot,
            views: folders.root,
            given,
          };
          try {
            return await sealer.ask(request, 'stored', workerLimits(plan), where);
          } catch (thrown) {
            await store.discard(taken);
            throw thrown;
          }
        },
      },
    );
  const make = async (): Promise<Built> => {
    const first = await makeIn(standing);
    // What builds before it left in its process may be to blame: only how it fails in one of its own counts.
    const again = first.artefact === null && standing?.used === true && !context.signal.aborted;
    return again ? makeIn(null) : first;
  };
  const built = await make();
  if (built.artefact === null) return built;
  // What base makes now is what head is held against, whatever an earlier run had.
  const earlier = build.arm === 'head' ? await findBuild({ store, records }, key) : null;
  if (build.arm === 'head' && earlier?.artefact !== built.artefact.digest && build.subject.door.kind !== 'builtin') unproven.add(build.key);
  if (earlier !== null && earlier.artefact !== built.artefact.digest) {
    // What else the earlier run had (libraries, files that are not declared) is not known: two builds of this run decide.
    const again = await make();
    if (again.artefact === null) return again;
    if (again.artefact.digest !== built.artefact.digest) {
      return { line: failedBuild(build, notDeterministic(build)), artefact: null };
    }
  }
  const { seconds, facts } = built.line;
  const { digest, content } = built.artefact;
  await keepBuild({ store, records }, key, { artefact: digest, content, seconds, facts });
  await store.artefact(built.artefact);
  return built;
};
