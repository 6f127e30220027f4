import type { MetricSpec, OperatingPoint } from '../records/metric.ts';
import type { ArmId } from '../records/words.ts';
import { median } from '../statistics/describe.ts';
import { numberOf } from './reading.ts';
import { type LaunchColumns, roundsOf } from './reduction.ts';
import { worseOnScale } from './scale.ts';
import { secondsIn } from './time-unit.ts';

/**
 * Shares of a value below which two readings of a clock are one: what subtracting two times since
 * 1970 leaves.
 */
const readingDust = 1e-6;
/** Decimals beyond this are rounding. */
const mostDigits = 12;

/** How fine the clock is that a program of the user's reads, as far as its readings tell. */
export interface ClockStep {
  /** Its step as a share of what it times; 0 where the readings show none. */
  readonly step: number;
  /** How far the truth may lie from a reading: the step, or the last digit of readings that show none. */
  readonly reach: number;
  /** Why it cannot decide; null where it is fine enough. */
  readonly coarse: string | null;
}

const fine: ClockStep = { step: 0, reach: 0, coarse: null };

/** The smallest difference of an arm's readings, and whether they are all the same. */
interface Readings {
  readonly arm: ArmId;
  readonly level: number;
  readonly step: number;
  readonly constant: boolean;
}

/** Readings in ascending order without those that are one but for rounding. */
const distinct = (values: readonly number[], dust: number): readonly number[] => {
  const found: number[] = [];
  for (const value of values.toSorted((a, b) => a - b)) if (value - (found.at(-1) ?? Number.NEGATIVE_INFINITY) > dust) found.push(value);
  return found;
};

/**
 * A step shows where readings of different launches agree: readings of a fine clock never do, and a
 * program that measures once and answers each round with that number agrees with itself alone.
 */
const readingsOf = (arm: ArmId, launches: readonly (readonly number[])[]): Readings => {
  const all = launches.flat();
  const level = Math.abs(median(all));
  const dust = readingDust * level;
  const steps = distinct(all, dust);
  const apart = launches.reduce((count, values) => count + distinct(values, dust).length, 0);
  const gaps = steps.slice(1).map((value, at) => value - (steps[at] ?? value));
  return { arm, level, step: apart > steps.length && gaps.length > 0 ? Math.min(...gaps) : 0, constant: steps.length === 1 };
};

/** The last decimal that a number has: 0.05 of 2.35, and 1 of a whole number. */
const lastDecimal = (value: number): number => {
  const [, decimals = '', exponent = '0'] = /^-?\d+(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(Number(value.toPrecision(mostDigits)))) ?? [];
  return 10 ** Math.min(0, Number(exponent) - decimals.length);
};

const shown = (value: number, { unit }: MetricSpec): string => `${Number(value.toPrecision(3))} ${unit}`;

const advice = 'read a finer clock or time more work';

/**
 * Readings that never change show no step. It is taken for the coarsest that may decide, a quarter
 * of the tolerance.
 */
const clockOfConstant = ({ arm, level }: Readings, spec: MetricSpec, tolerance: number, bound: number): ClockStep => {
  const hidden = lastDecimal(level) / (spec.scale === 'log' && level > 0 ? level : 1);
  const coarse = `clock: every reading of ${arm} is ${shown(level, spec)}, which is too coarse to show a change that matters; ${advice}`;
  return { step: tolerance / 4, reach: hidden, coarse: level > 0 && hidden >= bound ? coarse : null };
};

const clockOfArm = (readings: Readings, spec: MetricSpec, tolerance: number, bound: number): ClockStep => {
  if (readings.constant) return clockOfConstant(readings, spec, tolerance, bound);
  const unit = spec.scale === 'log' ? readings.level : 1;
  // Without a tolerance the two arms read alike where they are alike: only a pass asks for a fine clock.
  const limit = (tolerance > 0 ? tolerance : bound) / 4;
  const step = readings.step / unit;
  const coarse = `clock: ${readings.arm} is read in steps of ${shown(readings.step, spec)}, expected at most ${shown(limit * unit, spec)}; ${advice}`;
  return { step, reach: step, coarse: step > limit * (1 + 1e-9) ? coarse : null };
};

/**
 * What the readings of base and head over some launches (`columns`, positive) say of the clock of a
 * program of the user's; a metric that none reads has a fine one. A linear one is that of a time
 * only by its unit. `bound`: what must be excluded, a share of the value on the log scale, the
 * metric's unit on the linear one, as the tolerance is. The coarser arm counts.
 */
export const foreignClockOf = (
  point: OperatingPoint | null,
  columns: readonly LaunchColumns[],
  spec: MetricSpec,
  bound: number,
): ClockStep => {
  const { from } = spec;
  if (spec.kind !== 'timing' || point?.kind !== 'external' || (spec.scale !== 'log' && secondsIn(spec.unit) === null)) return fine;
  if (from.of !== 'series') return fine;
  return (['base', 'head'] as const)
    .map((arm) => {
      const launches = columns.flatMap((each) => {
        const rounds = numberOf(roundsOf(each, from, arm));
        return rounds === null ? [] : [rounds];
      });
      return launches.length === 0 ? fine : clockOfArm(readingsOf(arm, launches), spec, spec.tolerance, bound);
    })
    .reduce((worst, each) => ({
      step: Math.max(worst.step, each.step),
      reach: Math.max(worst.reach, each.reach),
      coarse: worst.coarse ?? each.coarse,
    }));
};

/** The step on the scale of launch values: no reading is further from the truth. */
export const onScaleStep = ({ scale }: Pick<MetricSpec, 'scale'>, step: number): number =>
  scale === 'log' ? worseOnScale({ scale, better: 'higher' }, step) : step;
