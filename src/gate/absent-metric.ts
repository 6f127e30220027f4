import type { MetricSpec } from '../records/metric.ts';
import type { Samples } from '../records/sample.ts';
import type { VerdictKind } from '../records/verdict.ts';
import { type JudgedMetric, unmeasured } from './judged-metric.ts';
import type { MeasuredState, Reading } from './reading.ts';

/** The verdict on what was expected and is not there. */
export const gapVerdict = (samples: Samples): VerdictKind => (samples.stopped === 'budget' ? 'inconclusive' : 'missing');

/** Words for it, with what is known of the gap. */
export const gapReason = (samples: Samples, what: string): string => {
  if (samples.stopped === 'budget') return `the time of \`budget: minutes\` ran out: ${what}`;
  return samples.stopped === 'interrupted' ? `the run was interrupted: ${what}` : what;
};

/** Of a state without a number, where it gates; the others are excuses. What a model cannot carry is expected all the same, and is missing. */
const verdicts: Readonly<Partial<Record<MeasuredState, VerdictKind>>> = {
  failed: 'failed',
  'no-base': 'inconclusive',
  clock: 'inconclusive',
  refused: 'missing',
};

/** A metric that head lacks: where it gates and base has it, the reason excuses nothing, and it is missing. */
export const headLacks = (
  spec: MetricSpec,
  head: Extract<Reading<unknown>, { status: 'absent' }>,
  base: Reading<unknown>,
  samples: Samples,
  warnings: readonly string[],
): JudgedMetric =>
  spec.role === 'gate' && base.status === 'read' && head.state !== 'missing' && head.state !== 'failed'
    ? unmeasured(spec, 'missing', 'missing', `base has it, head does not: ${head.reason}`, warnings)
    : unread(spec, head.state, head.reason, samples, warnings);

/** A metric whose number could not be read: absent samples are a gap, broken ones a failure, and a stated excuse is no verdict at all. */
export const unread = (
  spec: MetricSpec,
  state: MeasuredState,
  reason: string,
  samples: Samples,
  warnings: readonly string[] = [],
): JudgedMetric => {
  if (state === 'missing') return unmeasured(spec, 'missing', gapVerdict(samples), gapReason(samples, reason), warnings);
  return unmeasured(spec, state, verdicts[state] ?? null, reason, warnings);
};
