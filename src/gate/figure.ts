import type { MetricVerdict } from '../records/verdict.ts';
import { absent, type Reading, read } from './reading.ts';

/** One judged cell, as far as figures over cells read it. */
export interface JudgedCell {
  readonly id: string;
  readonly model: string | null;
  readonly metrics: readonly MetricVerdict[];
  /** Seconds that the builds took which an arm itself needs; null where nothing was built, or it is not known how long it took. */
  readonly buildSeconds: Readonly<Record<'base' | 'head', number | null>>;
}

/** A number, and what is to be said beside it. */
export interface DerivedFigure {
  readonly value: number;
  readonly note: string | null;
  readonly interval: MetricVerdict['interval'];
}
export const figure = (value: number, note: string | null = null, interval: DerivedFigure['interval'] = null): Reading<DerivedFigure> =>
  read({ value, note, interval });

/** Without a number of any part: where all of them are unchanged, so is the figure; else it is missing. */
export const withoutParts = (parts: readonly MetricVerdict[], reason: string): Reading<never> => {
  if (parts.length === 0 || !parts.every(({ state }) => state === 'unchanged' || state === 'not-measured'))
    return absent('missing', reason);
  const state = parts.every((part) => part.state === 'unchanged') ? 'unchanged' : 'not-measured';
  return absent(state, 'all that it is made of is unchanged and was not measured in this run');
};
