import type { GatePolicy } from '../records/plan.ts';
import type { Samples } from '../records/sample.ts';
import { mean, median, robustDeviation, standardDeviation } from '../statistics/describe.ts';
import { hodgesLehmann } from '../statistics/hodges-lehmann.ts';
import { smallestDetectable } from '../statistics/power.ts';
import { headLacks, unread } from './absent-metric.ts';
import { changeOf, type JudgedMetric, type MetricFields, metricVerdictOf } from './judged-metric.ts';
import { roundChanges } from './launch-change.ts';
import { pointIdOf, pointOf } from './metric-key.ts';
import { armMeans, armValues, gainsOf, shownValues } from './metric-values.ts';
import { observationsOf, ofLaunches } from './observation.ts';
import { numberOf } from './reading.ts';
import type { LaunchColumns } from './reduction.ts';
import { asMeasured, worsening } from './scale.ts';
import type { MetricProgress } from './test-progress.ts';
import type { TestedMetric } from './tested-metric.ts';
import { beyondRegression, outcomeOf, type TimingOutcome } from './timing-outcome.ts';

/** Why an exact metric is tested at all, before what the test says. */
const reasonOf = ({ variation, spec }: TestedMetric, reason: string | null): string | null => {
  if (variation === 0) return reason;
  const varies = `declared exact, but varies by ${Number(variation.toPrecision(3))} ${spec.unit} between launches`;
  return reason === null ? varies : `${varies}; ${reason}`;
};

/** Warnings about the launch values themselves: a drift within launches, or two modes between them. */
const launchWarnings = (tested: TestedMetric, columns: readonly LaunchColumns[], values: readonly number[]): string[] => {
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
    warnings.push(
      `in ${drifting} of ${columns.length} launches, the first and the last third of the rounds differ by more than the tolerance`,
    );
  if (values.length >= 12 && standardDeviation(values) > 3 * robustDeviation(values))
    warnings.push('the values of the launches have far outliers, or fall into two groups');
  return warnings;
};

const smallest = (
  tested: TestedMetric,
  values: readonly number[],
  policy: GatePolicy,
  family: number,
  { launches, by }: TimingOutcome,
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
 * @param excuse turns a regression that base accepts into a pass; anything else it returns as it is
 */
export const judgeTiming = (
  progress: MetricProgress,
  samples: Samples,
  policy: GatePolicy,
  family: number,
  excuse: (judged: JudgedMetric) => JudgedMetric,
): JudgedMetric => {
  const { tested } = progress;
  const { spec, cellState } = tested;
  if (tested.screen.status === 'absent') {
    const screen = observationsOf(cellState, spec, samples, policy.screen);
    const head = armValues(screen, spec, 'head');
    if (head.status === 'absent' && head.state !== 'missing')
      return headLacks(spec, head, armValues(screen, spec, 'base'), samples, screen.warnings);
    return unread(spec, tested.screen.state, tested.screen.reason, samples, screen.warnings);
  }
  if (tested.confirm.status === 'absent') return unread(spec, tested.confirm.state, tested.confirm.reason, samples);
  const values = { screen: tested.screen.value, confirm: tested.confirm.value };
  const by = (outcome: TimingOutcome): JudgedMetric => judgedBy(outcome, tested, values, samples, policy, family);
  const judged = by(outcomeOf(progress, samples, policy));
  const excused = excuse(judged);
  const beyond = excused === judged ? null : beyondRegression(progress, samples);
  return beyond === null ? excused : by(beyond);
};

const judgedBy = (
  outcome: TimingOutcome,
  tested: TestedMetric,
  launches: { readonly screen: readonly number[]; readonly confirm: readonly number[] },
  samples: Samples,
  policy: GatePolicy,
  family: number,
): JudgedMetric => {
  const { spec, cellState } = tested;
  const screen = observationsOf(cellState, spec, samples, policy.screen);
  const stage = outcome.launches > 0 ? ofLaunches(cellState.confirm.complete, pointIdOf(spec)) : screen;
  const columns = outcome.launches > 0 ? stage.columns.slice(0, outcome.launches) : stage.columns;
  const confirmed = outcome.by === 'mean' ? (numberOf(tested.means.confirm) ?? []) : launches.confirm;
  const values = outcome.launches > 0 ? confirmed.slice(0, outcome.launches) : launches.screen;
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
    warnings: [...stage.warnings, ...launchWarnings(tested, columns, values)],
    samples: {
      ...numbers.samples,
      change: values.map((value) => changeOf(spec, { estimate: value, lower: null, upper: null }).estimate),
      gains: gainsOf(screen, spec, pointOf(cellState.cell, spec)?.kind ?? 'none'),
    },
  };
  return metricVerdictOf(spec, fields, outcome.holdsRun);
};
