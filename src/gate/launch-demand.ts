import type { OperatingPoint } from '../records/metric.ts';
import type { Plan } from '../records/plan.ts';
import type { Launch, LaunchPurpose, Samples } from '../records/sample.ts';
import type { ArmId, CellId } from '../records/words.ts';
import { allSettled, type CellState, impactLaunches, isOnce, isTimed, requirementLaunches } from './cell-state.ts';
import { forImpact, impactArms, narrowed, requiredPoints, testedArms, warmedUp } from './launch-points.ts';
import { freshIndices, tally } from './launch-tally.ts';
import { pointIdOf } from './metric-key.ts';
import { liveArms, type SelfCheckTarget, selfCheckLaunches, selfCheckStart, selfChecksOf, selfCheckTarget } from './self-check.ts';
import { hasScreen, type MetricProgress, progressOf, type TestProgress, wantedLaunches } from './test-progress.ts';

/** One fresh process that the rule wants. */
export interface LaunchDemand {
  /** Unique in the run: `CELL#PURPOSE-INDEX`. */
  readonly launch: string;
  readonly cell: CellId;
  readonly purpose: LaunchPurpose;
  readonly index: number;
  readonly arms: readonly ArmId[];
  /** What to run, each with only the arms of this launch. */
  readonly points: readonly OperatingPoint[];
  /** Base's artefact in all arms, of which `self-check:planted` is slowed by 25 %. */
  readonly selfCheck: boolean;
  /** Never beside another launch, whatever its purpose allows. */
  readonly alone: boolean;
}

const demand = (
  cellState: CellState,
  purpose: LaunchPurpose,
  index: number,
  points: readonly OperatingPoint[],
  arms: readonly ArmId[] | null,
  selfCheck = false,
): LaunchDemand => {
  const own = narrowed(points, arms);
  const used = [...new Set(own.flatMap((point) => point.arms))];
  const cell = cellState.cell.id;
  return {
    launch: `${cell}#${purpose}-${index}`,
    cell,
    purpose,
    index,
    arms: used,
    points: own,
    selfCheck,
    alone: false,
  };
};

/**
 * The launch of exact points and the solo launches, for the given arms (null: as each point says). Of an arm that is only shown one process tells
 * the peak; what becomes a baseline has all its launches.
 */
const onceAndSolo = (
  cellState: CellState,
  points: readonly OperatingPoint[],
  arms: readonly ArmId[] | null,
  event: Plan['event'],
): LaunchDemand[] => {
  const wanted: LaunchDemand[] = [];
  const once = points.filter(isOnce);
  if (once.length > 0 && cellState.once.complete.length === 0)
    wanted.push(...freshIndices(cellState.launches.once, 1).map((index) => demand(cellState, 'once', index, once, arms)));
  for (const { slot, launches, tally: done } of cellState.solo) {
    if (!points.includes(slot.point) || (arms !== null && !arms.includes(slot.arm))) continue;
    const compared = !cellState.onlyBase && cellState.compared.includes(slot.point) && (slot.arm === 'base' || slot.arm === 'head');
    const launched = compared || event === 'default-branch' ? slot.point.launches : 1;
    const indices = freshIndices(launches, Math.max(0, launched - done.complete.length), slot.start);
    wanted.push(...indices.map((index) => demand(cellState, 'solo', index, [slot.point], [slot.arm])));
  }
  return wanted;
};

/**
 * As many screening launches hold the reference model and the comparators as impact launches would: they only show what an optimization is worth. The
 * others hold what is tested.
 */
const screening = (cellState: CellState, screen: number): LaunchDemand[] => {
  if (!hasScreen(cellState)) return [];
  const points = cellState.compared.filter(isTimed).map(warmedUp);
  const tested = testedArms(cellState.cell);
  const { complete } = cellState.screen;
  const whole = complete.filter((launch) =>
    Object.values(launch.points).some(({ values }) => Object.keys(values).some((arm) => !tested.some((each) => each === arm))),
  ).length;
  return freshIndices(cellState.launches.screen, Math.max(0, screen - complete.length)).map((index, k) =>
    demand(cellState, 'screen', index, points, whole + k < impactLaunches ? null : tested),
  );
};

/**
 * The comparator of a cell is found before anything of it is measured, on base's builds where there are any: a launch whose arms are
 * whatever the tuning itself runs.
 */
const tuned = (cellState: CellState, wanted: readonly LaunchDemand[]): readonly LaunchDemand[] => {
  if (wanted.length === 0 || cellState.cell.tunes === null || cellState.tune.complete.length > 0) return wanted;
  const own = cellState.cell.arms.some(({ id }) => id === 'base') ? 'base' : 'head';
  return freshIndices(cellState.launches.tune, 1).map((index) => ({
    ...demand(cellState, 'tune', index, [], null),
    arms: ['reference', own],
    alone: cellState.cell.tunes === 'alone',
  }));
};

const impacts = (cellState: CellState, event: Plan['event']): LaunchDemand[] => {
  const points = cellState.cell.points.filter(isTimed).map(forImpact);
  const missing = points.length === 0 ? 0 : Math.max(0, impactLaunches - cellState.impact.complete.length);
  const arms = impactArms(cellState.cell);
  return [
    ...onceAndSolo(cellState, cellState.cell.points, arms, event),
    ...freshIndices(cellState.launches.impact, missing).map((index) => demand(cellState, 'impact', index, points, arms)),
  ];
};

/** Launches that tell whether head holds what is required of it; where there is no base, without it. */
const requirements = (cellState: CellState, policy: Plan['policy']): LaunchDemand[] => {
  const { cell, status, launches, requirement, onlyBase } = cellState;
  if (status !== 'new' && status !== 'changed' && !onlyBase) return [];
  const points = requiredPoints(cell);
  const missing = points.length === 0 ? 0 : Math.max(0, requirementLaunches(policy) - requirement.complete.length);
  const arms = status === 'changed' && !onlyBase ? null : impactArms(cell);
  return freshIndices(launches.requirement, missing).map((index) => demand(cellState, 'requirement', index, points, arms));
};

/**
 * One launch of each kind in which an unchanged cell is not known to work: what cannot be run is no
 * pass, and what ran once on this class of runner need not run again.
 */
const proofs = (cellState: CellState): LaunchDemand[] => {
  const { cell, unseen, launches, once, impact } = cellState;
  const arms = impactArms(cell);
  const exact = once.complete.length === 0 && unseen.some(isOnce) ? cell.points.filter(isOnce) : [];
  const timed = impact.complete.length === 0 ? unseen.filter(isTimed).map(forImpact) : [];
  return [
    ...freshIndices(launches.once, Math.min(1, exact.length)).map((index) => demand(cellState, 'once', index, exact, arms)),
    ...freshIndices(launches.impact, Math.min(1, timed.length)).map((index) => demand(cellState, 'impact', index, timed, arms)),
  ];
};

/** Fresh launches of one cell: each holds the points that still lack one. */
const confirms = (cellState: CellState, metrics: readonly MetricProgress[], lastLook: number): LaunchDemand[] => {
  const lacking = new Map<string, number>();
  for (const each of metrics) {
    const missing = wantedLaunches(each) - (each.tested.confirm.status === 'read' ? each.tested.confirm.value.length : 0);
    if (missing <= 0) continue;
    const { spec } = each.tested;
    lacking.set(pointIdOf(spec), Math.max(missing, lacking.get(pointIdOf(spec)) ?? 0));
  }
  // A launch that ends complete without its points would be asked for again and again: three families of looks are the most there can be.
  const room = Math.max(0, 4 * lastLook - cellState.launches.confirm.length);
  // Also what a metric of the same point is taken against that asks for none: it reads them all.
  const arms = testedArms(cellState.cell);
  const indices = freshIndices(cellState.launches.confirm, Math.min(room, Math.max(0, ...lacking.values())));
  return indices.map((index, k) => {
    const points = cellState.cell.points.filter((point) => (lacking.get(point.id) ?? 0) > k).map(warmedUp);
    return demand(cellState, 'confirm', index, points, arms);
  });
};

const selfChecks = (target: SelfCheckTarget, samples: Samples): LaunchDemand[] => {
  const launches: readonly Launch[] = selfChecksOf(samples, target);
  const done = tally(launches, selfCheckLaunches);
  if (done.failed.length > 0 || done.overLost) return [];
  const missing = Math.max(0, selfCheckLaunches - done.complete.length);
  const point = { ...target.point, arms: [...liveArms] };
  return freshIndices(launches, missing, selfCheckStart).map((index) => demand(target.cellState, 'screen', index, [point], null, true));
};

/** Launch k of every cell before launch k + 1 of any: a slow drift, or the end of the budget, meets all cells alike. */
const interleaved = (lists: readonly (readonly LaunchDemand[])[]): LaunchDemand[] => {
  const longest = Math.max(0, ...lists.map((list) => list.length));
  return Array.from({ length: longest }, (_, k) => lists.flatMap((list) => list.slice(k, k + 1))).flat();
};

const confirmDemand = (progress: TestProgress, lastLook: number): LaunchDemand[] => {
  const byCell = Map.groupBy(progress.metrics.values(), (each) => each.tested.cellState);
  const lists = [...byCell].map(([cellState, metrics]) => ({
    list: confirms(cellState, metrics, lastLook),
    urgent: metrics.some((each) => each.regress?.outcome === 'open' || each.mean?.outcome === 'open'),
  }));
  return [true, false].flatMap((urgent) => interleaved(lists.filter((each) => each.urgent === urgent).map((each) => each.list)));
};

/**
 * Every launch that the rule still wants, given what has been measured; empty when measuring is
 * done (or stopped by the budget). Run all of it in this order, read the samples again, and ask
 * again: later looks depend on the whole pull request. A pure function of its arguments. A launch
 * that the head failed is never repeated (its cell fails); one that was discarded, or that the base
 * failed, is replaced by a fresh index. Throws `document-invalid` for a policy whose looks overspend
 * alpha.
 */
export const launchDemand = (plan: Plan, samples: Samples): readonly LaunchDemand[] => {
  if (samples.stopped === 'budget') return [];
  const progress = progressOf(plan, samples, true);
  const live = progress.cells.filter((cellState) => cellState.failure === null);
  const showImpact =
    plan.event === 'default-branch' || (allSettled(progress.cells) && !progress.cells.some((cellState) => cellState.status === 'changed'));
  const target = selfCheckTarget(plan, progress.cells);
  const wanted = [
    ...live.flatMap((cellState) => tuned(cellState, onceAndSolo(cellState, cellState.compared, null, plan.event))),
    ...interleaved(live.map((cellState) => tuned(cellState, screening(cellState, plan.policy.screen)))),
    ...(progress.screened ? confirmDemand(progress, plan.policy.looks.at(-1)?.launches ?? 0) : []),
    ...interleaved(
      progress.cells.map((cellState) => {
        if (cellState.failure !== null) return cellState.onlyBase ? tuned(cellState, impacts(cellState, plan.event)) : [];
        const shown = cellState.status === 'new' || (cellState.status === 'unchanged' && showImpact);
        if (shown) return tuned(cellState, impacts(cellState, plan.event));
        return cellState.status === 'unchanged' ? tuned(cellState, proofs(cellState)) : [];
      }),
    ),
    ...interleaved(
      progress.cells.flatMap((cellState) =>
        cellState.failure === null || cellState.onlyBase ? [tuned(cellState, requirements(cellState, plan.policy))] : [],
      ),
    ),
    ...(target === null ? [] : selfChecks(target, samples)),
  ];
  return [...new Map(wanted.toReversed().map((each) => [each.launch, each])).values()].reverse();
};
