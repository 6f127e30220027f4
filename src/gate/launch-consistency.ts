import { readAbsence } from '../records/absence.ts';
import { contradiction } from '../records/contradiction.ts';
import type { OperatingPoint } from '../records/metric.ts';
import type { Plan, PlannedCell } from '../records/plan.ts';
import type { Launch, Samples, SettledLine } from '../records/sample.ts';
import { everySeries } from '../records/series-note.ts';
import type { ArmId } from '../records/words.ts';
import { comparedPoints, impactLaunches, isOnce, isTimed, requirementLaunches } from './cell-state.ts';
import { forImpact, impactArms, narrowed, requiredPoints, testedArms, warmedUp } from './launch-points.ts';
import { selfCheckLaunches, selfCheckPoint, selfCheckStart } from './self-check.ts';
import { soloSlots } from './solo.ts';

type Status = SettledLine['status'];

/** The launches of one purpose that the rule may ask of a cell. */
interface Permitted {
  /** Their indices begin here. */
  readonly start: number;
  /** As many complete ones are the most that any run has. */
  readonly most: number;
  readonly points: readonly OperatingPoint[];
  /** The arms that they may hold, one list or another; null: every arm of each point. */
  readonly arms: readonly (readonly ArmId[] | null)[];
  /** Each may hold only the points that still lack a value. */
  readonly someOf?: boolean;
  /** What it holds beside base and head depends on the metrics that are open. */
  readonly openArms?: boolean;
}

const confirmed = (plan: Plan): number => plan.policy.looks.at(-1)?.launches ?? 0;

const permittedFor = (plan: Plan, cell: PlannedCell, status: Status, launch: Launch): Permitted | null => {
  if (status === 'removed' || status === 'skipped') return null;
  const compared = comparedPoints(cell, status).filter(isTimed).map(warmedUp);
  const either = [null, testedArms(cell)];
  switch (launch.purpose) {
    case 'tune':
      return cell.tunes === null ? null : { start: 0, most: 1, points: [], arms: [null] };
    case 'once': {
      const points = cell.points.filter(isOnce);
      return points.length === 0 ? null : { start: 0, most: 1, points, arms: [null, impactArms(cell)] };
    }
    case 'solo': {
      const slot = soloSlots(cell).find(({ start, end }) => launch.index >= start && launch.index < end);
      return slot === undefined ? null : { start: slot.start, most: slot.point.launches, points: [slot.point], arms: [[slot.arm]] };
    }
    case 'impact': {
      const points = cell.points.filter(isTimed).map(forImpact);
      return points.length === 0
        ? null
        : { start: 0, most: impactLaunches, points, arms: [impactArms(cell)], someOf: status === 'unchanged' };
    }
    case 'requirement': {
      const points = status === 'unchanged' ? [] : requiredPoints(cell);
      return points.length === 0 ? null : { start: 0, most: requirementLaunches(plan.policy), points, arms: [null, impactArms(cell)] };
    }
    case 'screen': {
      if (launch.selfCheck) {
        const point = status === 'changed' && confirmed(plan) > 0 ? selfCheckPoint(cell) : null;
        return point === null ? null : { start: selfCheckStart, most: selfCheckLaunches, points: [point], arms: [null] };
      }
      return compared.length === 0 ? null : { start: 0, most: plan.policy.screen, points: compared, arms: either };
    }
    case 'confirm': {
      const most = compared.length * confirmed(plan);
      return most === 0 ? null : { start: 0, most, points: compared, arms: either, someOf: true, openArms: true };
    }
  }
};

const isRefused = (launch: Launch, point: string): boolean =>
  launch.points[point]?.warnings.some((warning) => readAbsence(warning)?.series === everySeries) === true;

const equalSets = (some: readonly string[], others: readonly string[]): boolean =>
  some.length === others.length && some.every((each) => others.includes(each));

/** Whether the launch holds these points, each with these arms. A point of which nothing could be had holds none. */
const holds = (launch: Launch, points: readonly OperatingPoint[], { someOf = false, openArms = false }: Permitted): boolean => {
  const held = Object.keys(launch.points);
  const wanted = someOf ? points.filter(({ id }) => held.includes(id)) : points;
  return (
    equalSets(
      held,
      wanted.map(({ id }) => id),
    ) &&
    (!someOf || held.length > 0) &&
    wanted.every(({ id, arms }) => {
      const own = Object.keys(launch.points[id]?.values ?? {});
      if (own.length === 0 && isRefused(launch, id)) return true;
      return openArms
        ? own.every((arm) => arms.some((each) => each === arm)) && own.includes('base') && own.includes('head')
        : equalSets(own, arms);
    })
  );
};

const requireEnd = ({ id, status, error, process, points, tuned, purpose }: Launch): void => {
  if ((status === 'failed') !== (error !== null)) throw contradiction(id, `status ${status} with ${error === null ? 'no' : 'an'} error`);
  if (status === 'failed' && (Object.keys(points).length > 0 || tuned !== undefined))
    throw contradiction(id, 'a failed launch has samples');
  const throttled = process?.throttled === true;
  if (status !== 'failed' && (status === 'discarded') !== throttled)
    throw contradiction(id, `status ${status} of a process that was ${throttled ? '' : 'not '}throttled`);
  if (tuned !== undefined && purpose !== 'tune') throw contradiction(id, `a launch for ${purpose} has a tuned value`);
  if (purpose === 'tune' && status === 'complete' && tuned === undefined)
    throw contradiction(id, 'a complete tuning launch has no tuned value');
};

/**
 * Refuses a launch that the rule cannot have asked for: by its id, its purpose in a cell of these
 * statuses, its points or its arms. Returns the points as it was asked for them, none where it
 * failed.
 */
export const requireLaunch = (plan: Plan, cell: PlannedCell, statuses: ReadonlySet<Status>, launch: Launch): readonly OperatingPoint[] => {
  const { id, purpose, index, selfCheck } = launch;
  const name = `${cell.id}#${purpose}-${index}`;
  if (id !== name) throw contradiction(id, `a launch for ${purpose} of ${cell.id} with index ${index} is called ${name}`);
  if (selfCheck !== (purpose === 'screen' && index >= selfCheckStart))
    throw contradiction(id, `self-check ${selfCheck} with purpose ${purpose} and index ${index}`);
  if (statuses.size === 0) throw contradiction(id, `${cell.id} was never settled`);
  requireEnd(launch);
  const permitted = [...statuses].flatMap((status) => permittedFor(plan, cell, status, launch) ?? []);
  if (permitted.length === 0)
    throw contradiction(id, `no launch for ${purpose} is asked of ${cell.id}, which is ${[...statuses].join(', ')}`);
  if (launch.status === 'failed') return [];
  for (const each of permitted)
    for (const own of each.arms) {
      const wanted = narrowed(each.points, own);
      if (holds(launch, wanted, each)) return wanted.filter((point) => Object.hasOwn(launch.points, point.id));
    }
  const held = Object.entries(launch.points).map(([point, { values }]) => `${point} (${Object.keys(values).join(', ')})`);
  throw contradiction(id, `it holds ${held.length === 0 ? 'no points' : held.join('; ')}, which is not what is asked of ${cell.id}`);
};

/**
 * Refuses more launches of a purpose than the rule ever asks for, and indices beyond them. An index
 * lies below the number that is needed plus that of launches which did not complete.
 */
export const requireLaunchCounts = (plan: Plan, cells: ReadonlyMap<string, PlannedCell>, samples: Samples): void => {
  const groups = new Map<string, { readonly permitted: Permitted; readonly launches: Launch[] }>();
  for (const launch of samples.launches) {
    const cell = cells.get(launch.cell);
    // The widest of what any status permits: which one held is checked launch by launch.
    const permitted =
      cell === undefined ? null : (permittedFor(plan, cell, 'changed', launch) ?? permittedFor(plan, cell, 'unchanged', launch));
    if (permitted === null) continue;
    const name = `${launch.cell} ${launch.purpose} ${permitted.start}`;
    const group = groups.get(name) ?? { permitted, launches: [] };
    groups.set(name, group);
    group.launches.push(launch);
  }
  for (const { permitted, launches } of groups.values()) requireCount(plan, permitted, launches);
};

const requireCount = (plan: Plan, { start, most, openArms = false }: Permitted, launches: readonly Launch[]): void => {
  const complete = launches.filter(({ status }) => status === 'complete');
  const bound = start + most + launches.length - complete.length;
  const beyond = launches.find(({ index }) => index >= bound);
  if (beyond !== undefined)
    throw contradiction(beyond.id, `its index is ${beyond.index}; ${most} launches are asked for, so it is below ${bound}`);
  if (complete.length > most)
    throw contradiction(complete.at(-1)?.id ?? '', `one of ${complete.length} complete launches where ${most} are asked for`);
  if (!openArms) return;
  const points = complete.flatMap((launch) => Object.keys(launch.points));
  for (const [point, held] of Map.groupBy(points, (each) => each))
    if (held.length > confirmed(plan))
      throw contradiction(
        complete.at(-1)?.id ?? '',
        `point ${point} is confirmed ${held.length} times; all looks together want ${confirmed(plan)}`,
      );
};
