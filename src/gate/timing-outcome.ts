import type { GatePolicy } from '../records/plan.ts';
import type { Samples } from '../records/sample.ts';
import { gapReason, gapVerdict } from './absent-metric.ts';
import { numberOf } from './reading.ts';
import { asMeasured, worsening } from './scale.ts';
import { excludedBy, excludedByAll, type MetricProgress } from './test-progress.ts';
import type { TestedMetric } from './tested-metric.ts';

/** A verdict on a timing metric, and what it rests on. */
export interface TimingOutcome {
  readonly verdict: 'regressed' | 'improved' | 'passed' | 'inconclusive' | 'missing';
  /** Confirming launches that decide; 0: the screen does. */
  readonly launches: number;
  /** Whether the means of rounds decide, which are shown then, or the medians. */
  readonly by?: 'mean';
  readonly p: number | null;
  readonly reason: string | null;
  readonly holdsRun: boolean;
}

type CutOff = (wanted: number) => TimingOutcome;

/** Where nothing is confirmed: what the screen saw, which is never enough for a verdict on time. */
const impressionOf = ({ regress, mean: ofMean, improve }: MetricProgress): TimingOutcome => {
  const seen = regress !== null || ofMean !== null ? 'it may be worse' : improve !== null ? 'it may be better' : 'nothing large was seen';
  return { verdict: 'inconclusive', launches: 0, p: null, reason: `first impression (\`quick\`): ${seen}, not confirmed`, holdsRun: true };
};

/** An amount on the scale of launch values in words, by default what must be excluded: `10 %`, or so many of the metric's own unit. */
const boundText = ({ spec, bound }: TestedMetric, amount = bound): string =>
  spec.scale === 'log'
    ? `${Number((100 * worsening(spec, asMeasured(spec, amount))).toPrecision(4))} %`
    : `${Number(amount.toPrecision(3))} ${spec.unit}`;

/** The setting that says how large a change must be excluded. */
const boundSetting = ({ boundBy, spec }: TestedMetric): string =>
  boundBy === 'must-detect' ? 'gate.must-detect' : `gate.tolerance.${spec.id}`;

/** A base near 0 leaves no size that matters: only a tolerance can say one. */
const remedy = ({ spec, variation }: TestedMetric): string =>
  spec.scale === 'linear' && spec.tolerance === 0 && variation === 0
    ? `; set gate.tolerance.${spec.id} to the change that matters, in ${spec.unit}`
    : '';

/** Of launches that would show it, but depend on each other: their test is no test then. */
const dependentAt = (launches: number, looks: string): TimingOutcome => ({
  verdict: 'inconclusive',
  launches,
  p: null,
  reason:
    `dependent: ${looks}, but the launches drift or resemble their neighbours, which independent ones would not. Measure again on a ` +
    'quiet machine; if it stays, look for what one launch leaves to the next.',
  holdsRun: true,
});

/** What the means of rounds say where the medians hide it; null where they say nothing. */
const outcomeOfMean = ({ tested, mean: decision }: MetricProgress, cutOff: CutOff): TimingOutcome | null => {
  if (decision === null || decision.outcome === 'futile') return null;
  if (decision.outcome === 'open') return cutOff(decision.launches);
  const { launches, p } = decision;
  if (decision.outcome === 'dependent') return { ...dependentAt(launches, 'the mean over rounds looks worse'), by: 'mean' };
  const by = `worse by more than ${boundText(tested, tested.margins.mean)}`;
  return decision.outcome === 'rejected'
    ? { verdict: 'regressed', launches, by: 'mean', p, reason: `the mean over rounds is ${by}`, holdsRun: true }
    : { verdict: 'inconclusive', launches, by: 'mean', p, reason: `undecided: the mean over rounds may be ${by}`, holdsRun: true };
};

/** What the families say of one metric, from the samples that there are. */
interface Said extends MetricProgress {
  readonly ofMean: TimingOutcome | null;
  readonly cutOff: CutOff;
}

const saidOf = (progress: MetricProgress, samples: Samples): Said => {
  const have = numberOf(progress.tested.confirm)?.length ?? 0;
  const cutOff: CutOff = (wanted) => ({
    verdict: gapVerdict(samples) === 'missing' ? 'missing' : 'inconclusive',
    launches: 0,
    p: progress.regress?.p ?? null,
    reason: gapReason(samples, `only ${have} of ${wanted} confirming launches are complete`),
    holdsRun: true,
  });
  return { ...progress, cutOff, ofMean: outcomeOfMean(progress, cutOff) };
};

const held = ({ regress }: MetricProgress, reason: string): TimingOutcome => ({
  verdict: 'inconclusive',
  launches: 0,
  p: regress?.p ?? null,
  reason,
  holdsRun: true,
});

/** The regression that the families, or the last test, show; the means first. Null where they show none. */
const regressionOf = ({ tested, regress, last, ofMean }: Said): TimingOutcome | null => {
  const have = numberOf(tested.confirm)?.length ?? 0;
  const p = regress?.p ?? null;
  if (ofMean?.verdict === 'regressed') return ofMean;
  if (regress?.outcome === 'rejected') return { verdict: 'regressed', launches: regress.launches, p, reason: null, holdsRun: true };
  if (tested.agreed)
    return { verdict: 'regressed', launches: have, p: null, reason: `all ${have} confirming launches agree`, holdsRun: true };
  if (last?.rejected === true)
    return {
      verdict: 'regressed',
      launches: last.launches,
      p: last.p,
      reason: `shown by the last test, over all ${last.launches} launches`,
      holdsRun: true,
    };
  return null;
};

/** Why the medians do not tell how much worse the metric is at most; null where they do. */
const hiddenOf = (said: Said): TimingOutcome | null => {
  if (said.tested.busy !== null) return held(said, said.tested.busy);
  return said.ofMean?.verdict === 'regressed' ? null : said.ofMean;
};

/** What the looks or the last test would have shown, but for dependent launches; null where they would not. */
const dependentOf = ({ regress, last }: Said): TimingOutcome | null => {
  const launches = regress?.outcome === 'dependent' ? regress.launches : last?.dependent === true ? last.launches : null;
  return launches === null ? null : dependentAt(launches, 'it looks worse');
};

const coarseOf = (said: Said): TimingOutcome | null => (said.tested.clock.coarse === null ? null : held(said, said.tested.clock.coarse));

/**
 * What still keeps a metric from passing where base accepts the regression that was shown: an
 * acceptance covers nothing that is not known. Null where nothing does.
 */
export const beyondRegression = (progress: MetricProgress, samples: Samples): TimingOutcome | null => {
  const said = saidOf(progress, samples);
  return hiddenOf(said) ?? coarseOf(said);
};

/** What the families and the evidence rule say together; the regression family speaks first. */
export const outcomeOf = (progress: MetricProgress, samples: Samples, { looks }: Pick<GatePolicy, 'looks'>): TimingOutcome => {
  if (looks.length === 0) return impressionOf(progress);
  const said = saidOf(progress, samples);
  const { tested, regress, improve, evidence, cutOff } = said;
  const decided = regressionOf(said) ?? hiddenOf(said) ?? dependentOf(said);
  if (decided !== null) return decided;
  const p = regress?.p ?? null;
  // Launches after the look that showed it can still leave must-detect open.
  if (improve?.outcome === 'rejected' && excludedByAll(tested, looks))
    return { verdict: 'improved', launches: improve.launches, p: improve.p, reason: null, holdsRun: false };
  if (regress?.outcome === 'open') return cutOff(regress.launches);
  const coarse = coarseOf(said);
  if (coarse !== null) return coarse;
  if (regress?.outcome === 'exhausted') {
    const bounded = excludedBy(tested, regress.launches);
    // What is excluded is then any worsening beyond the tolerance.
    if (bounded && tested.boundBy === 'tolerance')
      return { verdict: 'passed', launches: regress.launches, p, reason: null, holdsRun: false };
    const limit = boundText(tested);
    const reason = bounded
      ? `undecided: it may be worse, but by less than must-detect (${limit})`
      : `undecided: a change of ${limit} cannot be excluded${remedy(tested)}`;
    return { verdict: 'inconclusive', launches: regress.launches, p, reason, holdsRun: !bounded };
  }
  if (evidence?.outcome === 'open') return cutOff(evidence.launches);
  if (evidence?.outcome === 'exhausted')
    return {
      verdict: 'inconclusive',
      launches: evidence.launches,
      p,
      reason: `too noisy: a change of ${boundText(tested)} cannot be excluded${remedy(tested) || `; use a quieter machine, or raise ${boundSetting(tested)}`}`,
      holdsRun: true,
    };
  // Its launches are owed all the same: the last test reads them, and one of them may have failed.
  if (improve?.outcome === 'open') return { ...cutOff(improve.launches), holdsRun: false };
  const launches = evidence?.launches ?? improve?.launches ?? 0;
  return {
    verdict: 'passed',
    launches,
    p,
    reason:
      improve?.outcome === 'dependent'
        ? 'it looks better, but its launches depend on each other, so no improvement is claimed: measure again on a quiet machine'
        : null,
    holdsRun: false,
  };
};
