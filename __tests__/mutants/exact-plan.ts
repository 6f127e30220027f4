import { isOnce } from '../../src/gate/cell-state.ts';
import type { OperatingPoint } from '../../src/records/metric.ts';
import type { Plan, PlannedCell } from '../../src/records/plan.ts';

const isKept = (point: OperatingPoint): boolean => isOnce(point) || point.kind === 'build';

/** What one launch of a cell answers: its exact points and their metrics. */
export const exactPart = <T extends Pick<PlannedCell, 'points' | 'metrics'>>(cell: T): T => {
  const points = cell.points.filter(isKept);
  const kept = new Set(points.map(({ id }) => id));
  const metrics = cell.metrics.filter(({ from }) => (from.of === 'series' || from.of === 'against') && kept.has(from.point));
  return { ...cell, points, metrics };
};

/**
 * The part of a plan that one launch of each cell answers: exact metrics alone. What varies from launch to launch needs most of the time of a
 * run, and notices nothing in a first impression.
 */
export const exactPlan = (plan: Plan): Plan => ({ ...plan, cells: plan.cells.map(exactPart) });
