import type { MetricVerdict } from '../records/verdict.ts';

export type MeasuredState = MetricVerdict['state'];

/** A number that may not exist; then the state and the words say why. Never 0, never a default. */
export type Reading<T> =
  | { readonly status: 'read'; readonly value: T }
  | { readonly status: 'absent'; readonly state: MeasuredState; readonly reason: string };

export const read = <T>(value: T): Reading<T> => ({ status: 'read', value });
export const absent = (state: MeasuredState, reason: string): Reading<never> => ({ status: 'absent', state, reason });

/** The value, or null. */
export const numberOf = <T>(reading: Reading<T>): T | null => (reading.status === 'read' ? reading.value : null);
export const reasonOf = (reading: Reading<unknown>): string | null => (reading.status === 'absent' ? reading.reason : null);

/** All values, or the first reason why one is absent. */
export const readAll = <T, U>(items: readonly T[], step: (item: T) => Reading<U>): Reading<readonly U[]> => {
  const values: U[] = [];
  for (const item of items) {
    const reading = step(item);
    if (reading.status === 'absent') return reading;
    values.push(reading.value);
  }
  return read(values);
};
