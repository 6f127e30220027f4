import { readAbsence } from '../records/absence.ts';
import type { MetricSpec, OperatingPoint } from '../records/metric.ts';
import { isAbout } from '../records/series-note.ts';
import type { MetricVerdict } from '../records/verdict.ts';
import type { ArmId } from '../records/words.ts';
import { mean, median } from '../statistics/describe.ts';
import { holding, type Observations } from './observation.ts';
import { absent, type Reading, read, readAll } from './reading.ts';
import { type LaunchColumns, launchValue, roundsOf, type SampledReduction } from './reduction.ts';

type Gains = MetricVerdict['samples']['gains'];
const noGains: Gains = { base: [], head: [] };

/** One value per replicate. */
export type ArmReading = Reading<readonly number[]>;

/** Where a worker says why this very series is not there, that is the state, not `missing`. */
const excused = (reading: ArmReading, { series }: SampledReduction, warnings: readonly string[]): ArmReading => {
  if (reading.status === 'read' || reading.state !== 'missing') return reading;
  const said = warnings.flatMap((warning) => readAbsence(warning) ?? []).find((absence) => isAbout(absence, series));
  return said === undefined ? reading : absent(said.state, said.reason);
};

/** Values of a byte count to 1 MiB steps: finer differences of a resident set are the allocator's. */
const stepped = (spec: MetricSpec, solo: boolean, value: number): number =>
  solo && spec.unit === 'bytes' ? Math.round(value / 2 ** 20) * 2 ** 20 : value;

/** One value per replicate of an arm, or why there is none. Replicates of solo points are stepped to 1 MiB where they are bytes. */
export const armValues = (observations: Observations, spec: MetricSpec, arm: ArmId, solo = false): ArmReading => {
  const { from } = spec;
  if (from.of !== 'series' && from.of !== 'against') return absent('missing', 'no launch measures it');
  if (observations.columns.length === 0) return excused(absent('missing', 'there are no samples of it'), from, observations.warnings);
  const reading = readAll(holding(observations.columns, arm), (columns: LaunchColumns) => {
    const value = launchValue(columns, from, arm);
    return value.status === 'read' ? read(stepped(spec, solo, value.value)) : value;
  });
  return excused(reading, from, observations.warnings);
};

/** The same by the mean over the rounds of a launch, on the metric's scale: the geometric one where that is logarithmic. */
export const armMeans = ({ columns }: Observations, spec: MetricSpec, arm: ArmId): ArmReading => {
  const { from, scale } = spec;
  if (from.of !== 'series' && from.of !== 'against') return absent('missing', 'no launch measures it');
  return readAll(holding(columns, arm), (each) => {
    const rounds = roundsOf(each, from, arm);
    if (rounds.status === 'absent') return rounds;
    if (scale === 'linear') return read(mean(rounds.value));
    return rounds.value.every((value) => value > 0)
      ? read(Math.exp(mean(rounds.value.map(Math.log))))
      : absent('failed', 'not all rounds are above 0, so there is no ratio');
  });
};

/**
 * How many times as good as the reference base and head were, launch by launch of those that ran both: times of different launches are not divided,
 * for the machine was another one. Empty for what can be zero or negative, where any such launch is, and for arms that never run together.
 */
export const gainsOf = ({ columns }: Observations, spec: MetricSpec, kind: OperatingPoint['kind'] | 'none'): Gains => {
  const { from, better, scale } = spec;
  if (scale !== 'log' || kind === 'solo' || (from.of !== 'series' && from.of !== 'against')) return noGains;
  const gains = (arm: ArmId): readonly number[] => {
    const ratios = columns.flatMap((each) => {
      const [reference, own] = [launchValue(each, from, 'reference'), launchValue(each, from, arm)];
      if (reference.status === 'absent' || own.status === 'absent') return [];
      if (reference.value <= 0 || own.value <= 0) return Number.NaN;
      return better === 'lower' ? reference.value / own.value : own.value / reference.value;
    });
    return ratios.every((ratio) => ratio > 0 && Number.isFinite(ratio)) ? ratios : [];
  };
  return { base: gains('base'), head: gains('head') };
};

/** Values of an arm that may be absent, as the verdict shows them: by the median over launches, or by another `centre`. */
export const shown = (
  reading: ArmReading,
  centre: (values: readonly number[]) => number = median,
): { readonly value: number | null; readonly samples: readonly number[] } =>
  reading.status === 'read' && reading.value.length > 0
    ? { value: centre(reading.value), samples: reading.value }
    : { value: null, samples: [] };

/** Reference, base and head of a metric, as the verdict shows them. */
export const shownValues = (
  reference: ArmReading,
  base: ArmReading,
  head: ArmReading,
  centre: (values: readonly number[]) => number = median,
): Pick<MetricVerdict, 'reference' | 'base' | 'head'> & { readonly samples: Omit<MetricVerdict['samples'], 'change' | 'gains'> } => {
  const [r, b, h] = [shown(reference, centre), shown(base, centre), shown(head, centre)];
  return { reference: r.value, base: b.value, head: h.value, samples: { reference: r.samples, base: b.samples, head: h.samples } };
};
