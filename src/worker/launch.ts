import { GateError } from '../errors.ts';
import type { CallPoint, OperatingPoint } from '../records/metric.ts';
import type { FromWorker, LaunchRequest } from '../records/protocol.ts';
import type { ArmId } from '../records/words.ts';
import type { LoadedModel } from '../runtime/decoder.ts';
import { deriveSeed, seededRandom, shuffled } from '../statistics/random.ts';
import { armArtefact, forArm } from './arm.ts';
import { openPolicyHosts, type PolicyHosts, playEpisodes, tuneCell } from './episode.ts';
import { evaluateArms } from './evaluation.ts';
import { measureExternally } from './external.ts';
import type { LaunchTools } from './launch-tools.ts';
import { type ModelPool, openModelPool } from './model-pool.ts';
import { type Columns, interleave, minimumRounds, secondsPerPoint } from './rounds.ts';
import { repeatAlone } from './solo.ts';

/** How much the planted control slows its arm: far above what any usable machine could miss. */
const plantedFraction = 0.25;

type Measured = Extract<FromWorker, { type: 'measured' }>;
type PointResult = { readonly values: Columns; readonly warnings: string[]; readonly traces?: Measured['traces'] };

/** What the points of one launch share. */
interface Launching {
  readonly request: LaunchRequest;
  readonly tools: LaunchTools;
  readonly pool: ModelPool;
  readonly hosts: PolicyHosts;
  /** Of timed calls. */
  readonly models: ReadonlyMap<ArmId, LoadedModel>;
}

/**
 * Everything that one fresh process measures: its points one after the other, the arms of timed points loaded side by side.
 * Throws a coded error that names the arm whose model or policy failed.
 */
export const runLaunch = async (request: LaunchRequest, tools: LaunchTools): Promise<Measured> => {
  const started = tools.clock.wall();
  const pool = openModelPool(tools.openModel);
  const hosts = openPolicyHosts(request);
  try {
    const models = await openArms(request, tools);
    const launching = { request, tools, pool, hosts, models };
    const points: Measured['points'][number][] = [];
    const traces: Measured['traces'][number][] = [];
    for (const point of request.points) {
      tools.beat(point.id);
      const { values, warnings, traces: traced = [] } = await runPoint(point, launching);
      points.push({ point: point.id, values, warnings });
      traces.push(...traced);
    }
    const tuned = request.purpose === 'tune' ? { tuned: await tuneCell(await tools.player(request.like), launching) } : {};
    await pool.close();
    for (const model of models.values()) await model.release();
    return { type: 'measured', points, traces, ...tuned, process: tools.processFacts((tools.clock.wall() - started) / 1000) };
  } finally {
    await hosts.close();
  }
};

const runPoint = async (point: OperatingPoint, launching: Launching): Promise<PointResult> => {
  const { request, models, tools, hosts } = launching;
  switch (point.kind) {
    case 'call':
      return { values: await timeCalls(point, request, models, tools), warnings: [] };
    case 'evaluation':
      return evaluateArms(point, request, tools);
    case 'inspection':
      return (await import('./inspection.ts')).inspectArms(point, request);
    case 'solo':
      return repeatOnly(point, request, models, tools);
    case 'external':
      return { values: await measureExternally(point, request, tools), warnings: [] };
    case 'episode':
      return playEpisodes(point, await tools.player(request.like), launching, hosts);
    case 'build':
      throw new GateError('internal', `a launch does not run ${point.kind} points`, { where: point.id });
  }
};

/** Every arm of a timed call has a session of its own, even where two serve the same bytes: as in any other launch. */
const openArms = async (request: LaunchRequest, tools: LaunchTools): Promise<Map<ArmId, LoadedModel>> => {
  const models = new Map<ArmId, LoadedModel>();
  const timed = request.points.filter((point) => point.kind === 'call' || point.kind === 'solo').flatMap(({ arms }) => arms);
  const arms = request.arms.filter((arm) => timed.includes(arm));
  // The order of loading is drawn too: the first session of a process is not like the others.
  for (const arm of shuffled(arms, seededRandom(deriveSeed(request.seed, request.launch, 'load'))))
    models.set(arm, await forArm(arm, () => tools.openModel(armArtefact(request, arm))));
  return models;
};

const timeCalls = async (
  point: CallPoint,
  request: LaunchRequest,
  models: ReadonlyMap<ArmId, LoadedModel>,
  tools: LaunchTools,
): Promise<Columns> => {
  const calls = new Map<ArmId, () => Promise<unknown>>();
  for (const [arm, model] of models)
    if (point.arms.includes(arm)) calls.set(arm, await forArm(arm, () => model.prepareCall(point, request.seed)));
  return interleave({
    calls,
    rounds: point.rounds,
    warmUp: point.warmUp,
    seconds: secondsPerPoint(request.purpose),
    minimumRounds: Math.min(minimumRounds, point.rounds),
    random: seededRandom(deriveSeed(request.seed, request.launch, point.id)),
    clock: tools.clock,
    beat: () => tools.beat(point.id),
    ...(request.control === 'planted' ? { planted: { arm: 'head' as const, fraction: plantedFraction } } : {}),
  });
};

const repeatOnly = async (
  point: Extract<OperatingPoint, { kind: 'solo' }>,
  request: LaunchRequest,
  models: ReadonlyMap<ArmId, LoadedModel>,
  tools: LaunchTools,
): Promise<PointResult> => {
  const { repeated } = request;
  if (repeated?.kind !== 'call') throw new GateError('internal', `there is no call ${point.of} to repeat`, { where: point.id });
  const values: Columns = {};
  const warnings = new Set<string>();
  for (const [arm, model] of models) {
    const alone = await forArm(arm, () =>
      repeatAlone(point, repeated, model, { seed: request.seed, provider: request.runtime.provider }, tools),
    );
    values[arm] = alone.series;
    for (const warning of alone.warnings) warnings.add(warning);
  }
  return { values, warnings: [...warnings] };
};
