import { availableParallelism } from 'node:os';
import { type ErrorCode, GateError } from '../errors.ts';
import { type LaunchDemand, launchDemand } from '../gate/demand.ts';
import { failedToStart, runLaunch } from '../measurement/launch.ts';
import { measureUntilDone } from '../measurement/loop.ts';
import { sharing } from '../measurement/schedule.ts';
import type { Plan } from '../records/plan.ts';
import type { SampleLine, Samples } from '../records/sample.ts';
import { soloRecord, tunedRecord } from '../records/stored.ts';
import { clearScratch } from '../store/scratch.ts';
import { openStore, type Store } from '../store/store.ts';
import { machineFacts } from '../telemetry/machine.ts';
import { openEnergyMeter } from '../telemetry/rapl.ts';
import { runnerClass } from '../telemetry/runner-class.ts';
import { type Artefacts, makeArtefacts } from './artefacts.ts';
import { restoreStore, saveStore } from './cached-store.ts';
import { type CommandContext, workerProgram } from './context.ts';
import { measurementOf, measuringOnce } from './equal-launches.ts';
import { isInfrastructure } from './infrastructure.ts';
import { isOnlyShown, soloBefore, soloKey, soloRecorded } from './known-solo.ts';
import { launchLimits, launchRequest } from './launch-request.ts';
import { takeMachineLock } from './machine-lock.ts';
import { claimFolder } from './own-folder.ts';
import { type RunFolder, readPlan, readRunSamples, recordSamples, restoreFiles } from './run-folder.ts';
import { keepSeen, type SeenSetting, seenBefore } from './seen-to-work.ts';
import { openTrees, type Trees } from './trees.ts';
import { tunedBefore, tuningKey } from './tuning.ts';

/** Bytes of artefacts that a store keeps, the longest unused go first: what the workflow cache takes without pushing out others. */
const storeBytes = 4 * 2 ** 30;

/**
 * Builds what the plan lists, settles what changed, and runs launches until the rule wants no more. Resumes what a killed run
 * left; what failed then is tried once more. Does nothing where there is nothing to compare. Throws `interrupted` after the signal: whatever is missing then says nothing of the code.
 */
export const measureRun = async (context: CommandContext, run: RunFolder): Promise<void> => {
  const { plan, digest } = readPlan(run);
  if (plan.base === null) {
    context.host.log.info('Nothing is measured: there is nothing to compare.');
    return;
  }
  const record = (lines: readonly SampleLine[]): void => recordSamples(run, lines);
  const machine = await machineFacts();
  const { provider, threads, ort } = plan.runtime;
  const lanes = provider === 'cpu' ? Math.min(2, Math.max(1, Math.floor(availableParallelism() / threads))) : 1;
  const environment = { ...machine, provider, threads, ort, lanes };
  const environmentClass = runnerClass(environment);
  const samples = (): Samples => readRunSamples(run, plan, digest).samples;
  // Refused before anything is added to them.
  samples();
  // Two runs on one machine would each measure the other, and each the other's builds.
  const lock = await takeMachineLock(context, 'measuring', 'measurement on this machine').catch((thrown: unknown) => {
    throw context.signal.aborted ? interrupted(run) : thrown;
  });
  let store: Store | null = null;
  let trees: Trees | null = null;
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
    await claimFolder({ path: context.storeRoot, noun: 'store', option: '--store' }, context.root);
    const opened = await openStore(context.storeRoot, { clock: () => context.now().getTime() });
    store = opened;
    const cached = await restoreStore(context, opened, plan, machine.cpu);
    const checkouts = await openTrees(context, plan);
    trees = checkouts;
    const workshop = { store, cpu: machine.cpu, trees: checkouts };
    const artefacts = await makeArtefacts(context, plan, samples(), record, workshop).catch(
      // The signal ends every process: what they say of that is no error.
      unlessAborted(context),
    );
    if (artefacts === null || context.signal.aborted) {
      record([{ line: 'stopped', reason: 'interrupted' }]);
      throw interrupted(run);
    }
    await clearScratch(store.root);
    const proving = { plan, runnerClass: environmentClass, node: process.version, store };
    record(await seenBefore(proving, samples().settled.values()));
    let seen = samples();
    const energyMeter = openEnergyMeter() !== null;
    const setting = { context, plan, artefacts, trees: checkouts, store: opened, seen: () => seen };
    const measuring = { ...setting, proving, runnerClass: environmentClass, node: process.version, energyMeter };
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
    // What this run used is leased and stays.
    await store.evict({ maxBytes: storeBytes, minFreeBytes: 0 });
    await saveStore(context, opened, cached);
  } finally {
    if (store !== null) await clearScratch(store.root);
    await trees?.release();
    await store?.close();
    const changed = restoreFiles(run);
    if (changed.length > 0)
      context.host.log.warn(
        `Something else wrote ${changed.join(', ')} in ${run.folder} while it measured. What was measured was written again.`,
      );
    lock.release();
    context.host.log.endProgress();
  }
};

const unlessAborted =
  ({ signal }: CommandContext) =>
  (thrown: unknown): null => {
    if (signal.aborted) return null;
    throw thrown;
  };

const interrupted = (run: RunFolder): GateError =>
  new GateError('interrupted', 'stopped by a signal before the measurement was done', { where: run.samplesFile });

/** What all launches of a run share. */
interface Measuring {
  readonly context: CommandContext;
  readonly plan: Plan;
  readonly artefacts: Artefacts;
  readonly trees: Trees;
  readonly store: Store;
  readonly proving: SeenSetting;
  readonly runnerClass: string;
  readonly node: string;
  readonly energyMeter: boolean;
  /** The samples that the latest demand rests on. */
  readonly seen: () => Samples;
}

const launchOne = async (measuring: Measuring, wanted: LaunchDemand): Promise<readonly SampleLine[]> => {
  const { context, plan, store } = measuring;
  const request = await launchRequest(measuring, wanted);
  const tuning = wanted.purpose === 'tune' ? tuningKey(request, measuring.runnerClass) : null;
  const yardstick = tuning === null ? null : await store.record('tuned', tuning, tunedRecord);
  if (yardstick !== null) return tunedBefore(wanted, yardstick.value);
  const solo = soloKey(request, wanted, measuring);
  const alone = solo !== null && isOnlyShown(wanted, measuring) ? await store.record('solo', solo, soloRecord) : null;
  if (alone !== null) return soloBefore(wanted, alone);
  const attempt = (): Promise<readonly SampleLine[]> => runLaunch(wanted, request, workerProgram(context), launchLimits(plan, request));
  const first = await attempt();
  const repeated = failedToStart(first) && !context.signal.aborted;
  const lines = repeated ? await attempt() : first;
  const error = lines.find((line) => line.line === 'end')?.error ?? null;
  if (error !== null && isInfrastructure(error.code) && !context.signal.aborted)
    throw new GateError(error.code as ErrorCode, error.message, { where: wanted.launch });
  await keepSeen(measuring.proving, lines, measuring.seen(), context.now());
  const tuned = lines.find((line) => line.line === 'tuned');
  if (tuning !== null && tuned !== undefined) await store.putRecord('tuned', tuning, { value: tuned.value });
  const recorded = solo === null ? null : soloRecorded(lines, context.now());
  if (solo !== null && recorded !== null) await store.putRecord('solo', solo, recorded);
  return repeated ? [...first, ...lines] : lines;
};
