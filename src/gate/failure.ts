import type { PlannedCell } from '../records/plan.ts';
import type { Launch, Samples } from '../records/sample.ts';
import type { Coded } from '../records/words.ts';
import type { Tally } from './launch-tally.ts';

/** Failed starts of one cell, each of which was tried once more. */
export interface FailedStarts {
  readonly errors: readonly Coded[];
  /** Starts of builds and launches, repeated ones included. */
  readonly starts: number;
}

/** `error[CODE] of ARM: message` */
export const codedWords = ({ code, arm, message }: Coded): string => `error[${code}]${arm === null ? '' : ` of ${arm}`}: ${message}`;

/** What of this cell could not be started at first. */
export const failedStartsOf = (cell: PlannedCell, samples: Samples, launches: readonly Launch[]): FailedStarts => {
  const names = [...launches.map(({ id }) => id), ...new Set(cell.arms.flatMap(({ builds }) => Object.values(builds)))];
  const errors = names.flatMap((name) => samples.failedStarts.get(name) ?? []);
  return { errors, starts: names.length + errors.length };
};

/**
 * More than one start in ten fails, and it is not the base's doing: no accident. Null: no more than
 * that.
 */
export const startFailure = ({ errors, starts }: FailedStarts): Coded | null => {
  const own = errors.filter(({ arm }) => arm !== 'base');
  const [first] = own;
  const most = Math.ceil(starts / 10);
  if (first === undefined || own.length <= most) return null;
  return {
    ...first,
    message: `${own.length} of ${starts} processes failed at their start. At most ${most} may. The first: ${first.message}`.slice(
      0,
      20_000,
    ),
  };
};

/**
 * The failure of a cell by its launches: one of the head, or too many that were lost. Null without.
 */
export const launchFailure = (tallies: readonly Tally[]): Coded | null => {
  const [failed] = tallies.flatMap((each) => each.failed);
  if (failed !== undefined)
    return failed.error ?? { code: 'launch-crashed', message: `The measuring process ${failed.id} failed. It gave no reason.`, arm: null };
  const lost = tallies.find((each) => each.overLost);
  if (lost === undefined) return null;
  const error = lost.failedByBase[0]?.error ?? null;
  return (
    error ?? {
      code: 'launch-crashed',
      message: `${lost.discarded} launches do not count, more than a fifth: the processor was throttled. Use a machine that keeps its clock rate.`,
      arm: null,
    }
  );
};

/** What went wrong and was measured anew, for the warnings of a cell. */
export const repeatedWords = (tallies: readonly Tally[], { errors, starts }: FailedStarts, launches: number): readonly string[] => {
  const lost = tallies.flatMap((each) => each.failedByBase);
  const [byBase, atStart] = [lost[0]?.error ?? null, errors[0]];
  return [
    ...(atStart === undefined
      ? []
      : [
          `${errors.length} of ${starts} processes failed at their start and ${errors.length === 1 ? 'was' : 'were'} started again: ${codedWords(atStart)}`,
        ]),
    ...(byBase === null ? [] : [`${lost.length} of ${launches} launches failed because of base and do not count: ${codedWords(byBase)}`]),
  ];
};
