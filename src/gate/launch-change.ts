import type { MetricSpec } from '../records/metric.ts';
import { mean, median } from '../statistics/describe.ts';
import { absent, type Reading, read } from './reading.ts';
import { type LaunchColumns, launchValue, roundsOf } from './reduction.ts';
import { worseBy } from './scale.ts';

/**
 * Why a value ≤ 0 has no logarithm, and whose fault that is: no time passed for a clock that is too
 * coarse; anything else is an error of the arm that gave it, and base's is not held against head.
 */
const noLogarithm = ({ id, unit, better }: MetricSpec, head: number, base: number): Reading<never> => {
  const negative = head < 0 || base < 0;
  const arm = (negative ? base < 0 : base <= 0) ? 'base' : 'head';
  const value = `${arm} has the value ${arm === 'base' ? base : head} ${unit} of ${id}`;
  if (!negative && better === 'lower')
    return absent('clock', `clock: ${value}, expected more than 0; read a finer clock or time more work`);
  return absent(
    arm === 'base' ? 'no-base' : 'failed',
    `${value}, expected more than 0; declare \`scale: linear\` for what can be 0 or negative`,
  );
};

/**
 * The value of one replicate: head against base with positive worse. Over the median, rounds are
 * paired before they are reduced (median of ln(head ÷ base), so that a stall that hits both arms
 * cancels); otherwise the reduced values are compared.
 */
export const launchChange = (columns: LaunchColumns, spec: MetricSpec): Reading<number> => {
  const { from } = spec;
  if (from.of !== 'series' && from.of !== 'against') return absent('missing', 'no launch measures it');
  if (from.over !== 'median') {
    const head = launchValue(columns, from, 'head');
    if (head.status === 'absent') return head;
    const base = launchValue(columns, from, 'base');
    if (base.status === 'absent') return base;
    const change = worseBy(spec, head.value, base.value);
    return change === null ? noLogarithm(spec, head.value, base.value) : read(change);
  }
  const changes = roundChanges(columns, spec);
  return changes.status === 'absent' ? changes : read(median(changes.value));
};

/**
 * The value of one replicate by the mean of its rounds (of their logarithms on the log scale), which
 * shows what the median does not: what is worse in fewer than half of them.
 */
export const meanLaunchChange = (columns: LaunchColumns, spec: MetricSpec): Reading<number> => {
  if (!('over' in spec.from) || spec.from.over !== 'median') return launchChange(columns, spec);
  const changes = roundChanges(columns, spec);
  return changes.status === 'absent' ? changes : read(mean(changes.value));
};

/** By launch and metric: the test and the warnings about it read the same rounds. */
const known = new WeakMap<LaunchColumns, Map<MetricSpec, Reading<readonly number[]>>>();

/** Head against base round by round, positive worse. */
export const roundChanges = (columns: LaunchColumns, spec: MetricSpec): Reading<readonly number[]> => {
  const found = known.get(columns) ?? new Map<MetricSpec, Reading<readonly number[]>>();
  known.set(columns, found);
  const changes = found.get(spec) ?? pairRounds(columns, spec);
  found.set(spec, changes);
  return changes;
};

const pairRounds = (columns: LaunchColumns, spec: MetricSpec): Reading<readonly number[]> => {
  const { from } = spec;
  if (from.of !== 'series' && from.of !== 'against') return absent('missing', 'no launch measures it');
  const head = roundsOf(columns, from, 'head');
  if (head.status === 'absent') return head;
  const base = roundsOf(columns, from, 'base');
  if (base.status === 'absent') return base;
  if (head.value.length !== base.value.length)
    return absent('failed', `head has ${head.value.length} rounds and base ${base.value.length}, expected as many of both`);
  return pair(head.value, base.value, spec);
};

const pair = (head: readonly number[], base: readonly number[], spec: MetricSpec): Reading<readonly number[]> => {
  const changes = new Array<number>(head.length).fill(0);
  for (let round = 0; round < head.length; round++) {
    const value = head[round] ?? Number.NaN;
    const other = base[round] ?? Number.NaN;
    const change = worseBy(spec, value, other);
    if (change === null) return noLogarithm(spec, value, other);
    changes[round] = change;
  }
  return read(changes);
};
