import { mayLack, readAbsence } from '../records/absence.ts';
import { contradiction } from '../records/contradiction.ts';
import { fewestDraws, minimumRounds, type OperatingPoint } from '../records/metric.ts';
import type { PlannedCell } from '../records/plan.ts';
import type { Launch } from '../records/sample.ts';
import { everySeries, isAbout } from '../records/series-note.ts';

/** The numbers of values that a column of this point may have, from least to most. */
const lengthsOf = (cell: PlannedCell, point: OperatingPoint, series: string): readonly [number, number] => {
  switch (point.kind) {
    case 'call':
    case 'external':
      return [Math.min(minimumRounds, point.rounds), point.rounds];
    case 'episode':
      return [point.enough === undefined ? point.rounds : Math.min(fewestDraws, point.rounds), point.rounds];
    case 'evaluation':
    case 'generation':
      return windowsOf(cell, point, series);
    case 'inspection':
    case 'solo':
    case 'build':
      return [1, 1];
  }
};

/**
 * One value per window, or one for all windows where metrics take the last; nothing rests on a
 * series that no metric reads.
 */
const windowsOf = (
  cell: PlannedCell,
  { id, windows }: Extract<OperatingPoint, { kind: 'evaluation' | 'generation' }>,
  series: string,
): readonly [number, number] => {
  const over = cell.metrics.flatMap(({ from }) => ('series' in from && from.point === id && from.series === series ? [from.over] : []));
  if (over.length === 0) return [1, windows];
  return over.every((each) => each === 'last') ? [1, 1] : [windows, windows];
};

/** What a launch gives of every arm of this point, whatever the arm is; none where an arm can lack it. */
const givenAt = (point: OperatingPoint): readonly string[] => {
  if (point.kind === 'call') return ['wall-ms', 'cpu-ms'];
  return point.kind === 'external' ? point.series : [];
};

/**
 * Refuses columns that one launch cannot have given at this point: too few or too many rounds or
 * windows, arms of different lengths where they take turns, an excuse that such a point does not
 * have, or a series that every arm of it has.
 *
 * @param memoryIsRead whether some process of the run told its peak memory
 */
export const requireColumns = (cell: PlannedCell, point: OperatingPoint, launch: Launch, memoryIsRead: boolean): void => {
  const { values, warnings } = launch.points[point.id] ?? { values: {}, warnings: [] };
  const absences = warnings.flatMap((warning) => readAbsence(warning) ?? []);
  for (const absence of absences) {
    const denied = point.kind === 'solo' && memoryIsRead && isAbout(absence, 'peak-bytes');
    if (denied || !mayLack(point.kind, absence))
      throw contradiction(launch.id, `point ${point.id} excuses ${absence.series} by "${absence.state}", which it cannot lack`);
  }
  const all = absences.find(({ series }) => series === everySeries);
  if (all !== undefined && Object.values(values).some((columns) => Object.keys(columns).length > 0))
    throw contradiction(launch.id, `point ${point.id} has values although every series is "${all.state}"`);
  for (const [arm, columns] of Object.entries(values)) {
    const lost = givenAt(point).find((series) => !Object.hasOwn(columns, series));
    if (lost !== undefined) throw contradiction(launch.id, `at point ${point.id}, ${arm} has no series ${lost}`);
  }
  let first: { readonly of: string; readonly length: number } | null = null;
  for (const [arm, columns] of Object.entries(values))
    for (const [series, column] of Object.entries(columns)) {
      const of = `series ${series} of ${arm}`;
      const [least, most] = lengthsOf(cell, point, series);
      const lacking = absences.some((absence) => isAbout(absence, series));
      if (column.length > most || (column.length < least && !lacking))
        throw contradiction(
          launch.id,
          `${of} at point ${point.id} has ${column.length} values; expected ${least === most ? most : `${least} to ${most}`}`,
        );
      const paired = point.kind === 'call' || point.kind === 'external' || (point.kind === 'episode' && point.enough !== undefined);
      if (paired && first !== null && first.length !== column.length)
        throw contradiction(launch.id, `at point ${point.id} ${first.of} has ${first.length} values and ${of} ${column.length}`);
      first ??= { of, length: column.length };
    }
};
