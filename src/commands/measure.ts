import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ErrorCode, GateError } from '../errors.ts';
import { type LaunchDemand, launchDemand } from '../gate/demand.ts';
import { runLaunch } from '../measurement/launch.ts';
import { measureUntilDone } from '../measurement/loop.ts';
import { sharing } from '../measurement/schedule.ts';
import { takeLock } from '../records/lock-file.ts';
import type { CallPoint } from '../records/metric.ts';
import type { Plan } from '../records/plan.ts';
import type { ArtefactRef } from '../records/protocol.ts';
import type { SampleLine } from '../records/sample.ts';
import { appendLines } from '../records/samples-file.ts';
import { openStore, type Store } from '../store/store.ts';
import { machineFacts } from '../telemetry/machine.ts';
import { openEnergyMeter } from '../telemetry/rapl.ts';
import { runnerClass } from '../telemetry/runner-class.ts';
import { type Artefacts, makeArtefacts } from './artefacts.ts';
import { restoreStore, saveStore } from './cached-store.ts';
import { type CommandContext, workerProgram } from './context.ts';
import { isInfrastructure } from './infrastructure.ts';
import { modelFolderOf } from './plan.ts';
import { type RunFolder, readPlan, readRunSamples } from './run-folder.ts';

/** Bytes of artefacts that a store keeps, the longest unused go first: what the workflow cache takes without pushing out others. */
const storeBytes = 4 * 2 ** 30;

/**
 * Builds what the plan lists, settles what changed, and runs launches until the rule wants no more. Resumes what a killed run
 * left; what failed then is tried once more. Throws `interrupted` after the signal: whatever is missing then says nothing of the code.
 */
export const measureRun = async (context: CommandContext, run: RunFolder): Promise<void> => {
  const { plan, digest } = readPlan(run);
  const record = (lines: readonly SampleLine[]): void => appendLines(run.samplesFile, lines);
  const machine = await machineFacts();
  const { provider, threads, ort } = plan.runtime;
  const lanes = provider === 'cpu' ? Math.min(2, Math.max(1, Math.floor(availableParallelism() / threads))) : 1;
  const environment = { ...machine, provider, threads, ort, lanes };
  const { launches } = readRunSamples(run, digest).samples;
  const stranger = launches.find(({ cell }) => !plan.cells.some(({ id }) => id === cell));
  if (stranger !== undefined)
    throw new GateError('run-mismatch', `launch ${stranger.id} belongs to ${stranger.cell}, which the plan does not have`, {
      where: run.samplesFile,
    });
  // Two runs on one machine would each measure the other, and each the other's builds.
  const lock = await takeLock(join(tmpdir(), 'optimization-gate', 'measuring.lock'), {
    clock: () => context.now().getTime(),
    waitSeconds: Number.POSITIVE_INFINITY,
    onWait: (holder) =>
      context.host.log.info(`Waiting for another measurement on this machine${holder === null ? '' : ` (process ${holder.pid})`}.`),
    signal: context.signal,
  }).catch((thrown: unknown) => {
    throw context.signal.aborted ? interrupted(run) : thrown;
  });
  let store: Store | null = null;
  try {
    record([
      {
        line: 'run',
        schema: 'optimization-gate/samples/1',
        plan: digest,
        at: context.now().toISOString(),
        runnerClass: runnerClass(environment),
        environment,
      },
    ]);
    const cached = await restoreStore(context, plan, machine.cpu);
    store = await openStore(context.storeRoot, { clock: () => context.now().getTime() });
    const workshop = { store, cpu: machine.cpu };
    const artefacts = await makeArtefacts(context, plan, readRunSamples(run, digest).samples, record, workshop).catch(
      // The signal ends every process: what they say of that is no error.
      unlessAborted(context),
    );
    if (artefacts === null || context.signal.aborted) {
      record([{ line: 'stopped', reason: 'interrupted' }]);
      throw interrupted(run);
    }
    const ending = await measureUntilDone<LaunchDemand>({
      demand: () => launchDemand(plan, readRunSamples(run, digest).samples),
      run: (wanted) => launchOne(context, plan, wanted, artefacts),
      record,
      progress: (state) => context.host.log.progress(state),
      lanes,
      sharing: sharing({ energyMeter: openEnergyMeter() !== null, event: plan.event }),
      clock: context.clock,
      deadline: plan.budgetMinutes === null ? null : context.clock() + plan.budgetMinutes * 60_000,
      signal: context.signal,
    });
    if (ending === 'interrupted') throw interrupted(run);
    // What this run used is leased and stays.
    await store.evict({ maxBytes: storeBytes, minFreeBytes: 0 });
    await saveStore(context, plan, machine.cpu, cached);
  } finally {
    await store?.close();
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

const launchOne = async (
  context: CommandContext,
  plan: Plan,
  wanted: LaunchDemand,
  artefacts: Artefacts,
): Promise<readonly SampleLine[]> => {
  const cell = plan.cells.find(({ id }) => id === wanted.cell);
  const model = plan.models.find(({ id }) => id === cell?.model);
  if (model === undefined) throw new GateError('internal', `the plan has no model for ${wanted.cell}`);
  const reference = artefacts.references.get(cell?.model ?? '');
  const arms: Record<string, Record<string, ArtefactRef>> = {};
  if (reference !== undefined) arms['reference'] = { main: reference };
  for (const arm of cell?.arms ?? []) {
    const variants = Object.entries(arm.builds).flatMap(([variant, key]) => {
      const artefact = artefacts.built.get(key);
      return artefact === undefined ? [] : [[variant, artefact] as const];
    });
    arms[arm.id] = Object.fromEntries(variants);
  }
  // Controls compare base with itself: whatever they find is the machine's doing.
  if (wanted.control !== 'none' && arms['base'] !== undefined) arms['head'] = arms['base'];
  const solo = wanted.points.find((point) => point.kind === 'solo');
  const repeated = cell?.points.find((point): point is CallPoint => point.kind === 'call' && point.id === solo?.of) ?? null;
  const lines = await runLaunch(
    wanted,
    {
      type: 'launch',
      launch: wanted.launch,
      purpose: wanted.purpose,
      control: wanted.control,
      arms: [...wanted.arms],
      points: [...wanted.points],
      repeated,
      artefacts: arms,
      model: modelFolderOf(context, model.folder),
      modelDigest: model.digest,
      seed: plan.seed,
      runtime: { digest: plan.runtime.digest, provider: plan.runtime.provider, threads: plan.runtime.threads },
      store: context.storeRoot,
    },
    workerProgram(context),
    { seconds: plan.limits.seconds, silenceSeconds: plan.limits.seconds, memoryBytes: plan.limits.memoryBytes },
  );
  const error = lines.find((line) => line.line === 'end')?.error ?? null;
  if (error !== null && isInfrastructure(error.code) && !context.signal.aborted)
    throw new GateError(error.code as ErrorCode, error.message, { where: wanted.launch });
  return lines;
};
