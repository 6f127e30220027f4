/** Why a number does not exist, in words, where the run recorded no closer reason. */
import type { MetricVerdict } from '../records/verdict.ts';

type State = MetricVerdict['state'];

const words: Readonly<Record<State, string>> = {
  measured: 'measured, but not a finite number',
  baseline: 'taken from the stored baseline, which has no value',
  unchanged: 'base and head are identical: an earlier run measured it',
  'not-measured': 'base and head are identical: not measured',
  'not-applicable': 'does not apply to this model',
  'unsupported-export': 'cannot be counted in ONNX files of this form',
  'no-meter': 'no meter on this machine',
  'no-base': 'base gave nothing to compare with',
  refused: 'this model cannot carry such a number',
  clock: 'the clock is too coarse for what it times',
  missing: 'expected, but did not run',
  failed: 'failed: the reason stands with the cell',
};

/** The recorded reason; for a head value that does not exist always some reason, never null. */
export const reasonOf = (metric: Pick<MetricVerdict, 'reason' | 'state'>, head: number | null): string | null =>
  metric.reason ?? (head === null ? words[metric.state] : null);

/** What a state means, for tables that count states. */
export const stateText = (state: State): string =>
  state === 'measured' ? 'measured in this run' : state === 'baseline' ? 'taken from the stored baseline' : words[state];
