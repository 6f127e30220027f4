import { join } from 'node:path';
import type { Artefacts } from '../building/artefacts.ts';
import type { ProgramWatch } from '../building/program-watch.ts';
import type { SubjectFolders } from '../building/subject-folders.ts';
import type { Trees } from '../building/trees.ts';
import { type ErrorCode, GateError, isInfrastructure } from '../errors.ts';
import type { LaunchDemand } from '../gate/launch-demand.ts';
import type { Plan } from '../records/plan.ts';
import type { SampleLine, Samples } from '../records/sample.ts';
import { soloRecord, tunedRecord } from '../records/stored.ts';
import { type CommandContext, workerProgram } from '../run/context.ts';
import { setupFaultOfBase, throwDiskFull } from '../run/machine-fault.ts';
import { codedOf } from '../run/worker-process.ts';
import type { RecordBook } from '../store/record-book.ts';
import type { ScratchPlace } from '../store/scratch.ts';
import type { Store } from '../store/store.ts';
import { failedLaunch, failedToStart, runLaunch } from './launch.ts';
import { launchLimits, launchRequest } from './launch-request.ts';
import { keepSeen, type ProofSetting } from './stored-proof.ts';
import type { StoredScores } from './stored-scores.ts';
import { isOnlyShown, soloBefore, soloKey, soloRecorded } from './stored-solo.ts';
import { tunedBefore, tuningKey } from './stored-tuning.ts';

/** What all launches of a run share. */
export interface Measuring {
  readonly context: CommandContext;
  readonly plan: Plan;
  readonly program: ProgramWatch;
  readonly artefacts: Artefacts;
  readonly trees: Trees;
  readonly folders: SubjectFolders;
  readonly store: Store;
  readonly records: RecordBook;
  readonly scratch: ScratchPlace;
  readonly scores: StoredScores;
  readonly proving: ProofSetting;
  readonly runnerClass: string;
  readonly node: string;
  readonly energyMeter: boolean;
  /** The samples that the latest demand rests on. */
  readonly seen: () => Samples;
}

/**
 * Runs one launch that the rule wants, or takes over what an earlier run recorded of it. A launch in which something ended before its first
 * answer is repeated once. Throws what is no fault of the judged code.
 */
export const runRequested = async (measuring: Measuring, wanted: LaunchDemand): Promise<readonly SampleLine[]> => {
  const { context, plan, store, records, scores, trees } = measuring;
  const request = await launchRequest(measuring, wanted).catch(setupFaultOfBase);
  if (request instanceof GateError) return failedLaunch(wanted, wanted, { ...codedOf(request), arm: 'base' });
  const tuning = wanted.purpose === 'tune' ? tuningKey(request, measuring.runnerClass) : null;
  const comparator = tuning === null ? null : records.read('tuned', tuning, tunedRecord);
  if (comparator !== null) return tunedBefore(wanted, comparator.value);
  const solo = soloKey(request, wanted, measuring);
  const alone = solo !== null && isOnlyShown(wanted, measuring) ? records.read('solo', solo, soloRecord) : null;
  if (alone !== null) return soloBefore(wanted, alone);
  const served = new Map(Object.values(request.artefacts).flatMap((variants) => Object.values(variants).map((one) => [one.folder, one])));
  const requireUnmodified = async (): Promise<void> => {
    await measuring.folders.requireIntact();
    for (const artefact of served.values()) await store.requireUnmodified(artefact);
  };
  const running = workerProgram(context);
  const base = plan.baseWorker === null ? null : { ...running, program: join(await trees.folder('base'), plan.baseWorker) };
  const workers = { running, base, plan, scores };
  const attempt = async (): Promise<readonly SampleLine[]> => {
    await requireUnmodified();
    const result = await runLaunch(wanted, request, workers, launchLimits(plan, request));
    // Policies and external programs ran beside it: what it measured are the artefacts only if they are the same.
    await requireUnmodified();
    await scores.keep(result.scores);
    return result.lines;
  };
  const first = await attempt();
  const repeated = failedToStart(first) && !context.signal.aborted;
  const lines = repeated ? await attempt() : first;
  // Before anything of it is recorded, and so resumed from.
  measuring.program.requireUnmodified();
  await trees.requireBase();
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
