import type { MetricSpec, OperatingPoint } from '../records/metric.ts';
import type { PlannedCell } from '../records/plan.ts';
import { type ArmId, armId } from '../records/words.ts';
import { isTimed } from './cell-state.ts';
import { pointOf } from './metric-key.ts';

const mostWarmUp = 3;
const impactRounds = 30;
const impactWarmUp = 2;

/**
 * Rounds are better spent than on warming up, which all arms do alike: the median over the rounds
 * of a launch does not tell of two slow ones.
 */
export const warmedUp = (point: OperatingPoint): OperatingPoint =>
  point.kind === 'call' ? { ...point, warmUp: Math.min(point.warmUp, mostWarmUp) } : point;

/**
 * Impact launches tell what an optimization is worth, not whether it changed: at most half of the
 * rounds do.
 */
export const forImpact = (point: OperatingPoint): OperatingPoint => {
  if (!('rounds' in point)) return point;
  const rounds = Math.min(impactRounds, Math.ceil(point.rounds / 2));
  return { ...point, rounds, warmUp: Math.min(point.warmUp, impactWarmUp) };
};

/** Base, head, and what a tested metric is taken against. */
export const testedArms = (cell: PlannedCell): readonly ArmId[] => {
  const isTested = (spec: MetricSpec): boolean => {
    const point = pointOf(cell, spec);
    return spec.role === 'gate' && point !== null && isTimed(point);
  };
  return ['base', 'head', ...cell.metrics.filter(isTested).flatMap(({ from }) => (from.of === 'against' ? [from.arm] : []))];
};

const comparatorArms = (cell: PlannedCell): readonly ArmId[] => Object.keys(cell.comparators).map((name) => armId.parse(name));

/** The arms of a cell that is shown without a base. */
export const impactArms = (cell: PlannedCell): readonly ArmId[] => ['reference', 'head', ...comparatorArms(cell)];

/** Timed points of which something noisy is required: launches of their own tell whether head holds it. */
export const requiredPoints = (cell: PlannedCell): readonly OperatingPoint[] => {
  const required = new Set(
    cell.metrics.filter(({ require, kind }) => require !== undefined && kind === 'timing').map((spec) => pointOf(cell, spec)),
  );
  return cell.points.filter((point) => isTimed(point) && required.has(point)).map(warmedUp);
};

/**
 * The points of a launch with the arms that it holds; null: every arm of each point. Points without
 * any arm are left out.
 */
export const narrowed = (points: readonly OperatingPoint[], arms: readonly ArmId[] | null): readonly OperatingPoint[] =>
  points
    .map((point): OperatingPoint => (arms === null ? point : { ...point, arms: point.arms.filter((arm) => arms.includes(arm)) }))
    .filter((point) => point.arms.length > 0);
