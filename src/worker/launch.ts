import { GateError } from '../errors.ts';
import type { CallPoint, OperatingPoint } from '../records/metric.ts';
import type { FromWorker, LaunchRequest } from '../records/protocol.ts';
import type { ArmId } from '../records/words.ts';
import type { LoadedModel } from '../runtime/decoder.ts';
import { deriveSeed, seededRandom, shuffled } from '../statistics/random.ts';
import { armArtefact, forArm } from './arm.ts';
import { evaluateArms } from './evaluation.ts';
import { inspectArms } from './inspection.ts';
import type { LaunchTools } from './launch-tools.ts';
import { type Columns, interleave } from './rounds.ts';
import { repeatAlone } from './solo.ts';

/** A call point takes its rounds, or this long, whichever ends first … */
const secondsPerPoint = 2;
/** … but never fewer rounds than this. */
const minimumRounds = 15;
/** How much the planted control slows its arm: far above what any usable machine could miss. */
const plantedFraction = 0.25;

type Measured = Extract<FromWorker, { type: 'measured' }>;
type PointResult = { readonly values: Columns; readonly warnings: string[] };

/**
 * Everything that one fresh process measures: its points one after the other, the arms of timed points loaded side by side.
 * Throws a coded error that names the arm whose model failed.
 */
export const runLaunch = async (request: LaunchRequest, tools: LaunchTools): Promise<Measured> => {
  const started = tools.clock.wall();
  const timed = request.points.some((point) => point.kind === 'call' || point.kind === 'solo');
  const models = timed ? await openArms(request, tools) : new Map<ArmId, LoadedModel>();
  const points: Measured['points'][number][] = [];
  for (const point of request.points) {
    tools.beat(point.id);
    points.push({ point: point.id, ...(await runPoint(point, request, models, tools)) });
  }
  for (const model of models.values()) await model.release();
  return { type: 'measured', points, process: tools.processFacts((tools.clock.wall() - started) / 1000) };
};

const runPoint = async (
  point: OperatingPoint,
  request: LaunchRequest,
  models: ReadonlyMap<ArmId, LoadedModel>,
  tools: LaunchTools,
): Promise<PointResult> => {
  switch (point.kind) {
    case 'call':
      return { values: await timeCalls(point, request, models, tools), warnings: [] };
    case 'evaluation':
      return evaluateArms(point, request, tools);
    case 'inspection':
      return inspectArms(point, request);
    case 'solo':
      return repeatOnly(point, request, models, tools);
    case 'episode':
    case 'build':
      throw new GateError('internal', `a launch does not run ${point.kind} points`, { where: point.id });
  }
};

const openArms = async (request: LaunchRequest, tools: LaunchTools): Promise<Map<ArmId, LoadedModel>> => {
  const models = new Map<ArmId, LoadedModel>();
  // The order of loading is drawn too: the first session of a process is not like the others.
  for (const arm of shuffled(request.arms, seededRandom(deriveSeed(request.seed, request.launch, 'load'))))
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
    seconds: secondsPerPoint,
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
    const alone = await forArm(arm, () => repeatAlone(point, repeated, model, request.seed, tools));
    values[arm] = alone.series;
    for (const warning of alone.warnings) warnings.add(warning);
  }
  return { values, warnings: [...warnings] };
};
