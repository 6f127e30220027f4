/** Why a number does not exist, in words, where the run recorded no closer reason. */
import type { MetricVerdict } from '../records/verdict.ts';

type State = MetricVerdict['state'];

const words: Readonly<Record<State, string>> = {
  measured: 'measured, but not a finite number',
  baseline: 'taken from the stored baseline, which has no value',
  unchanged: 'identical arms and runtime: an earlier run measured it',
  'not-measured': 'identical arms and runtime: not measured',
  'not-applicable': 'does not apply to this model',
  'unsupported-export': 'not supported by this export',
  'no-meter': 'no meter on this machine',
  'no-base': 'the base has no artefact to compare with',
  refused: 'refused',
  clock: 'the clock is too coarse for what it times',
  missing: 'expected, but did not run',
  failed: 'failed',
};

/** The recorded reason; for a head value that does not exist always some reason, never null. */
export const reasonOf = (metric: Pick<MetricVerdict, 'reason' | 'state'>, head: number | null): string | null =>
  metric.reason ?? (head === null ? words[metric.state] : null);

/** What a state means, for tables that count states. */
export const stateText = (state: State): string =>
  state === 'measured' ? 'measured in this run' : state === 'baseline' ? 'taken from the stored baseline' : words[state];
