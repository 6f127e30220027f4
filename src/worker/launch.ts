import { GateError } from '../errors.ts';
import { type CallPoint, minimumRounds, type OperatingPoint } from '../records/metric.ts';
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
import { isCompared, isPlaceBound, joinedColumns, placementsOf, share, warmUpShare } from './placements.ts';
import { interleave, type RoundColumns, secondsPerPoint } from './rounds.ts';
import { repeatAlone } from './solo.ts';

/** How much the planted self-check slows its arm: far above what any usable machine could miss. */
const plantedFraction = 0.25;

type Measured = Extract<FromWorker, { type: 'measured' }>;
type PointResult = { readonly values: RoundColumns; readonly warnings: string[]; readonly traces?: Measured['traces'] };

type Arms = ReadonlyMap<ArmId, LoadedModel>;

/** What the points of one launch share. */
interface Launching {
  readonly request: LaunchRequest;
  readonly tools: LaunchTools;
  readonly pool: ModelPool;
  readonly hosts: PolicyHosts;
  /** Of timed calls: the arms' sessions, each set of them opened anew. */
  readonly placements: readonly Arms[];
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
    const placements = await openPlacements(request, tools);
    const launching = { request, tools, pool, hosts, placements };
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
    for (const model of new Set(placements.flatMap((models) => [...models.values()]))) await model.release();
    const process = tools.processFacts((tools.clock.wall() - started) / 1000);
    return { type: 'measured', points, traces, ...tuned, scores: tools.scores.kept(), process };
  } finally {
    await hosts.close();
  }
};

const runPoint = async (point: OperatingPoint, launching: Launching): Promise<PointResult> => {
  const { request, placements, tools, hosts } = launching;
  switch (point.kind) {
    case 'call':
      return { values: await timeCalls(point, request, placements, tools), warnings: [] };
    case 'evaluation':
    case 'generation':
      return evaluateArms(point, request, tools);
    case 'inspection':
      return (await import('./inspection.ts')).inspectArms(point, request);
    case 'solo':
      return repeatOnly(point, request, placements, tools);
    case 'external':
      return measureExternally(point, request, tools);
    case 'episode':
      return playEpisodes(point, await tools.player(request.like), launching, hosts);
    case 'build':
      throw new GateError('internal', `A launch does not run ${point.kind} points.`, { where: point.id });
  }
};

/**
 * Every arm of a timed call has a session of its own, even where two serve the same bytes: as in any other launch. What is compared is placed
 * several times; other arms are the same in all placements.
 */
const openPlacements = async (request: LaunchRequest, tools: LaunchTools): Promise<Arms[]> => {
  const timed = request.points.filter((point) => point.kind === 'call' || point.kind === 'solo').flatMap(({ arms }) => arms);
  const arms = request.arms.filter((arm) => timed.includes(arm));
  const placements = Array.from({ length: placementsOf(request) }, () => new Map<ArmId, LoadedModel>());
  const sessions = arms.flatMap((arm) => (isCompared(arm) ? placements.map((one) => ({ arm, of: [one] })) : [{ arm, of: placements }]));
  // The order of loading is drawn too: the first session of a process is not like the others.
  for (const { arm, of } of shuffled(sessions, seededRandom(deriveSeed(request.seed, request.launch, 'load')))) {
    const model = await forArm(arm, () => tools.openModel(armArtefact(request, arm)));
    for (const models of of) models.set(arm, model);
  }
  return placements;
};

type Call = () => Promise<unknown>;

/** The calls of every placement; a model that is in several is prepared once. */
const prepareCalls = async (point: CallPoint, seed: number, placements: readonly Arms[]): Promise<ReadonlyMap<ArmId, Call>[]> => {
  const prepared = new Map<LoadedModel, Call>();
  const all: ReadonlyMap<ArmId, Call>[] = [];
  for (const models of placements) {
    const calls = new Map<ArmId, Call>();
    for (const [arm, model] of models) {
      if (!point.arms.includes(arm)) continue;
      const call = prepared.get(model) ?? (await forArm(arm, () => model.prepareCall(point, seed)));
      prepared.set(model, call);
      calls.set(arm, call);
    }
    all.push(calls);
  }
  return all;
};

/** The point's rounds, warm-up and seconds in equal shares for each placement, one after the other. */
const timeCalls = async (
  point: CallPoint,
  request: LaunchRequest,
  placements: readonly Arms[],
  tools: LaunchTools,
): Promise<RoundColumns> => {
  // All are prepared before any is timed: what one has freed would be the place of the next.
  const prepared = await prepareCalls(point, request.seed, placements.slice(0, isPlaceBound(point) ? placements.length : 1));
  const count = prepared.length;
  const random = seededRandom(deriveSeed(request.seed, request.launch, point.id));
  const parts: RoundColumns[] = [];
  for (const [at, calls] of prepared.entries())
    parts.push(
      await interleave({
        calls,
        rounds: share(point.rounds, at, count),
        warmUp: warmUpShare(point.warmUp, count),
        seconds: secondsPerPoint(request.purpose) / count,
        minimumRounds: share(Math.min(minimumRounds, point.rounds), at, count),
        random,
        clock: tools.clock,
        beat: () => tools.beat(point.id),
        ...(request.selfCheck ? { planted: { arm: 'self-check:planted' as const, fraction: plantedFraction } } : {}),
      }),
    );
  return joinedColumns(parts);
};

const repeatOnly = async (
  point: Extract<OperatingPoint, { kind: 'solo' }>,
  request: LaunchRequest,
  placements: readonly Arms[],
  tools: LaunchTools,
): Promise<PointResult> => {
  const { repeated } = request;
  if (repeated?.kind !== 'call') throw new GateError('internal', `There is no call ${point.of} to repeat.`, { where: point.id });
  const values: RoundColumns = {};
  const warnings = new Set<string>();
  for (const [arm, model] of placements[0] ?? []) {
    const alone = await forArm(arm, () =>
      repeatAlone(point, repeated, model, { seed: request.seed, provider: request.runtime.provider }, tools),
    );
    values[arm] = alone.series;
    for (const warning of alone.warnings) warnings.add(warning);
  }
  return { values, warnings: [...warnings] };
};
