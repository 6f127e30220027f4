import type { MetricSpec } from '../records/metric.ts';
import type { PlannedCell } from '../records/plan.ts';
import type { BuiltLine, Launch, Samples } from '../records/sample.ts';
import type { ArmId } from '../records/words.ts';
import { type CellState, isOnce } from './cell-state.ts';
import { pointOf } from './metric-key.ts';
import { type LaunchColumns, reduce, type SampledReduction } from './reduction.ts';

/** What the replicates of one point say: one entry per replicate, and what the worker noted beside the numbers. */
export interface Observations {
  readonly columns: readonly LaunchColumns[];
  readonly warnings: readonly string[];
}

const none: Observations = { columns: [], warnings: [] };

/** The point's columns of every launch that has it. */
export const ofLaunches = (launches: readonly Launch[], point: string): Observations => {
  const notes = new Set<string>();
  const columns: LaunchColumns[] = [];
  for (const launch of launches) {
    const found = Object.hasOwn(launch.points, point) ? launch.points[point] : undefined;
    if (found === undefined) continue;
    columns.push(found.values);
    for (const warning of found.warnings) notes.add(warning);
  }
  return { columns, warnings: [...notes].sort() };
};

/** Solo launches hold one arm each: the i-th ones of all arms make one replicate, every series reduced within its own process. */
const ofSolo = (cellState: CellState, from: SampledReduction): Observations => {
  const replicates: Record<string, Record<string, number[]>>[] = [];
  const notes = new Set<string>();
  for (const { slot, tally } of cellState.solo) {
    if (slot.point.id !== from.point) continue;
    const { columns, warnings } = ofLaunches(tally.complete.slice(0, slot.point.launches), from.point);
    for (const warning of warnings) notes.add(warning);
    columns.forEach((each, i) => {
      const values = Object.hasOwn(each, slot.arm) ? each[slot.arm]?.[from.series] : undefined;
      if (values === undefined || values.length === 0 || !values.every(Number.isFinite)) return;
      const replicate = replicates[i] ?? {};
      replicates[i] = replicate;
      replicate[slot.arm] = { [from.series]: [reduce(values, from.over)] };
    });
  }
  return { columns: Object.values(replicates), warnings: [...notes].sort() };
};

/** Seconds, bytes and facts of an arm's build: variant `main`, or the sum over all variants where every one has the number. */
const builtColumns = (builds: Readonly<Record<string, string>>, built: Samples['built']): Record<string, number[]> => {
  const main = Object.hasOwn(builds, 'main') ? builds['main'] : undefined;
  const lines: BuiltLine[] = [];
  for (const key of main === undefined ? Object.values(builds) : [main]) {
    const line = built.get(key);
    if (line === undefined || line.status === 'failed') return {};
    lines.push(line);
  }
  const sums = new Map<string, { total: number; count: number }>();
  for (const line of lines) {
    for (const [name, value] of Object.entries({ ...line.facts, seconds: line.seconds, bytes: line.bytes })) {
      const sum = sums.get(name) ?? { total: 0, count: 0 };
      sums.set(name, sum);
      if (value !== null) sum.count += 1;
      sum.total += value ?? 0;
    }
  }
  const columns: Record<string, number[]> = {};
  for (const [name, { total, count }] of sums) if (count === lines.length) columns[name] = [total];
  return columns;
};

const ofBuild = (cell: PlannedCell, samples: Samples): Observations => ({
  columns: [Object.fromEntries(cell.arms.map((arm) => [arm.id, builtColumns(arm.builds, samples.built)]))],
  warnings: [],
});

/** The replicates that hold an arm: not every launch has the reference model and the comparators. All where none does, to say that. */
export const holding = (columns: readonly LaunchColumns[], arm: ArmId): readonly LaunchColumns[] => {
  if (arm === 'base' || arm === 'head') return columns;
  const own = columns.filter((each) => Object.hasOwn(each, arm));
  return own.length === 0 ? columns : own;
};

/**
 * All replicates that a metric rests on before confirmation: screening launches of a compared cell (of what is taken against another arm, those that
 * hold this), impact launches of an unchanged or new one, the one `once` launch, solo launches by replicate, or the build lines.
 */
export const observationsOf = (cellState: CellState, spec: MetricSpec, samples: Samples, screen: number): Observations => {
  const point = pointOf(cellState.cell, spec);
  if (point === null || (spec.from.of !== 'series' && spec.from.of !== 'against')) return none;
  if (point.kind === 'build') return ofBuild(cellState.cell, samples);
  if (point.kind === 'solo') return ofSolo(cellState, spec.from);
  if (isOnce(point)) return ofLaunches(cellState.once.complete.slice(0, 1), point.id);
  const launches = cellState.compared.includes(point) ? cellState.screen.complete.slice(0, screen) : cellState.impact.complete;
  const observed = ofLaunches(launches, point.id);
  return spec.from.of === 'against' ? { ...observed, columns: holding(observed.columns, spec.from.arm) } : observed;
};
