import type { MetricSpec } from '../records/metric.ts';
import type { GatePolicy } from '../records/plan.ts';
import type { Samples } from '../records/sample.ts';
import { median } from '../statistics/describe.ts';
import { launchChange } from './launch-change.ts';
import { metricKey, pointIdOf, pointOf } from './metric-key.ts';
import { observationsOf, ofLaunches } from './observation.ts';
import { absent, type Reading, readAll } from './reading.ts';
import { launchValue } from './reduction.ts';
import { onScale } from './scale.ts';
import { equalCode, isTimed, type Standing } from './standing.ts';

/** A timing metric that gates, with its launch values: positive is worse, on the metric's scale. */
export interface Tested {
  readonly key: string;
  readonly standing: Standing;
  readonly spec: MetricSpec;
  /** The tolerance on the scale of launch values. */
  readonly margin: number;
  /** What must be excluded for `passed`, on the same scale. */
  readonly bound: number;
  /** The screening launches; absent until all are in. */
  readonly screen: Reading<readonly number[]>;
  /** The fresh launches so far, by index; absent when one of them cannot be read. */
  readonly confirm: Reading<readonly number[]>;
}

/** Whether base and head of this metric are compared (rather than known to be identical). */
export const comparesMetric = (standing: Standing, spec: MetricSpec): boolean =>
  standing.status === 'changed' || (standing.status === 'unchanged' && spec.identity === 'code' && !equalCode(standing.cell));

/** Whether the two-stage test decides this metric: only points that are measured launch by launch can be repeated at will. */
export const isTested = (standing: Standing, spec: MetricSpec): boolean => {
  const point = pointOf(standing.cell, spec);
  return spec.role === 'gate' && spec.kind === 'timing' && point !== null && isTimed(point) && comparesMetric(standing, spec);
};

/**
 * What `passed` must exclude. A linear metric has no natural fraction: must-detect of base's own level, at least five tolerances
 * (the ratio of the defaults, 10 % to 2 %).
 */
const passingBound = (spec: MetricSpec, policy: GatePolicy, base: readonly number[]): number =>
  spec.scale === 'log'
    ? onScale(spec, policy.mustDetect)
    : Math.max(5 * spec.tolerance, base.length > 0 ? policy.mustDetect * Math.abs(median(base)) : 0);

const testedOf = (standing: Standing, spec: MetricSpec, samples: Samples, policy: GatePolicy): Tested => {
  const { columns } = observationsOf(standing, spec, samples, policy.screen);
  const { from } = spec;
  // Only a linear metric's bound needs base's own level.
  const base =
    spec.scale === 'linear' && (from.of === 'series' || from.of === 'against')
      ? readAll(columns, (each) => launchValue(each, from, 'base'))
      : absent('missing', '');
  return {
    key: metricKey(standing.cell, spec),
    standing,
    spec,
    margin: onScale(spec, spec.tolerance),
    bound: passingBound(spec, policy, base.status === 'read' ? base.value : []),
    screen:
      columns.length < policy.screen
        ? absent('missing', `${columns.length} of ${policy.screen} screening launches`)
        : readAll(columns, (each) => launchChange(each, spec)),
    confirm: readAll(ofLaunches(standing.confirm.complete, pointIdOf(spec)).columns, (each) => launchChange(each, spec)),
  };
};

/** All metrics of the plan that the two-stage test decides, in the plan's order. */
export const testedMetrics = (cells: readonly Standing[], samples: Samples, policy: GatePolicy): readonly Tested[] =>
  cells.flatMap((standing) =>
    standing.cell.metrics.filter((spec) => isTested(standing, spec)).map((spec) => testedOf(standing, spec, samples, policy)),
  );
