import { makeArtefacts } from '../building/artefacts.ts';
import type { Workshop } from '../building/making.ts';
import { GateError } from '../errors.ts';
import { type LaunchDemand, launchDemand } from '../gate/launch-demand.ts';
import type { Baseline } from '../records/baseline.ts';
import type { Plan } from '../records/plan.ts';
import type { SampleLine, Samples } from '../records/sample.ts';
import type { CommandContext } from '../run/context.ts';
import { clearScratch, newScratchPlace } from '../store/scratch.ts';
import { measureUntilDone } from './launch-loop.ts';
import { runRequested } from './requested-launch.ts';
import { sharing } from './schedule.ts';
import { measurementOf, measuringOnce } from './shared-launches.ts';
import { seenBefore } from './stored-proof.ts';
import { openStoredScores } from './stored-scores.ts';

/** A plan, and all that it is measured with. */
export interface Measurement extends Workshop {
  readonly context: CommandContext;
  readonly plan: Plan;
  /** Class of machine and runtime. */
  readonly runnerClass: string;
  /** Launches that may run side by side. */
  readonly lanes: number;
  readonly energyMeter: boolean;
  /** What is recorded so far. */
  readonly samples: () => Samples;
  readonly record: (lines: readonly SampleLine[]) => void;
  /** Those of base. */
  readonly baselines: readonly Baseline[];
  /** Where the samples are kept, for errors. */
  readonly samplesFile: string;
}

/**
 * Builds what the plan lists, settles each cell, and runs launches until the rule wants no more. Throws `interrupted` after the signal, and
 * what is no fault of the judged code.
 */
export const measurePlan = async (measurement: Measurement): Promise<void> => {
  const { context, plan, store, records, trees, folders, program, runnerClass, lanes, energyMeter, samples, record } = measurement;
  const artefacts = await makeArtefacts(context, plan, samples(), record, measurement).catch(
    // The signal ends every process: what they say of that is no error.
    unlessAborted(context),
  );
  if (artefacts === null || context.signal.aborted) {
    record([{ line: 'stopped', reason: 'interrupted' }]);
    throw interrupted(measurement);
  }
  await clearScratch(store.root);
  const node = process.version;
  const proving = { plan, runnerClass, node, records, baselines: measurement.baselines };
  record(seenBefore(proving, samples().settled.values()));
  let seen = samples();
  const measuring = {
    context,
    plan,
    program,
    artefacts,
    trees,
    folders,
    store,
    records,
    scratch: newScratchPlace(store.root),
    scores: openStoredScores(records),
    seen: () => seen,
    proving,
    runnerClass,
    node,
    energyMeter,
  };
  await trees.beginLaunches();
  const nameOf = measurementOf(plan, artefacts);
  const ending = await measureUntilDone<LaunchDemand>({
    demand: () => {
      seen = samples();
      return launchDemand(plan, seen);
    },
    run: measuringOnce((wanted) => runRequested(measuring, wanted), nameOf),
    measurementOf: nameOf,
    record,
    progress: (state) => context.host.log.progress(state),
    lanes,
    sharing: sharing({ energyMeter, event: plan.event }),
    clock: context.clock,
    deadline: plan.budgetMinutes === null ? null : context.clock() + plan.budgetMinutes * 60_000,
    signal: context.signal,
  });
  if (ending === 'interrupted') throw interrupted(measurement);
};

const unlessAborted =
  ({ signal }: CommandContext) =>
  (thrown: unknown): null => {
    if (signal.aborted) return null;
    throw thrown;
  };

/** The error of a run that a signal ended. */
export const interrupted = ({ samplesFile }: Pick<Measurement, 'samplesFile'>): GateError =>
  new GateError('interrupted', 'The run was stopped by a signal. Its measurement is not complete; what was measured is kept.', {
    where: samplesFile,
  });
