import { isOnce } from '../../src/gate/cell-state.ts';
import type { OperatingPoint } from '../../src/records/metric.ts';
import type { Plan, PlannedCell } from '../../src/records/plan.ts';

const isKept = (point: OperatingPoint): boolean => isOnce(point) || point.kind === 'build';

/** What one launch of a cell answers: its exact points and their metrics, but for those of some ids. */
export const exactPart = <T extends Pick<PlannedCell, 'points' | 'metrics'>>(cell: T, without: readonly string[] = []): T => {
  const points = cell.points.filter(isKept);
  const kept = new Set(points.map(({ id }) => id));
  const metrics = cell.metrics.filter(
    ({ id, from }) => (from.of === 'series' || from.of === 'against') && kept.has(from.point) && !without.includes(id),
  );
  return { ...cell, points, metrics };
};

/**
 * The part of a plan that one launch of each cell answers: exact metrics alone. What varies from launch to launch needs most of the time of a
 * run, and notices nothing in a first impression. `without`: metrics that are switched off, to see what goes unnoticed without them.
 */
export const exactPlan = (plan: Plan, without: readonly string[]): Plan => ({
  ...plan,
  cells: plan.cells.map((cell) => exactPart(cell, without)),
});
