import { readAbsence } from '../records/absence.ts';
import type { Baseline } from '../records/baseline.ts';
import type { MetricSpec } from '../records/metric.ts';
import type { Plan } from '../records/plan.ts';
import type { Samples } from '../records/sample.ts';
import { isAbout } from '../records/series-note.ts';
import { gapReason, unread } from './absent-metric.ts';
import { type CellState, isLaunched } from './cell-state.ts';
import { type JudgedMetric, metricVerdictOf } from './judged-metric.ts';
import { pointOf } from './metric-key.ts';
import { armValues, gainsOf, shown } from './metric-values.ts';
import { observationsOf } from './observation.ts';
import type { MeasuredState } from './reading.ts';
import { isByOtherCode, storedEntries, storedMetric } from './stored-entry.ts';
import { judgePlain } from './untested-metric.ts';
import { valueInterval } from './window-interval.ts';

/** Head and reference of a cell without a base to compare with, or whose base is identical. */
const impactOf = (cellState: CellState, spec: MetricSpec, samples: Samples, plan: Plan) => {
  const observations = observationsOf(cellState, spec, samples, plan.policy.screen);
  const kind = pointOf(cellState.cell, spec)?.kind ?? 'none';
  const head = armValues(observations, spec, 'head', kind === 'solo');
  const reference = shown(armValues(observations, spec, 'reference', kind === 'solo'));
  const gains = gainsOf(observations, spec, kind);
  return { head, reference, gains, interval: valueInterval(cellState, spec, observations), warnings: observations.warnings };
};

/**
 * A metric of an unchanged cell: what head produced is, byte for byte, what base produced. Values
 * come from impact launches, else from the baseline of the same runner class, runtime and arm
 * digest, by the same code of the gate. Without one an earlier run must be known to have had it.
 */
export const judgeUnchanged = (
  cellState: CellState,
  spec: MetricSpec,
  samples: Samples,
  plan: Plan,
  baselines: readonly Baseline[],
): JudgedMetric => {
  const { head, reference, gains, interval, warnings } = impactOf(cellState, spec, samples, plan);
  const zero = { estimate: 0, lower: 0, upper: 0 };
  if (head.status === 'read') {
    const { value, samples: values } = shown(head);
    const numbers = {
      reference: reference.value,
      base: value,
      head: value,
      samples: { reference: reference.samples, base: values, head: values, change: [], gains: { base: gains.head, head: gains.head } },
    };
    return metricVerdictOf(spec, {
      verdict: 'unchanged',
      state: 'measured',
      ...numbers,
      interval,
      change: zero,
      launches: values.length,
      reason: 'base and head are identical',
      warnings,
    });
  }
  const { cell, settled } = cellState;
  const stored = { baselines, plan, runnerClass: samples.runnerClass };
  const own = settled?.arms['head'];
  const known = isByOtherCode(cell, own, stored) ? null : storedMetric(storedEntries(cell, own, stored), spec);
  if (known !== null)
    return metricVerdictOf(spec, {
      verdict: 'unchanged',
      state: 'baseline',
      reference: known.reference,
      base: known.value,
      head: known.value,
      change: zero,
      reason: 'base and head are identical; the values are those of the baseline',
    });
  const absence = head.state === 'missing' ? earlierOf(cellState, spec) : head;
  // What worked and gave no number is expected all the same.
  if (absence === null) return unread(spec, 'missing', head.reason, samples, warnings);
  return metricVerdictOf(spec, { verdict: 'unchanged', state: absence.state, change: zero, reason: absence.reason });
};

/**
 * What is known of a metric that this run has no number of: by an earlier run, or nothing. Null
 * where it should have one.
 */
const earlierOf = (cellState: CellState, spec: MetricSpec): { readonly state: MeasuredState; readonly reason: string } | null => {
  const point = pointOf(cellState.cell, spec);
  const seen = point !== null && Object.hasOwn(cellState.seen, point.id) ? cellState.seen[point.id] : undefined;
  if (seen !== undefined && 'series' in spec.from) {
    const { series } = spec.from;
    if (seen.series.includes(series))
      return {
        state: 'unchanged',
        reason: `base and head are identical; it worked on ${seen.at.slice(0, 'YYYY-MM-DD'.length)} and was not measured in this run`,
      };
    return seen.warnings.flatMap((warning) => readAbsence(warning) ?? []).find((absence) => isAbout(absence, series)) ?? null;
  }
  if (point !== null && (cellState.unseen.includes(point) || isLaunched(cellState, point))) return null;
  return {
    state: 'not-measured',
    reason: 'base and head are identical; not measured in this run, and no baseline of this runner class has it',
  };
};

/** A metric of a cell that base does not have: shown, never gated. */
export const judgeNew = (cellState: CellState, spec: MetricSpec, samples: Samples, plan: Plan): JudgedMetric => {
  const { head, reference, gains, interval, warnings } = impactOf(cellState, spec, samples, plan);
  if (head.status === 'absent')
    return metricVerdictOf(spec, {
      verdict: 'new',
      state: head.state,
      reason: head.state === 'missing' ? gapReason(samples, head.reason) : head.reason,
      warnings,
    });
  const { value, samples: values } = shown(head);
  return metricVerdictOf(spec, {
    verdict: 'new',
    reference: reference.value,
    head: value,
    interval,
    launches: values.length,
    reason: 'base does not have it',
    warnings,
    samples: { reference: reference.samples, base: [], head: values, change: [], gains },
  });
};

/**
 * A metric of a cell whose base failed while head was made: what both sides have all the same is judged, the rest shows head
 * against the reference model, and `reason` (base's error). Head's own failure is none of base's.
 */
export const judgeWithoutBase = (cellState: CellState, spec: MetricSpec, samples: Samples, plan: Plan, reason: string): JudgedMetric => {
  if (spec.kind === 'exact' && bothKnown(cellState, spec, samples, plan)) return judgePlain(cellState, spec, samples, plan.policy);
  const { head, reference, gains, interval, warnings } = impactOf({ ...cellState, compared: [] }, spec, samples, plan);
  if (head.status === 'absent' && head.state === 'failed') return unread(spec, 'failed', head.reason, samples, warnings);
  const { value, samples: values } = shown(head);
  return metricVerdictOf(spec, {
    verdict: spec.role === 'gate' ? 'inconclusive' : null,
    state: 'no-base',
    reference: reference.value,
    head: value,
    interval,
    launches: values.length,
    reason,
    warnings,
    samples: { reference: reference.samples, base: [], head: values, change: [], gains },
  });
};

const bothKnown = (cellState: CellState, spec: MetricSpec, samples: Samples, plan: Plan): boolean => {
  const observations = observationsOf(cellState, spec, samples, plan.policy.screen);
  return (['base', 'head'] as const).every((arm) => armValues(observations, spec, arm).status === 'read');
};
