import type { MetricSpec, OperatingPoint } from '../records/metric.ts';
import type { PlannedCell } from '../records/plan.ts';

/** Where a metric is measured: its point's id; for figures over cells that of the cells' points or `model`, for figures of the run their name. */
export const pointIdOf = (spec: MetricSpec): string => {
  if (spec.from.of === 'series' || spec.from.of === 'against') return spec.from.point;
  if (spec.from.of === 'run') return spec.from.figure;
  return spec.from.of === 'improvement' ? (spec.from.at ?? 'model') : 'model';
};

/** `CELL METRIC@POINT`: names one metric of the whole plan. */
export const metricKey = (cell: PlannedCell, spec: MetricSpec): string => `${cell.id} ${spec.id}@${pointIdOf(spec)}`;

/** Whether `name` (METRIC or METRIC@POINT) means this metric. */
export const names = (name: string, metric: { readonly id: string; readonly point: string }): boolean =>
  name === metric.id || name === `${metric.id}@${metric.point}`;

/** The point that a metric reads, or null for figures that read other metrics. */
export const pointOf = (cell: PlannedCell, spec: MetricSpec): OperatingPoint | null =>
  spec.from.of === 'series' || spec.from.of === 'against' ? (cell.points.find((point) => point.id === pointIdOf(spec)) ?? null) : null;

/** Whether the metric reads other metrics instead of samples. */
export const isDerived = (spec: MetricSpec): boolean => spec.from.of !== 'series' && spec.from.of !== 'against';
