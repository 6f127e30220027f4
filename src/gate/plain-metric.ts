import type { MetricSpec } from '../records/metric.ts';
import type { GatePolicy } from '../records/plan.ts';
import type { Samples } from '../records/sample.ts';
import type { MetricVerdict, VerdictKind } from '../records/verdict.ts';
import { median } from '../statistics/describe.ts';
import { hodgesLehmann } from '../statistics/hodges-lehmann.ts';
import { headLacks, unread } from './gap.ts';
import { changeOf, type JudgedMetric, metricVerdictOf, moved, plainChange } from './judged-metric.ts';
import { launchChange } from './launch-change.ts';
import { pointOf } from './metric-key.ts';
import { armValues, gainsOf, shownValues } from './metric-values.ts';
import { type Observations, observationsOf } from './observation.ts';
import { numberOf, readAll } from './reading.ts';
import { worsening, worseSign } from './scale.ts';
import type { Standing } from './standing.ts';
import { differenceInterval, valueInterval } from './window-interval.ts';

/** Deterministic numbers against their tolerance: a value at the tolerance still passes. A base of 0 leaves no fraction, but it leaves a direction. */
const exactVerdict = (spec: MetricSpec, head: number, base: number, change: MetricVerdict['change']): VerdictKind => {
  if (change === null) return worseSign(spec) * (head - base) > 0 ? 'regressed' : 'improved';
  if (!moved(spec, change.estimate)) return 'passed';
  return worsening(spec, change.estimate) > 0 ? 'regressed' : 'improved';
};

const disagreement = (spec: MetricSpec, values: readonly number[]): boolean => {
  const spread = Math.max(...values) - Math.min(...values);
  return spread > (spec.scale === 'log' ? spec.tolerance * Math.abs(median(values)) : spec.tolerance) + 1e-12;
};

const changeBetween = (
  standing: Standing,
  spec: MetricSpec,
  observations: Observations,
  exact: MetricVerdict['change'],
): MetricVerdict['change'] => {
  if (exact === null) return null;
  const interval = differenceInterval(standing, spec, observations);
  if (interval !== null) return { estimate: exact.estimate, ...interval };
  if (spec.kind === 'exact') return exact;
  const values = numberOf(readAll(observations.columns, (columns) => launchChange(columns, spec)));
  return values === null || values.length === 0 ? { ...exact, lower: null, upper: null } : changeOf(spec, hodgesLehmann(values));
};

/**
 * A metric that no test decides: exact ones that gate (tolerance, no p), described and advisory ones (no verdict, change shown).
 * An exact metric whose replicates disagree by more than its tolerance is not exact on this machine, and a timing metric at a
 * point that cannot be repeated launch by launch cannot be tested: both are advisory here, with a warning.
 */
export const judgePlain = (standing: Standing, spec: MetricSpec, samples: Samples, policy: GatePolicy): JudgedMetric => {
  const kind = pointOf(standing.cell, spec)?.kind ?? 'none';
  const observations = observationsOf(standing, spec, samples, policy.screen);
  const arm = (id: 'reference' | 'base' | 'head') => armValues(observations, spec, id, kind === 'solo');
  const [reference, base, head] = [arm('reference'), arm('base'), arm('head')];
  if (head.status === 'absent') return headLacks(spec, head, base, samples, observations.warnings);
  if (base.status === 'absent')
    return unread(spec, base.state === 'missing' ? 'missing' : 'no-base', base.reason, samples, observations.warnings);
  const numbers = shownValues(reference, base, head);
  const [h, b] = [median(head.value), median(base.value)];
  const exact = plainChange(spec, h, b);
  const change = changeBetween(standing, spec, observations, exact);
  const warnings = [...observations.warnings];
  const unsteady = spec.kind === 'exact' && (disagreement(spec, head.value) || disagreement(spec, base.value));
  if (unsteady) warnings.push('advisory here: launches of one arm differ by more than the tolerance');
  const untestable = spec.kind === 'timing' && spec.role === 'gate';
  if (untestable) warnings.push(`advisory here: a timing metric at a point of kind ${kind} cannot be repeated launch by launch`);
  const role = spec.role === 'gate' && (unsteady || untestable) ? 'advisory' : spec.role;
  if (role === 'advisory' && change !== null && moved(spec, change.estimate)) warnings.push('moved by more than its tolerance');
  if (
    kind === 'evaluation' &&
    change !== null &&
    change.upper !== null &&
    change.lower !== null &&
    (change.upper - change.lower) / 2 > spec.tolerance &&
    change.upper > change.lower
  )
    warnings.push('the interval over windows is wider than the tolerance');
  return metricVerdictOf(spec, {
    role,
    verdict: role === 'gate' ? exactVerdict(spec, h, b, exact) : null,
    ...numbers,
    interval: valueInterval(standing, spec, observations),
    change,
    launches: head.value.length,
    reason: exact === null ? 'base is 0: no fraction' : null,
    warnings,
    samples: { ...numbers.samples, change: [], gains: gainsOf(observations, spec, kind) },
  });
};
