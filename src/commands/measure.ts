import { availableParallelism } from 'node:os';
import { asGateError, type ErrorCode, formatError, GateError } from '../errors.ts';
import { type LaunchDemand, launchDemand } from '../gate/demand.ts';
import { codedOf, failedLaunch, failedToStart, runLaunch } from '../launching/launch.ts';
import { measureUntilDone } from '../launching/launch-loop.ts';
import { sharing } from '../launching/schedule.ts';
import { findConfinement } from '../processes/confinement.ts';
import type { Plan } from '../records/plan.ts';
import type { SampleLine, Samples } from '../records/sample.ts';
import { soloRecord, tunedRecord } from '../records/stored.ts';
import { openRecordBook, type RecordBook } from '../store/record-book.ts';
import { clearScratch, newScratchPlace, type ScratchPlace } from '../store/scratch.ts';
import { openStore, type Store } from '../store/store.ts';
import { machineFacts } from '../telemetry/machine.ts';
import { openEnergyMeter } from '../telemetry/rapl.ts';
import { runnerClass } from '../telemetry/runner-class.ts';
import { type Artefacts, makeArtefacts } from '../building/artefacts.ts';
import { restoreStore, saveStore } from '../launching/cached-store.ts';
import { startedBy } from '../planning/comparison.ts';
import { type CommandContext, withDeclared, workerProgram } from '../run/context.ts';
import { measurementOf, measuringOnce } from '../launching/shared-launches.ts';
import { isInfrastructure, setupFaultOfBase, throwDiskFull } from '../run/machine-fault.ts';
import { type KnownScores, openKnownScores } from '../launching/stored-scores.ts';
import { isOnlyShown, soloBefore, soloKey, soloRecorded } from '../launching/stored-solo.ts';
import { launchLimits, launchRequest } from '../launching/launch-request.ts';
import { takeMachineLock } from '../run/machine-lock.ts';
import { claimFolder } from '../run/own-folder.ts';
import { type ProgramWatch, watchProgram } from '../building/program-watch.ts';
import { recordTrust } from '../launching/record-trust.ts';
import { keepSamples, resumeSamples } from '../launching/resumed-samples.ts';
import { type RunFolder, readPlan, readRunSamples, recordSamples, restoreFiles } from '../run/run-folder.ts';
import { keepSeen, type SeenSetting, seenBefore } from '../launching/stored-proof.ts';
import { keepToBudget } from './store-budget.ts';
import { openSubjectFolders, type SubjectFolders } from '../building/subject-folders.ts';
import { openTrees, type Trees } from '../building/trees.ts';
import { tunedBefore, tuningKey } from '../launching/stored-tuning.ts';

/**
 * Builds what the plan lists, settles what changed, and runs launches until the rule wants no more. Resumes what a killed run
 * left; what failed then is tried once more. Does nothing where there is nothing to compare. Throws `interrupted` after the signal: whatever is missing then says nothing of the code.
 */
export const measureRun = async (started: CommandContext, run: RunFolder): Promise<void> => {
  const { plan, digest } = readPlan(run);
  const context = withDeclared(started, plan.environment);
  if (plan.cells.length === 0) {
    context.host.log.info('There is nothing to compare, so nothing is measured.');
    return;
  }
  const record = (lines: readonly SampleLine[]): void => recordSamples(run, lines);
  const [machine, program] = await Promise.all([machineFacts(), watchProgram(context)]);
  const { provider, threads, ort } = plan.runtime;
  const lanes = provider === 'cpu' ? Math.min(2, Math.max(1, Math.floor(availableParallelism() / threads))) : 1;
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
    const checkouts = await openTrees(context, plan, program.settle);
    trees = checkouts;
    const rooms = await openSubjectFolders(opened.root, checkouts.sides);
    folders = rooms;
    const workshop = { store: opened, records, cpu: machine.cpu, trees: checkouts, folders: rooms, program };
    const artefacts = await makeArtefacts(context, plan, samples(), record, workshop).catch(
      // The signal ends every process: what they say of that is no error.
      unlessAborted(context),
    );
    if (artefacts === null || context.signal.aborted) {
      record([{ line: 'stopped', reason: 'interrupted' }]);
      throw interrupted(run);
    }
    await clearScratch(opened.root);
    const proving = { plan, runnerClass: environmentClass, node: process.version, records };
    record(seenBefore(proving, samples().settled.values()));
    let seen = samples();
    const energyMeter = openEnergyMeter() !== null;
    const shared = { scratch: newScratchPlace(opened.root), scores: openKnownScores(records) };
    const setting = {
      context,
      plan,
      program,
      artefacts,
      trees: checkouts,
      folders: rooms,
      store: opened,
      records,
      ...shared,
      seen: () => seen,
    };
    const measuring = { ...setting, proving, runnerClass: environmentClass, node: process.version, energyMeter };
    await checkouts.beginLaunches();
    const nameOf = measurementOf(plan, artefacts);
    const ending = await measureUntilDone<LaunchDemand>({
      demand: () => {
        seen = samples();
        return launchDemand(plan, seen);
      },
      run: measuringOnce((wanted) => launchOne(measuring, wanted), nameOf),
      measurementOf: nameOf,
      record,
      progress: (state) => context.host.log.progress(state),
      lanes,
      sharing: sharing({ energyMeter, event: plan.event }),
      clock: context.clock,
      deadline: plan.budgetMinutes === null ? null : context.clock() + plan.budgetMinutes * 60_000,
      signal: context.signal,
    });
    if (ending === 'interrupted') throw interrupted(run);
    // What judges and reports is loaded only now.
    program.requireUntouched();
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
      async () => store !== null && clearScratch(store.root),
      async () => trees?.release(),
      async () => folders?.release(),
      async () => (save !== null ? save() : store !== null && keepToBudget(context, store)),
      async () => store?.close(),
      async () => restoreRun(context, run),
      async () => {
        // The program that gets the token of the cache is one of its files.
        program.requireUntouched();
        await keepSamples(context, run, resumption);
      },
    ]);
    lock.release();
    context.host.log.endProgress();
  }
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

const unlessAborted =
  ({ signal }: CommandContext) =>
  (thrown: unknown): null => {
    if (signal.aborted) return null;
    throw thrown;
  };

const interrupted = (run: RunFolder): GateError =>
  new GateError('interrupted', 'The run was stopped by a signal. Its measurement is not complete; what was measured is kept.', {
    where: run.samplesFile,
  });

/** What all launches of a run share. */
interface Measuring {
  readonly context: CommandContext;
  readonly plan: Plan;
  readonly program: ProgramWatch;
  readonly artefacts: Artefacts;
  readonly trees: Trees;
  readonly folders: SubjectFolders;
  readonly store: Store;
  readonly records: RecordBook;
  readonly scratch: ScratchPlace;
  readonly scores: KnownScores;
  readonly proving: SeenSetting;
  readonly runnerClass: string;
  readonly node: string;
  readonly energyMeter: boolean;
  /** The samples that the latest demand rests on. */
  readonly seen: () => Samples;
}

const launchOne = async (measuring: Measuring, wanted: LaunchDemand): Promise<readonly SampleLine[]> => {
  const { context, plan, store, records, scores } = measuring;
  const request = await launchRequest(measuring, wanted).catch(setupFaultOfBase);
  if (request instanceof GateError) return failedLaunch(wanted, wanted, { ...codedOf(request), arm: 'base' });
  const tuning = wanted.purpose === 'tune' ? tuningKey(request, measuring.runnerClass) : null;
  const yardstick = tuning === null ? null : records.read('tuned', tuning, tunedRecord);
  if (yardstick !== null) return tunedBefore(wanted, yardstick.value);
  const solo = soloKey(request, wanted, measuring);
  const alone = solo !== null && isOnlyShown(wanted, measuring) ? records.read('solo', solo, soloRecord) : null;
  if (alone !== null) return soloBefore(wanted, alone);
  const served = new Map(Object.values(request.artefacts).flatMap((variants) => Object.values(variants).map((one) => [one.folder, one])));
  const requireUntouched = async (): Promise<void> => {
    await measuring.folders.requireIntact();
    for (const artefact of served.values()) await store.requireUntouched(artefact);
  };
  const attempt = async (): Promise<readonly SampleLine[]> => {
    await requireUntouched();
    const result = await runLaunch(wanted, request, workerProgram(context), launchLimits(plan, request));
    // Policies and external programs ran beside it: what it measured are the artefacts only if they are the same.
    await requireUntouched();
    await scores.keep(result.scores);
    return result.lines;
  };
  const first = await attempt();
  const repeated = failedToStart(first) && !context.signal.aborted;
  const lines = repeated ? await attempt() : first;
  // Before anything of it is recorded, and so resumed from.
  measuring.program.requireUntouched();
  await measuring.trees.requireBase();
  const error = lines.find((line) => line.line === 'end')?.error ?? null;
  if (error !== null && !context.signal.aborted) throwDiskFull(error, wanted.launch);
  if (error !== null && isInfrastructure(error.code) && !context.signal.aborted)
    throw new GateError(error.code as ErrorCode, error.message, { where: wanted.launch });
  await keepSeen(measuring.proving, lines, measuring.seen(), context.now());
  const tuned = lines.find((line) => line.line === 'tuned');
  if (tuning !== null && tuned !== undefined) await records.write('tuned', tuning, { value: tuned.value });
  const recorded = solo === null ? null : soloRecorded(lines, context.now());
  if (solo !== null && recorded !== null) await records.write('solo', solo, recorded);
  return repeated ? [...first, ...lines] : lines;
};
