import type { GatePolicy } from '../records/plan.ts';
import type { Samples } from '../records/sample.ts';
import { mean, median, robustDeviation, standardDeviation } from '../statistics/describe.ts';
import { hodgesLehmann } from '../statistics/hodges-lehmann.ts';
import { smallestDetectable } from '../statistics/power.ts';
import { gapReason, gapVerdict, headLacks, unread } from './gap.ts';
import { changeOf, type JudgedMetric, type MetricFields, metricVerdictOf } from './judged-metric.ts';
import { roundChanges } from './launch-change.ts';
import { pointIdOf, pointOf } from './metric-key.ts';
import { armMeans, armValues, gainsOf, shownValues } from './metric-values.ts';
import { observationsOf, ofLaunches } from './observation.ts';
import { excludedBy, excludedByAll, type MetricProgress } from './progress.ts';
import { numberOf } from './reading.ts';
import type { Columns } from './reduction.ts';
import { asMeasured, worsening } from './scale.ts';
import type { Tested } from './tested.ts';

interface Outcome {
  readonly verdict: 'regressed' | 'improved' | 'passed' | 'inconclusive' | 'missing';
  /** Confirming launches that decide; 0: the screen does. */
  readonly launches: number;
  /** Whether the means of rounds decide, which are shown then, or the medians. */
  readonly by?: 'mean';
  readonly p: number | null;
  readonly reason: string | null;
  readonly holdsRun: boolean;
}

const passed = (launches: number, p: number | null): Outcome => ({ verdict: 'passed', launches, p, reason: null, holdsRun: false });

/** Where nothing is confirmed: what the screen saw, which is never enough for a verdict on time. */
const impressionOf = ({ regress, mean: ofMean, improve }: MetricProgress): Outcome => {
  const seen = regress !== null || ofMean !== null ? 'it may be worse' : improve !== null ? 'it may be better' : 'nothing large was seen';
  return { verdict: 'inconclusive', launches: 0, p: null, reason: `first impression: ${seen}, not confirmed`, holdsRun: true };
};

/** An amount on the scale of launch values in words, by default what must be excluded: `10 %`, or so many of the metric's own unit. */
const boundText = ({ spec, bound }: Tested, amount = bound): string =>
  spec.scale === 'log'
    ? `${Number((100 * worsening(spec, asMeasured(spec, amount))).toPrecision(4))} %`
    : `${Number(amount.toPrecision(3))} ${spec.unit}`;

/** A base near 0 leaves no size that matters: only a tolerance can say one. */
const remedy = ({ spec, variation }: Tested): string =>
  spec.scale === 'linear' && spec.tolerance === 0 && variation === 0
    ? `; set gate.tolerance.${spec.id} to the change that matters, in ${spec.unit}`
    : '';

/** What the means of rounds say where the medians hide it; null where they say nothing. */
const outcomeOfMean = ({ tested, mean: decision }: MetricProgress, cutOff: (wanted: number) => Outcome): Outcome | null => {
  if (decision === null || decision.outcome === 'futile') return null;
  if (decision.outcome === 'open') return cutOff(decision.launches);
  const { launches, p } = decision;
  const by = `the mean over rounds, by more than ${boundText(tested, tested.margins.mean)}`;
  return decision.outcome === 'rejected'
    ? { verdict: 'regressed', launches, by: 'mean', p, reason: `by ${by}`, holdsRun: true }
    : { verdict: 'inconclusive', launches, by: 'mean', p, reason: `undecided: it may be worse by ${by}`, holdsRun: true };
};

/** What the families and the evidence rule say together; the regression family speaks first. */
const outcomeOf = (progress: MetricProgress, samples: Samples, looks: GatePolicy['looks']): Outcome => {
  const { tested, regress, improve, evidence, last } = progress;
  const have = numberOf(tested.confirm)?.length ?? 0;
  const p = regress?.p ?? null;
  const cutOff = (wanted: number): Outcome => ({
    verdict: gapVerdict(samples) === 'missing' ? 'missing' : 'inconclusive',
    launches: 0,
    p,
    reason: gapReason(samples, `${have} of ${wanted} confirming launches`),
    holdsRun: true,
  });
  // The means first: what base accepts of the medians does not cover them.
  const ofMean = outcomeOfMean(progress, cutOff);
  if (ofMean?.verdict === 'regressed') return ofMean;
  if (regress?.outcome === 'rejected') return { verdict: 'regressed', launches: regress.launches, p, reason: null, holdsRun: true };
  if (tested.agreed)
    return { verdict: 'regressed', launches: have, p: null, reason: `all ${have} confirming launches agree`, holdsRun: true };
  if (last?.rejected === true)
    return {
      verdict: 'regressed',
      launches: last.launches,
      p: last.p,
      reason: `by the last test, of all ${last.launches} launches`,
      holdsRun: true,
    };
  if (tested.busy !== null) return { verdict: 'inconclusive', launches: 0, p, reason: tested.busy, holdsRun: true };
  if (ofMean !== null) return ofMean;
  // Launches after the look that showed it can still leave must-detect open.
  if (improve?.outcome === 'rejected' && excludedByAll(tested, looks))
    return { verdict: 'improved', launches: improve.launches, p: improve.p, reason: null, holdsRun: false };
  if (regress?.outcome === 'open') return cutOff(regress.launches);
  if (tested.clock.coarse !== null) return { verdict: 'inconclusive', launches: 0, p, reason: tested.clock.coarse, holdsRun: true };
  if (regress?.outcome === 'exhausted') {
    const bounded = excludedBy(tested, regress.launches);
    const limit = boundText(tested);
    const reason = bounded
      ? `undecided, but a change as large as must-detect (${limit}) is excluded`
      : `undecided: a change of ${limit} cannot be excluded${remedy(tested)}`;
    return { verdict: 'inconclusive', launches: regress.launches, p, reason, holdsRun: !bounded };
  }
  if (evidence?.outcome === 'open') return cutOff(evidence.launches);
  if (evidence?.outcome === 'exhausted')
    return {
      verdict: 'inconclusive',
      launches: evidence.launches,
      p,
      reason: `too noisy: a change of ${boundText(tested)} cannot be excluded${remedy(tested)}`,
      holdsRun: true,
    };
  // Its launches are owed all the same: the last test reads them, and one of them may have failed.
  if (improve?.outcome === 'open') return { ...cutOff(improve.launches), holdsRun: false };
  return passed(evidence?.launches ?? improve?.launches ?? 0, p);
};

/** Why an exact metric is tested at all, before what the test says. */
const reasonOf = ({ variation, spec }: Tested, reason: string | null): string | null => {
  if (variation === 0) return reason;
  const varies = `declared exact, but varies by ${Number(variation.toPrecision(3))} ${spec.unit} between launches`;
  return reason === null ? varies : `${varies}; ${reason}`;
};

/** Doubts about the launch values themselves: a drift within launches, or two modes between them. */
const doubts = (tested: Tested, columns: readonly Columns[], values: readonly number[]): string[] => {
  const warnings: string[] = [];
  let drifting = 0;
  for (const [at, each] of columns.entries()) {
    // What is left cannot make a majority any more.
    if (drifting + columns.length - at <= columns.length / 2) break;
    const rounds = numberOf(roundChanges(each, tested.spec)) ?? [];
    const third = Math.floor(rounds.length / 3);
    if (third < 5) continue;
    const drift = Math.abs(median(rounds.slice(0, third)) - median(rounds.slice(-third)));
    if (drift <= tested.margins.worse) continue;
    // Beyond what medians of so few rounds differ by in this much noise (1.25 σ/√n each): else every noisy machine "drifts".
    if (drift > 3 * 1.25 * robustDeviation(rounds) * Math.sqrt(2 / third)) drifting += 1;
  }
  if (drifting > columns.length / 2)
    warnings.push(`non-stationary: first and last third differ by more than the tolerance in ${drifting} of ${columns.length} launches`);
  if (values.length >= 12 && standardDeviation(values) > 3 * robustDeviation(values))
    warnings.push('launch values have far outliers or two modes');
  return warnings;
};

const smallest = (
  tested: Tested,
  values: readonly number[],
  policy: GatePolicy,
  family: number,
  { launches, by }: Outcome,
): number | null => {
  const reach = launches > 0 ? launches : (policy.looks.at(-1)?.launches ?? 0);
  const margin = by === 'mean' ? tested.margins.mean : tested.margins.worse;
  const change = smallestDetectable({ values, launches: reach, margin, alpha: policy.alpha / Math.max(1, family) });
  return change === null ? null : worsening(tested.spec, asMeasured(tested.spec, change));
};

/**
 * The verdict on a timing metric that gates: families and evidence of the whole pull request as `progressOf` replays them.
 * Numbers shown are those of the deciding stage (reference: of the screen, it is not confirmed). `detectable` is what the
 * confirming launches could have told from noise, or for a metric that the screen cleared, what all looks together could.
 */
export const judgeTiming = (progress: MetricProgress, samples: Samples, policy: GatePolicy, family: number): JudgedMetric => {
  const { tested } = progress;
  const { spec, standing } = tested;
  const screen = observationsOf(standing, spec, samples, policy.screen);
  if (tested.screen.status === 'absent') {
    const head = armValues(screen, spec, 'head');
    if (head.status === 'absent' && head.state !== 'missing')
      return headLacks(spec, head, armValues(screen, spec, 'base'), samples, screen.warnings);
    return unread(spec, tested.screen.state, tested.screen.reason, samples, screen.warnings);
  }
  if (tested.confirm.status === 'absent') return unread(spec, tested.confirm.state, tested.confirm.reason, samples);
  const outcome = policy.looks.length === 0 ? impressionOf(progress) : outcomeOf(progress, samples, policy.looks);
  const stage = outcome.launches > 0 ? ofLaunches(standing.confirm.complete, pointIdOf(spec)) : screen;
  const columns = outcome.launches > 0 ? stage.columns.slice(0, outcome.launches) : stage.columns;
  const confirmed = outcome.by === 'mean' ? (numberOf(tested.means.confirm) ?? []) : tested.confirm.value;
  const values = outcome.launches > 0 ? confirmed.slice(0, outcome.launches) : tested.screen.value;
  const valuesOf = outcome.by === 'mean' ? armMeans : armValues;
  const arm = (id: 'base' | 'head') => valuesOf({ ...stage, columns }, spec, id);
  const numbers = shownValues(valuesOf(screen, spec, 'reference'), arm('base'), arm('head'), tested.variation > 0 ? mean : median);
  const centre = hodgesLehmann(values);
  const fields: MetricFields = {
    verdict: outcome.verdict,
    state: outcome.verdict === 'missing' ? 'missing' : 'measured',
    ...numbers,
    change: changeOf(spec, centre),
    p: outcome.p,
    launches: values.length,
    detectable: smallest(tested, values, policy, family, outcome),
    reason: reasonOf(tested, outcome.reason),
    warnings: [...stage.warnings, ...doubts(tested, columns, values)],
    samples: {
      ...numbers.samples,
      change: values.map((value) => changeOf(spec, { estimate: value, lower: null, upper: null }).estimate),
      gains: gainsOf(screen, spec, pointOf(standing.cell, spec)?.kind ?? 'none'),
    },
  };
  return metricVerdictOf(spec, fields, outcome.holdsRun);
};
