import type { MetricSpec } from '../records/metric.ts';
import type { GatePolicy } from '../records/plan.ts';
import type { Samples } from '../records/sample.ts';
import type { MetricVerdict, VerdictKind } from '../records/verdict.ts';
import { median } from '../statistics/describe.ts';
import { hodgesLehmann } from '../statistics/hodges-lehmann.ts';
import { headLacks, unread } from './absent-metric.ts';
import type { CellState } from './cell-state.ts';
import { changeOf, type JudgedMetric, type MetricFields, metricVerdictOf, plainChange } from './judged-metric.ts';
import { launchChange } from './launch-change.ts';
import { pointOf } from './metric-key.ts';
import { armValues, gainsOf, shownValues } from './metric-values.ts';
import { type Observations, observationsOf } from './observation.ts';
import { numberOf, readAll } from './reading.ts';
import { allowance, beyondTolerance, moved, passBound, rangeOf, scaledFor, worsening, worseSign } from './scale.ts';
import { differenceInterval, valueInterval } from './window-interval.ts';

type Verdicted = Pick<MetricVerdict, 'verdict' | 'reason'> & { readonly holdsRun: boolean };

const inUnit = (amount: number, { unit }: MetricSpec): string => `${Number(amount.toPrecision(3))} ${unit}`;

/**
 * How much of a change that `more` exceeds `less` by may be noise: twice the larger distance from a
 * median towards the other arm. What lies on the far side only makes the change larger, so that
 * noise there hides nothing.
 */
const noiseBetween = (more: readonly number[], less: readonly number[]): number =>
  2 * Math.max(median(more) - Math.min(...more), Math.max(...less) - median(less));

/**
 * Numbers against their tolerance, without a test: one at the tolerance still passes. Launches too
 * few for a test have a spread, and what lies within it beyond the tolerance is not decided: else
 * noise in either arm would hide what is worse, or show what is not there.
 */
const verdictOf = (spec: MetricSpec, head: readonly number[], base: readonly number[], bound: number): Verdicted => {
  const [h, b] = [median(head), median(base)];
  if (spec.kind === 'timing' && head.length < 2)
    return { verdict: 'inconclusive', reason: 'timed once, so its noise is not known', holdsRun: true };
  const spread = Math.max(rangeOf(head), rangeOf(base));
  const varies = `${spec.kind === 'exact' ? 'declared exact, but its ' : ''}launches vary by ${inUnit(spread, spec)}`;
  const decided = (verdict: VerdictKind): Verdicted => ({ verdict, reason: spread > allowance(spec, b) ? varies : null, holdsRun: true });
  const [above, below] = [noiseBetween(head, base), noiseBetween(base, head)];
  const [ofWorse, ofBetter] = spec.better === 'lower' ? [above, below] : [below, above];
  if (beyondTolerance(spec, h, b, ofWorse) === 'worse') return decided('regressed');
  if (beyondTolerance(spec, h, b, ofBetter) === 'better') return decided('improved');
  if (spread === 0) return decided('passed');
  const atMost = worseSign(spec) * (h - b) + spread;
  const held = atMost >= bound;
  if (atMost <= allowance(spec, b) || (!held && beyondTolerance(spec, h, b) !== 'worse')) return decided('passed');
  const excluded = `a change of ${inUnit(bound, spec)} (${bound > allowance(spec, b) ? 'must-detect' : 'its tolerance'}) ${held ? 'cannot be' : 'is'} excluded`;
  return { verdict: 'inconclusive', reason: `${varies}: ${excluded}`, holdsRun: held };
};

const changeBetween = (
  cellState: CellState,
  spec: MetricSpec,
  observations: Observations,
  exact: NonNullable<MetricVerdict['change']>,
): NonNullable<MetricVerdict['change']> => {
  const interval = differenceInterval(cellState, spec, observations);
  if (interval !== null) return { estimate: exact.estimate, ...interval };
  if (spec.kind === 'exact') return exact;
  const values = numberOf(readAll(observations.columns, (columns) => launchChange(columns, spec)));
  return values === null || values.length === 0 ? { ...exact, lower: null, upper: null } : changeOf(spec, hodgesLehmann(values));
};

/**
 * A metric that no test decides: one that gates (tolerance and spread, no p), described and
 * advisory ones (no verdict, change shown). Where its numbers have no logarithm they are compared,
 * and shown, as differences.
 */
export const judgePlain = (cellState: CellState, declared: MetricSpec, samples: Samples, policy: GatePolicy): JudgedMetric => {
  const kind = pointOf(cellState.cell, declared)?.kind ?? 'none';
  const observations = observationsOf(cellState, declared, samples, policy.screen);
  const arm = (id: 'reference' | 'base' | 'head') => armValues(observations, declared, id, kind === 'solo');
  const [reference, base, head] = [arm('reference'), arm('base'), arm('head')];
  if (head.status === 'absent') return headLacks(declared, head, base, samples, observations.warnings);
  if (base.status === 'absent')
    return unread(declared, base.state === 'missing' ? 'missing' : 'no-base', base.reason, samples, observations.warnings);
  const numbers = shownValues(reference, base, head);
  const [h, b] = [median(head.value), median(base.value)];
  const spec = scaledFor(declared, [...base.value, ...head.value], b);
  const change = changeBetween(cellState, spec, observations, plainChange(spec, h, b));
  const warnings = [...observations.warnings];
  // A tolerance of nothing is the same on either scale.
  if (spec.scale !== declared.scale && declared.tolerance > 0)
    warnings.push('not all numbers are above 0: differences are compared, the tolerance is a share of base');
  if (spec.role === 'advisory' && moved(spec, change.estimate))
    warnings.push(
      `${worsening(spec, change.estimate) > 0 ? 'worse' : 'better'} by more than its tolerance, which decides nothing for an advisory metric`,
    );
  if (
    (kind === 'evaluation' || kind === 'generation') &&
    change.upper !== null &&
    change.lower !== null &&
    (change.upper - change.lower) / 2 > spec.tolerance &&
    change.upper > change.lower
  )
    warnings.push('the interval over windows is wider than the tolerance');
  const { verdict, reason, holdsRun } =
    spec.role === 'gate'
      ? verdictOf(spec, head.value, base.value, passBound(declared, policy.mustDetect, b))
      : { verdict: null, reason: null, holdsRun: true };
  const fields: MetricFields = {
    verdict,
    ...numbers,
    interval: valueInterval(cellState, spec, observations),
    change,
    launches: head.value.length,
    reason,
    warnings,
    samples: { ...numbers.samples, change: [], gains: gainsOf(observations, declared, kind) },
  };
  return metricVerdictOf(spec, fields, holdsRun);
};
