import type { Reduction } from '../records/metric.ts';
import type { ArmId } from '../records/words.ts';
import { mean, median } from '../statistics/describe.ts';
import { absent, type Reading, read } from './reading.ts';

/** arm → series → one number per round: what one launch says of one point. */
export type LaunchColumns = Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;
export type SampledReduction = Extract<Reduction, { of: 'series' | 'against' }>;

type Comparison = Extract<Reduction, { of: 'against' }>['as'];

/** Rounds to one number. `last` is a property of the whole point, carried by its last round. `values` must not be empty. */
export const reduce = (values: readonly number[], over: SampledReduction['over']): number => {
  if (over === 'median') return median(values);
  if (over === 'mean') return mean(values);
  return over === 'max' ? values.reduce((a, b) => Math.max(a, b)) : (values.at(-1) ?? Number.NaN);
};

/** Numbers beyond this have sums and ratios that are no numbers. */
const largest = 1e300;

const allFinite = (values: readonly number[]): boolean => {
  for (let at = 0; at < values.length; at++) if (!Number.isFinite(values[at])) return false;
  return true;
};

const column = (columns: LaunchColumns, arm: ArmId, series: string): Reading<readonly number[]> => {
  const values = Object.hasOwn(columns, arm) ? columns[arm] : undefined;
  if (values === undefined) return absent('missing', `there are no samples of ${arm}`);
  const found = Object.hasOwn(values, series) ? values[series] : undefined;
  if (found === undefined || found.length === 0) return absent('missing', `${arm} has no values of ${series}`);
  const beyond = found.find((value) => !(Math.abs(value) <= largest));
  if (beyond === undefined) return read(found);
  // Base's own fault is not held against head.
  return absent(
    arm === 'base' ? 'no-base' : 'failed',
    `${arm} reported ${beyond} for ${series}, expected at most ${largest} in size: report it in a larger unit`,
  );
};

const compared = (as: Comparison, arm: number, other: number): number => {
  if (as === 'difference') return arm - other;
  if (as === 'speed-up') return other / arm;
  if (as === 'ratio') return arm / other;
  if (as === 'percent-removed') return 100 * (1 - arm / other);
  return as === 'percent-added' ? 100 * (arm / other - 1) : 100 * Math.exp(other - arm);
};

/**
 * The metric of one arm, round by round: its series, or the series compared with the other arm's in the same round.
 * Absent with a reason: no such arm or series, unequal numbers of rounds, a zero denominator.
 */
export const roundsOf = (columns: LaunchColumns, from: SampledReduction, arm: ArmId): Reading<readonly number[]> => {
  const own = column(columns, arm, from.series);
  if (own.status === 'absent' || from.of === 'series') return own;
  const other = column(columns, from.arm, from.series);
  if (other.status === 'absent') return other;
  if (own.value.length !== other.value.length)
    return absent('failed', `${arm} has ${own.value.length} rounds and ${from.arm} ${other.value.length}, expected as many of both`);
  const rounds = own.value.map((value, round) => compared(from.as, value, other.value[round] ?? Number.NaN));
  return allFinite(rounds)
    ? read(rounds)
    : absent('failed', `${from.series} of ${from.as === 'speed-up' ? arm : from.arm} is zero, so there is no ratio`);
};

/**
 * The metric of one arm in one launch. `percent-kept` over the mean is taken of the mean difference (the ratio of perplexities,
 * not the mean of ratios).
 */
export const launchValue = (columns: LaunchColumns, from: SampledReduction, arm: ArmId): Reading<number> => {
  if (from.of === 'against' && from.as === 'percent-kept' && from.over === 'mean') {
    const differences = roundsOf(columns, { ...from, as: 'difference' }, arm);
    return differences.status === 'absent' ? differences : read(100 * Math.exp(-mean(differences.value)));
  }
  const rounds = roundsOf(columns, from, arm);
  return rounds.status === 'absent' ? rounds : read(reduce(rounds.value, from.over));
};
