import type { OperatingPoint } from '../records/metric.ts';
import type { GatePolicy, Plan, PlannedCell } from '../records/plan.ts';
import type { Launch, LaunchPurpose, Samples, SeenPoint, SettledLine } from '../records/sample.ts';
import type { Coded } from '../records/words.ts';
import { failedStartsOf, launchFailure, repeatedWords, startFailure } from './failure.ts';
import { type Tally, tally } from './launch-tally.ts';
import { isDerived, pointOf } from './metric-key.ts';
import { type SoloSlot, soloSlots } from './solo.ts';

/** Points whose numbers rest on no clock: one launch of a cell holds them all. */
export const isOnce = (point: OperatingPoint): boolean =>
  point.kind === 'evaluation' || point.kind === 'generation' || point.kind === 'inspection' || (point.kind === 'episode' && point.exact);

/** Points that are timed launch by launch. */
export const isTimed = (point: OperatingPoint): boolean =>
  point.kind === 'call' || point.kind === 'external' || (point.kind === 'episode' && !point.exact);

/** Launches by which a requirement of a number that varies is tested: those of the first look, or of a first impression. */
export const requirementLaunches = ({ looks, screen }: Pick<GatePolicy, 'looks' | 'screen'>): number => looks[0]?.launches ?? screen;

/** Launches of a cell whose result is the same whatever arm they compare with. */
export const impactLaunches = 3;

/** `pending`: nothing is known of its artefacts yet. `report`: it has no samples of its own, only figures over other cells. */
export type CellStatus = SettledLine['status'] | 'pending' | 'report';

/** What is known of one cell: settled by the orchestrator, and what its launches (self-checks excluded) became. */
export interface CellState {
  readonly cell: PlannedCell;
  readonly status: CellStatus;
  readonly settled: SettledLine | null;
  /**
   * Why the cell fails: its artefacts, a launch that the head failed, too many lost ones, or too
   * many failed starts.
   */
  readonly failure: Coded | null;
  /** Whether something of it failed, rather than being discarded too often. */
  readonly broken: boolean;
  /** The failure is base's alone: head was made and nothing of it failed, so that it is measured without a base. */
  readonly onlyBase: boolean;
  /** What failed and was measured anew, in words. */
  readonly repeated: readonly string[];
  /** Points at which base and head are compared by launches: all of a changed cell, none of an unchanged one whose code is equal too. */
  readonly compared: readonly OperatingPoint[];
  /** Points of an unchanged cell that an earlier run is known to have run to their end, by id. */
  readonly seen: Readonly<Record<string, SeenPoint>>;
  /** Points that no launch has run to its end, in this run or in one of `seen`. */
  readonly unseen: readonly OperatingPoint[];
  readonly tune: Tally;
  readonly once: Tally;
  readonly screen: Tally;
  readonly confirm: Tally;
  readonly impact: Tally;
  readonly requirement: Tally;
  readonly solo: readonly { readonly slot: SoloSlot; readonly launches: readonly Launch[]; readonly tally: Tally }[];
  /** Of any status, for choosing fresh indices. */
  readonly launches: Readonly<Record<LaunchPurpose, readonly Launch[]>>;
}

const statusOf = (cell: PlannedCell, settled: SettledLine | null): CellStatus => {
  if (cell.skipped !== null) return 'skipped';
  if (cell.presence === 'removed') return 'removed';
  if (cell.metrics.every(isDerived) && cell.points.length === 0) return 'report';
  return settled?.status ?? 'pending';
};

/** Points at which launches compare base and head in a cell of this status. */
export const comparedPoints = (cell: PlannedCell, status: CellStatus): readonly OperatingPoint[] => {
  if (status === 'changed') return cell.points;
  if (status !== 'unchanged' || equalCode(cell)) return [];
  const wanted = new Set(cell.metrics.filter((spec) => spec.identity === 'code').map((spec) => pointOf(cell, spec)));
  // All exact points share one launch, so needing one of them means running all.
  const anyExact = cell.points.some((point) => wanted.has(point) && isOnce(point));
  return cell.points.filter((point) => wanted.has(point) || (anyExact && isOnce(point)));
};

/** Whether both arms of the plan run the same, whatever it makes. */
export const equalCode = (cell: PlannedCell): boolean => {
  const [head, base] = ['head', 'base'].map((id) => cell.arms.find((arm) => arm.id === id));
  return head === undefined || base === undefined || head.code === base.code;
};

/** Whether everything that the arm serves was built. */
const isMade = (plan: Plan, cell: PlannedCell, id: 'head' | 'base', built: Samples['built']): boolean => {
  const arm = cell.arms.find((each) => each.id === id);
  const optional = new Set(plan.builds.filter((build) => build.cell === cell.id && build.mayFail !== 'never').map((build) => build.key));
  return arm !== undefined && Object.values(arm.builds).every((key) => optional.has(key) || (built.get(key)?.artefact ?? null) !== null);
};

/** What an earlier run proves of the very arm that this run settled. */
const seenOf = (cell: PlannedCell, status: CellStatus, settled: SettledLine | null, samples: Samples): CellState['seen'] => {
  const line = samples.seen.get(cell.id);
  return status === 'unchanged' && line !== undefined && line.arm === settled?.arms['head'] ? line.points : {};
};

const holdsPoint = ({ points }: Launch, { id }: OperatingPoint): boolean => Object.hasOwn(points, id);

/** A launch that was discarded for the state of the machine has run to its end all the same. */
const unseenOf = (cell: PlannedCell, seen: CellState['seen'], launches: readonly Launch[]): readonly OperatingPoint[] =>
  cell.points.filter(
    (point) =>
      (isOnce(point) || isTimed(point)) &&
      !Object.hasOwn(seen, point.id) &&
      !launches.some((launch) => launch.status !== 'failed' && holdsPoint(launch, point)),
  );

/** Whether a launch of this run should have given the numbers of a point. */
export const isLaunched = ({ launches }: CellState, point: OperatingPoint): boolean =>
  Object.values(launches).some((each) => each.some((launch) => launch.status === 'complete' && holdsPoint(launch, point)));

const standingOf = (plan: Plan, cell: PlannedCell, samples: Samples, all: readonly Launch[]): CellState => {
  const settled = samples.settled.get(cell.id) ?? null;
  const status = statusOf(cell, settled);
  const of = (purpose: LaunchPurpose): readonly Launch[] => all.filter((launch) => launch.purpose === purpose);
  const launches = {
    impact: of('impact'),
    once: of('once'),
    solo: of('solo'),
    tune: of('tune'),
    screen: of('screen'),
    confirm: of('confirm'),
    requirement: of('requirement'),
  };
  const tune = tally(launches.tune, 1);
  const once = tally(launches.once, 1);
  const screen = tally(launches.screen, plan.policy.screen);
  const confirm = tally(launches.confirm, plan.policy.looks[0]?.launches ?? 1);
  const impact = tally(launches.impact, impactLaunches);
  const requirement = tally(launches.requirement, requirementLaunches(plan.policy));
  const solo = soloSlots(cell).map((slot) => {
    const mine = launches.solo.filter((launch) => launch.index >= slot.start && launch.index < slot.end);
    return { slot, launches: mine, tally: tally(mine, slot.point.launches) };
  });
  const tallies = [tune, once, ...solo.map((each) => each.tally), impact, screen, confirm, requirement];
  const starts = failedStartsOf(cell, samples, all);
  const launched = launchFailure(tallies) ?? startFailure(starts);
  const unsettled =
    status === 'failed'
      ? (settled?.error ?? { code: 'build-failed', message: 'What is compared was to be built. It could not be.', arm: null })
      : null;
  const failure = launched !== null && launched.arm !== 'base' ? launched : (unsettled ?? launched);
  const seen = seenOf(cell, status, settled, samples);
  const onlyBase = (status === 'failed' || status === 'changed') && failure?.arm === 'base' && isMade(plan, cell, 'head', samples.built);
  return {
    cell,
    status,
    settled,
    failure,
    broken: unsettled !== null || tallies.some(({ failed }) => failed.length > 0),
    onlyBase,
    seen,
    unseen: unseenOf(cell, seen, all),
    repeated: repeatedWords(tallies, starts, all.length),
    compared: comparedPoints(cell, status),
    tune,
    once,
    screen,
    confirm,
    impact,
    requirement,
    solo,
    launches,
  };
};

/** Every cell of the plan, in its order, with what the samples say of it. */
export const cellStates = (plan: Plan, samples: Samples): readonly CellState[] => {
  const byCell = new Map<string, Launch[]>();
  for (const launch of samples.launches) {
    if (launch.selfCheck) continue;
    const list = byCell.get(launch.cell);
    if (list === undefined) byCell.set(launch.cell, [launch]);
    else list.push(launch);
  }
  return plan.cells.map((cell) => standingOf(plan, cell, samples, byCell.get(cell.id) ?? []));
};

/** Whether every cell that has artefacts is known. */
export const allSettled = (cells: readonly CellState[]): boolean => cells.every((each) => each.status !== 'pending');
