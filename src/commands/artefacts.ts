import { availableParallelism } from 'node:os';
import { relative, resolve } from 'node:path';
import { asGateError, GateError } from '../errors.ts';
import { askWorker, type WorkerLimits } from '../measurement/worker-process.ts';
import { splitCommand } from '../processes/command-line.ts';
import { runCommand } from '../processes/run-command.ts';
import { digestOf } from '../records/decode.ts';
import type { Plan, PlannedBuild } from '../records/plan.ts';
import type { ArtefactRef } from '../records/protocol.ts';
import type { BuiltLine, SampleLine, Samples } from '../records/sample.ts';
import { openRepository } from '../repository/repository.ts';
import { openStore, type Store } from '../store/store.ts';
import { type Built, buildArtefact, failedBuild, foundBuild, type SubjectSetting } from './build.ts';
import { type CommandContext, subjectEnvironment, workerProgram } from './context.ts';
import { emptyInputs, leak, leakSuspects } from './leak.ts';
import { modelFolderOf } from './plan.ts';
import { saidBy } from './said.ts';
import { settleCell } from './settle.ts';
import { findBuild, keepBuild } from './stored-build.ts';

/** Everything that the launches of a run are made with. */
export interface Artefacts {
  /** model → its untouched graphs */
  readonly references: ReadonlyMap<string, ArtefactRef>;
  /** build key → what was built */
  readonly built: ReadonlyMap<string, ArtefactRef>;
}

const workerLimits: WorkerLimits = { seconds: 600, silenceSeconds: 600, memoryBytes: null };

/**
 * Prepares the models, builds head's and base's artefacts, and settles each cell; every line is recorded as it becomes known.
 * What an earlier, killed run built is taken over. Head is always built; base only when the store lacks it. After the signal nothing
 * more is begun or recorded.
 */
export const makeArtefacts = async (
  context: CommandContext,
  plan: Plan,
  samples: Samples,
  record: (lines: readonly SampleLine[]) => void,
): Promise<Artefacts> => {
  const store = await openStore(context.storeRoot, { clock: () => context.now().getTime() });
  const references = new Map<string, ArtefactRef>();
  await inLanes(plan.models, context.signal, async (model) => {
    references.set(model.id, await prepareReference(context, store, model.id, model.digest, modelFolderOf(context, model.folder)));
  });
  const built = new Map<string, ArtefactRef>();
  const lines = new Map<string, BuiltLine>(samples.built);
  const finish = (build: PlannedBuild, result: Built): void => {
    // A build that an interruption ended says nothing of its code: it is made again when the run resumes.
    if (context.signal.aborted) return;
    record([result.line]);
    lines.set(build.key, result.line);
    if (result.artefact !== null) built.set(build.key, result.artefact);
  };
  /** Head's and base's build are one where their code and options are equal: it is recorded once. */
  const takeOver = (build: PlannedBuild, result: Built): void => {
    if (result.artefact !== null) built.set(build.key, result.artefact);
  };
  const trees = await openTrees(context, plan);
  try {
    for (const arm of ['head', 'base'] as const) {
      const wanted = plan.builds.filter((build) => build.arm === arm);
      await inLanes(wanted, context.signal, async (build) => {
        const known = await knownBuild(build, lines, store, arm === 'base');
        if (known !== null) return known.line === lines.get(build.key) ? takeOver(build, known) : finish(build, known);
        finish(build, await buildOne(context, plan, build, references, await trees.folder(arm).catch(asGateError), store));
      });
    }
    for (const build of leakSuspects(plan, lines)) {
      const emptied = await trees.emptied(build);
      const again = await buildOne(context, plan, { ...build, key: digestOf(`emptied ${build.key}`) }, references, emptied, store);
      if (again.artefact?.digest === lines.get(build.key)?.artefact)
        finish(build, { line: failedBuild(build, leak(build)), artefact: null });
    }
  } finally {
    await trees.release();
  }
  if (!context.signal.aborted) record(plan.cells.map((cell) => settleCell(plan, cell, lines)));
  return { references, built };
};

/** Runs the work of all items on as many lanes as there are processors, until the signal; nothing is timed here. */
const inLanes = async <T>(items: readonly T[], signal: AbortSignal, work: (item: T) => Promise<void>): Promise<void> => {
  const queue = [...items];
  const lane = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined && !signal.aborted; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), 4, Math.max(1, items.length)) }, lane));
};

const prepareReference = async (
  context: CommandContext,
  store: Store,
  id: string,
  digest: string,
  folder: string,
): Promise<ArtefactRef> => {
  const key = digestOf(JSON.stringify(['reference', 1, digest]));
  const known = await findBuild(store, key);
  if (known !== null) return known.ref;
  const request = { type: 'prepare' as const, model: folder, digest, store: context.storeRoot };
  const { artefact } = await askWorker(workerProgram(context), request, 'stored', workerLimits, id);
  await keepBuild(store, key, { artefact: artefact.digest, seconds: null, facts: {} });
  await store.artefact(artefact.digest);
  return artefact;
};

/** A build of this very run that was recorded before, or (for base) of any earlier run. */
const knownBuild = async (
  build: PlannedBuild,
  lines: ReadonlyMap<string, BuiltLine>,
  store: Store,
  fromStore: boolean,
): Promise<Built | null> => {
  const line = lines.get(build.key);
  if (line?.status === 'failed') return { line, artefact: null };
  if (line === undefined && !fromStore) return null;
  const known = await findBuild(store, build.key);
  if (known === null) return null;
  return { line: line ?? foundBuild(build, known), artefact: known.ref };
};

const buildOne = async (
  context: CommandContext,
  plan: Plan,
  build: PlannedBuild,
  references: ReadonlyMap<string, ArtefactRef>,
  tree: string | GateError,
  store: Store,
): Promise<Built> => {
  const reference = references.get(build.model);
  const model = plan.models.find(({ id }) => id === build.model);
  if (reference === undefined || model === undefined) throw new GateError('internal', `no reference of ${build.model}`);
  if (typeof tree !== 'string') return { line: failedBuild(build, tree), artefact: null };
  const subject: SubjectSetting = {
    tree,
    worker: context.worker,
    environment: subjectEnvironment(context),
    seconds: plan.limits.seconds,
    memoryBytes: plan.limits.memoryBytes,
    clock: context.clock,
  };
  const built = await buildArtefact(build, { source: modelFolderOf(context, model.folder), artefact: reference }, subject, {
    staging: () => store.staging(),
    seal: async (folder, answer, where) => {
      const request = {
        type: 'seal' as const,
        folder,
        stages: answer.stages,
        serve: answer.serve ?? {},
        facts: answer.facts ?? {},
        store: context.storeRoot,
      };
      return askWorker(workerProgram(context), request, 'stored', workerLimits, where);
    },
  });
  if (built.artefact === null) return built;
  const earlier = await findBuild(store, build.key);
  if (earlier !== null && earlier.artefact !== built.artefact.digest) {
    const message = 'the same code, options, model and seed gave other bytes than in an earlier build';
    return { line: failedBuild(build, new GateError('build-not-deterministic', message, { where: build.cell })), artefact: null };
  }
  const { seconds, facts } = built.line;
  await keepBuild(store, build.key, { artefact: built.artefact.digest, seconds, facts });
  await store.artefact(built.artefact.digest);
  return built;
};

interface Trees {
  /** Folder of one side, set up; base's worktree is made when it is first wanted. */
  folder(arm: 'head' | 'base'): Promise<string>;
  /** A copy of base in which everything that the build's code declares as its inputs is empty, set up. */
  emptied(build: PlannedBuild): Promise<string>;
  release(): Promise<void>;
}

const openTrees = async (context: CommandContext, plan: Plan): Promise<Trees> => {
  const repository = await openRepository(context.root);
  const inside = relative(repository.folder, context.root);
  const opened: { release(): Promise<void> }[] = [];
  const make = async (arm: 'head' | 'base'): Promise<string> => {
    if (arm === 'head') return setUp(context, plan, plan.setup.head, context.root, arm);
    if (plan.base === null) throw new GateError('base-not-found', 'there is no commit to build base from');
    const worktree = await repository.worktree(plan.base.commit);
    opened.push(worktree);
    return setUp(context, plan, plan.setup.base, resolve(worktree.folder, inside), arm);
  };
  const folders = new Map<string, Promise<string>>();
  return {
    folder: (arm) => {
      const folder = folders.get(arm) ?? make(arm);
      folders.set(arm, folder);
      return folder;
    },
    emptied: async (build) => {
      const worktree = await repository.worktree(plan.base?.commit ?? plan.head.commit);
      opened.push(worktree);
      emptyInputs(worktree.folder, build.subject.inputs);
      return setUp(context, plan, plan.setup.base, resolve(worktree.folder, inside), 'base with empty inputs');
    },
    release: async () => {
      for (const one of opened) await one.release();
    },
  };
};

const setUp = async (context: CommandContext, plan: Plan, command: string | null, folder: string, arm: string): Promise<string> => {
  if (command === null) return folder;
  const result = await runCommand({
    argv: splitCommand(command, {}, 'setup'),
    cwd: folder,
    environment: subjectEnvironment(context),
    timeoutSeconds: Math.max(600, plan.limits.seconds),
    maxOutputBytes: 64 * 1024,
  });
  if (result.status !== 'exited' || result.code !== 0) {
    const said = saidBy(result);
    throw new GateError('setup-failed', `${result.status}${result.code === null ? '' : ` with status ${result.code}`}: ${said}`, {
      where: `setup of ${arm}`,
    });
  }
  return folder;
};
