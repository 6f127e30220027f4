import type { Artefacts } from '../building/artefacts.ts';
import { modelPaths } from '../building/side-program.ts';
import { subjectArgv } from '../building/subject-command.ts';
import type { SubjectFolders } from '../building/subject-folders.ts';
import type { Trees } from '../building/trees.ts';
import { GateError } from '../errors.ts';
import type { LaunchDemand } from '../gate/launch-demand.ts';
import { liveArms } from '../gate/self-check.ts';
import { modelFolderOf } from '../planning/plan.ts';
import type { CallPoint } from '../records/metric.ts';
import type { Plan, PlannedCell } from '../records/plan.ts';
import type { ArtefactRef, LaunchRequest, PolicyProcess } from '../records/protocol.ts';
import type { Samples } from '../records/sample.ts';
import type { Json } from '../records/words.ts';
import type { CommandContext } from '../run/context.ts';
import type { WorkerLimits } from '../run/worker-process.ts';
import type { ScratchPlace } from '../store/scratch.ts';
import { measuredBy, measuredWith } from './measuring-workers.ts';
import type { StoredScores } from './stored-scores.ts';

export interface LaunchSetting {
  readonly context: CommandContext;
  readonly plan: Plan;
  readonly artefacts: Artefacts;
  readonly trees: Trees;
  readonly folders: SubjectFolders;
  readonly scratch: ScratchPlace;
  readonly scores: StoredScores;
  /** The samples that the launch was asked for by. */
  readonly seen: () => Samples;
}

/** Everything that a launch is made with, for the worker. Throws `setup-failed`, or `base-setup-failed`, when a policy's tree cannot be set up. */
export const launchRequest = async (setting: LaunchSetting, wanted: LaunchDemand): Promise<LaunchRequest> => {
  const { context, plan, artefacts } = setting;
  const cell = plan.cells.find(({ id }) => id === wanted.cell);
  if (cell === undefined) throw new GateError('internal', `The plan has no cell ${wanted.cell}.`);
  const model = plan.models.find(({ id }) => id === cell.model) ?? null;
  const reference = referenceIn(artefacts, cell);
  if (cell.model !== null && (model === null || reference === undefined))
    throw new GateError('internal', `The plan has no model for ${wanted.cell}.`);
  const solo = wanted.points.find((point) => point.kind === 'solo');
  const served = reference === undefined ? {} : servedArtefacts(cell, wanted, artefacts, reference);
  const runtime = measuredWith(plan, measuredBy(plan, wanted));
  return {
    type: 'launch',
    launch: wanted.launch,
    purpose: wanted.purpose,
    selfCheck: wanted.selfCheck,
    arms: [...wanted.arms],
    points: [...wanted.points],
    repeated: cell.points.find((point): point is CallPoint => point.kind === 'call' && point.id === solo?.of) ?? null,
    artefacts: served,
    like: cell.like,
    options: cell.options,
    policies: await policies(setting, cell, wanted),
    tuned: tunedOf(setting.seen(), cell),
    model: model === null ? null : modelFolderOf(context, model.folder),
    modelDigest: model?.digest ?? null,
    seed: plan.seed,
    runtime,
    scores: setting.scores.of({ artefacts: served, modelDigest: model?.digest ?? null, runtime }),
    scratch: setting.scratch,
  };
};

/** The graphs of a cell's model; undefined without one. */
const referenceIn = ({ references }: Pick<Artefacts, 'references'>, { model }: PlannedCell): ArtefactRef | undefined =>
  model === null ? undefined : references.get(model);

/**
 * arm → variant → artefact. An arm that builds no `main` serves the reference model as that. Where no arm builds one the variants are a
 * pool, and the reference has base's (head's where there is no base); else it has the reference model under every name.
 */
export const servedArtefacts = (
  cell: PlannedCell,
  wanted: Pick<LaunchDemand, 'selfCheck'>,
  artefacts: Pick<Artefacts, 'built'>,
  reference: ArtefactRef,
): Record<string, Record<string, ArtefactRef>> => {
  const names = new Set(cell.arms.flatMap(({ builds }) => Object.keys(builds)));
  const model = { main: reference };
  const arms: Record<string, Record<string, ArtefactRef>> = {};
  for (const { id, builds } of cell.arms) {
    const variants = Object.entries(builds).flatMap(([variant, key]) => {
      const artefact = artefacts.built.get(key);
      return artefact === undefined ? [] : [[variant, artefact] as const];
    });
    arms[id] = { ...(Object.hasOwn(builds, 'main') ? {} : model), ...Object.fromEntries(variants) };
  }
  const pool = names.has('main') ? Object.fromEntries([...names].map((name) => [name, reference])) : (arms['base'] ?? arms['head']);
  arms['reference'] = { ...pool, ...model };
  for (const [comparator, variant] of Object.entries(cell.comparators)) {
    const artefact = variant === null ? reference : (arms['head']?.[variant] ?? arms['base']?.[variant]);
    if (artefact !== undefined) arms[comparator] = { main: artefact };
  }
  // A self-check compares base with itself: whatever they find is the machine's doing.
  if (wanted.selfCheck && arms['base'] !== undefined) for (const arm of liveArms) arms[arm] = arms['base'];
  return arms;
};

/** The policies of the arms that are launched; a self-check runs base's in both. */
const policies = async (setting: LaunchSetting, cell: PlannedCell, wanted: LaunchDemand): Promise<Record<string, PolicyProcess>> => {
  const { context, plan, trees, artefacts } = setting;
  const started: Record<string, PolicyProcess> = {};
  if (wanted.purpose === 'tune' || !wanted.points.some(({ kind }) => kind === 'episode' || kind === 'external')) return started;
  for (const arm of cell.arms) {
    const own = !wanted.selfCheck ? arm : (cell.arms.find(({ id }) => id === 'base') ?? arm);
    if (own.policy === null || !wanted.arms.includes(arm.id)) continue;
    const tree = await trees.folder(own.id);
    const paths = await modelPaths(own.policy, referenceIn(artefacts, cell), own.id, setting.folders);
    const confinement = trees.sides.answering(own.id);
    started[arm.id] = {
      argv: [...subjectArgv(own.policy.door, tree, context.worker, cell.id, paths)],
      cwd: tree,
      environment: { ...(await trees.environment(own.id)) },
      confinement: { ...confinement, asRoot: [...confinement.asRoot], argv: [...confinement.argv] },
      optimization: own.policy.door.kind === 'builtin' ? own.policy.door.optimization : cell.like,
      reports: own.policy.door.kind === 'measure' ? [...own.policy.door.reports] : [],
      options: own.options,
      seconds: plan.limits.seconds,
      memoryBytes: plan.limits.memoryBytes,
    };
  }
  return started;
};

/** Seconds that the worker has to end a program that met its limit, and to say so. */
const reportSeconds = 30;

/**
 * How long a launch may take: `limits.seconds` for the program of each arm that has one, and as long again for what the worker runs
 * itself. A program that meets its limit is ended by the worker, which knows whose it is: before the worker is taken to be silent.
 */
export const launchLimits = ({ limits }: Pick<Plan, 'limits'>, { policies }: Pick<LaunchRequest, 'policies'>): WorkerLimits => ({
  seconds: limits.seconds * (1 + Object.keys(policies).length),
  silenceSeconds: limits.seconds + reportSeconds,
  memoryBytes: limits.memoryBytes,
  named: 'limits.seconds',
});

const tunedOf = (samples: Samples, cell: PlannedCell): Json => {
  if (cell.tunes === null) return null;
  const launch = samples.launches.find((each) => each.cell === cell.id && each.purpose === 'tune' && each.status === 'complete');
  return launch?.tuned ?? null;
};
