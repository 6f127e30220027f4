import { readAbsence } from '../records/absence.ts';
import type { MetricSpec } from '../records/metric.ts';
import { readOtherMeasure } from '../records/other-measure.ts';
import { isAbout } from '../records/series-note.ts';
import { readSeriesWarning } from '../records/series-warning.ts';
import type { MetricVerdict, VerdictKind } from '../records/verdict.ts';
import { pointIdOf } from './metric-key.ts';
import type { MeasuredState } from './reading.ts';
import { asMeasured } from './scale.ts';

/** A metric's verdict, and whether an `inconclusive` one keeps the whole run from a decision. */
export interface JudgedMetric {
  readonly verdict: MetricVerdict;
  readonly spec: MetricSpec;
  /** False for what stayed undecided below must-detect: named, but no reason to hold the run. */
  readonly holdsRun: boolean;
}

export type MetricFields = Partial<
  Omit<MetricVerdict, 'id' | 'earlier' | 'point' | 'unit' | 'better' | 'kind' | 'scale' | 'tolerance' | 'column' | 'pairedWith'>
>;

const noSamples: MetricVerdict['samples'] = { reference: [], base: [], head: [], change: [], gains: { base: [], head: [] } };

/** Why one series of the point is not there, or a warning about it, is no warning to the metrics of its other series. */
const ownWarnings = ({ from }: MetricSpec, warnings: readonly string[]): readonly string[] =>
  warnings.flatMap((warning) => {
    if (readAbsence(warning) !== null || readOtherMeasure(warning) !== null) return [];
    const about = readSeriesWarning(warning);
    if (about === null) return [warning];
    return 'series' in from && isAbout(about, from.series) ? [about.text] : [];
  });

/** Fills in what the specification says; whatever `fields` leaves out is null or empty. */
export const metricVerdictOf = (spec: MetricSpec, fields: MetricFields, holdsRun = true): JudgedMetric => ({
  spec,
  holdsRun,
  verdict: {
    id: spec.id,
    point: pointIdOf(spec),
    unit: spec.unit,
    better: spec.better,
    kind: spec.kind,
    role: fields.role ?? spec.role,
    scale: spec.scale,
    verdict: fields.verdict ?? null,
    state: fields.state ?? 'measured',
    reference: fields.reference ?? null,
    base: fields.base ?? null,
    head: fields.head ?? null,
    earlier: null,
    interval: fields.interval ?? null,
    change: fields.change ?? null,
    tolerance: spec.tolerance,
    column: spec.column ?? null,
    pairedWith: spec.pairedWith ?? null,
    p: fields.p ?? null,
    launches: fields.launches ?? 0,
    detectable: fields.detectable ?? null,
    reason: fields.reason ?? null,
    warnings: ownWarnings(spec, fields.warnings ?? []),
    samples: fields.samples ?? noSamples,
  },
});

/** A metric without a number; only one that gates carries the verdict. */
export const unmeasured = (
  spec: MetricSpec,
  state: MeasuredState,
  verdict: VerdictKind | null,
  reason: string,
  warnings: readonly string[] = [],
): JudgedMetric => metricVerdictOf(spec, { state, verdict: spec.role === 'gate' ? verdict : null, reason, warnings });

/** An oriented centre (positive worse, on the scale of launch values) as head against base: a fraction or unit, sign as measured. */
export const changeOf = (
  spec: MetricSpec,
  centre: { readonly estimate: number; readonly lower: number | null; readonly upper: number | null },
): NonNullable<MetricVerdict['change']> => {
  const back = (value: number | null): number | null => (value === null ? null : asMeasured(spec, value));
  const [lower, upper] = spec.better === 'lower' ? [centre.lower, centre.upper] : [centre.upper, centre.lower];
  return { estimate: back(centre.estimate) ?? 0, lower: back(lower), upper: back(upper) };
};

/** Head against base of two single numbers, whose specification has the scale for them (`scaledFor`). */
export const plainChange = (spec: MetricSpec, head: number, base: number): NonNullable<MetricVerdict['change']> => {
  const estimate = spec.scale === 'linear' ? head - base : (head - base) / base;
  return { estimate, lower: estimate, upper: estimate };
};
