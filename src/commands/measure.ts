import { availableParallelism } from 'node:os';
import { needsSearchPath, watchProgram } from '../building/program-watch.ts';
import { openSubjectFolders, type SubjectFolders } from '../building/subject-folders.ts';
import { openTrees, type Trees } from '../building/trees.ts';
import { asGateError, formatError, type GateError } from '../errors.ts';
import { restoreStore, saveStore } from '../launching/cached-store.ts';
import { interrupted, measurePlan } from '../launching/measurement.ts';
import { recordTrust } from '../launching/record-trust.ts';
import { keepSamples, resumeSamples } from '../launching/resumed-samples.ts';
import { startedBy } from '../planning/comparison.ts';
import { modelFolderOf } from '../planning/plan.ts';
import { findConfinement } from '../processes/confinement.ts';
import { providerFacts } from '../records/provider.ts';
import type { SampleLine, Samples } from '../records/sample.ts';
import { type CommandContext, withDeclared } from '../run/context.ts';
import { takeMachineLock } from '../run/machine-lock.ts';
import { claimFolder } from '../run/own-folder.ts';
import {
  type RunFolder,
  readBaselines,
  readPlan,
  readRunSamples,
  recordSamples,
  restoreFiles,
  setSamplesAside,
} from '../run/run-folder.ts';
import { locateRuntime } from '../run/runtime-description.ts';
import { keepToBudget } from '../run/store-budget.ts';
import { openRecordBook } from '../store/record-book.ts';
import { clearScratch } from '../store/scratch.ts';
import { openStore, type Store } from '../store/store.ts';
import { machineFacts } from '../telemetry/machine.ts';
import { openEnergyMeter } from '../telemetry/rapl.ts';
import { runnerClass } from '../telemetry/runner-class.ts';

/**
 * Builds what the plan lists, settles what changed, and runs launches until the rule wants no more. Resumes what a killed run
 * left; what failed then is tried once more. Returns the seconds for which another measurement held the machine. Does nothing where there is nothing to compare. Throws `interrupted` after the signal: whatever is missing then says nothing of the code.
 */
export const measureRun = async (started: CommandContext, run: RunFolder): Promise<number> => {
  const { plan, digest } = readPlan(run);
  if (plan.cells.length === 0) {
    started.host.log.info('There is nothing to compare, so nothing is measured.');
    return 0;
  }
  const record = (lines: readonly SampleLine[]): void => recordSamples(run, lines);
  const runtime = plan.runtime.ort === null ? null : await locateRuntime(started);
  // Code under test could let a later search find another one.
  const declared = withDeclared(started, plan.environment);
  const searchesLibraries = runtime !== null && needsSearchPath(declared, runtime, plan.runtime.provider);
  const context = { ...declared, ortPath: runtime?.folder ?? started.ortPath, searchesLibraries };
  const models = plan.models.map(({ folder }) => modelFolderOf(context, folder));
  const [machine, program] = await Promise.all([machineFacts(), watchProgram(context, runtime, models)]);
  const { provider, threads, ort } = plan.runtime;
  const { lanes: most, metered } = providerFacts(provider);
  const lanes = Math.min(most, Math.max(1, Math.floor(availableParallelism() / threads)));
  const environment = {
    ...machine,
    provider,
    threads,
    ort,
    lanes,
    confinement: findConfinement().kind,
    isolation: plan.isolation,
  };
  const environmentClass = runnerClass(environment);
  const samples = (): Samples => readRunSamples(run, plan, digest).samples;
  const resumption = { plan, digest, runnerClass: environmentClass };
  // Refused before anything is added to them.
  await resumeSamples(context, run, resumption);
  // Two runs on one machine would each measure the other, and each the other's builds.
  const lock = await takeMachineLock(context, 'measuring', 'measurement on this machine').catch((thrown: unknown) => {
    throw context.signal.aborted ? interrupted(run) : thrown;
  });
  let store: Store | null = null;
  let trees: Trees | null = null;
  let folders: SubjectFolders | null = null;
  let save: (() => Promise<void>) | null = null;
  let ended: GateError | null = null;
  /** What was measured counts only if nothing else was done to what it was measured with. */
  const requireContents = async (): Promise<void> => {
    await program.requireContents();
    await trees?.requireBaseContents();
    await store?.requireContents();
    await folders?.requireContents();
  };
  let isWhole = false;
  try {
    record([
      {
        line: 'run',
        schema: 'optimization-gate/samples/1',
        plan: digest,
        at: context.now().toISOString(),
        runnerClass: environmentClass,
        environment,
      },
    ]);
    await claimFolder({ path: context.storeRoot, noun: 'store', option: 'store' }, context.root);
    const trust = recordTrust(startedBy(context), plan);
    const opened = await openStore(context.storeRoot, { clock: () => context.now().getTime() });
    store = opened;
    const cached = await restoreStore(context, opened, plan, machine.cpu, trust);
    const records = await openRecordBook(opened.root, trust);
    const checkouts = await openTrees(context, plan, program);
    trees = checkouts;
    const rooms = await openSubjectFolders(opened.root, checkouts.sides);
    folders = rooms;
    await measurePlan({
      context,
      plan,
      store: opened,
      records,
      cpu: machine.cpu,
      trees: checkouts,
      folders: rooms,
      program,
      runnerClass: environmentClass,
      lanes,
      energyMeter: metered && openEnergyMeter() !== null,
      samples,
      record,
      baselines: readBaselines(run).baselines,
      samplesFile: run.samplesFile,
    });
    // What judges and reports is loaded only now.
    await requireContents();
    isWhole = true;
    save = async () => {
      await records.restore();
      records.forget(await keepToBudget(context, opened));
      await saveStore(context, opened, cached, records);
    };
  } catch (thrown) {
    ended = asGateError(thrown);
    throw thrown;
  } finally {
    await tidy(context, ended, [
      async () => {
        if (isWhole) return;
        await requireContents().catch((thrown: unknown) => {
          setSamplesAside(run);
          throw thrown;
        });
      },
      async () => store !== null && clearScratch(store.root),
      async () => trees?.release(),
      async () => folders?.release(),
      async () => (save !== null ? save() : store !== null && keepToBudget(context, store)),
      async () => store?.close(),
      async () => restoreRun(context, run),
      async () => {
        // The program that gets the token of the cache is one of its files.
        program.requireUnmodified();
        await keepSamples(context, run, resumption);
      },
    ]);
    lock.release();
    context.host.log.endProgress();
  }
  return lock.waitedSeconds;
};

/**
 * Ends what a run opened. What goes wrong then is said, and takes the place of no error: all that was measured is held in memory.
 * @param ended what ended the run; it is said once
 */
const tidy = async ({ host }: CommandContext, ended: GateError | null, steps: readonly (() => Promise<unknown>)[]): Promise<void> => {
  for (const step of steps)
    try {
      await step();
    } catch (thrown) {
      const error = asGateError(thrown);
      if (error.code !== ended?.code || error.message !== ended.message) host.log.warn(formatError(error));
    }
};

const restoreRun = ({ host }: CommandContext, run: RunFolder): void => {
  const changed = restoreFiles(run);
  if (changed.length === 0) return;
  host.log.warn(
    `While it measured, something else wrote to ${changed.join(', ')} in ${run.folder}. The files were written again as the gate had them.`,
  );
};
