import { serialDependence } from '../statistics/serial-dependence.ts';

/**
 * Level of the test at a look, 0.2 at 12 launches. Few launches show little, and a look that does
 * not decide costs only the launches up to the next one.
 */
const levelAt = (launches: number): number => 2.4 / launches;

/**
 * Whether launch values, in the order in which they were measured, depend on each other so that a
 * test of independent ones cannot reject "centre ≤ margin" by them. Values that all lie further
 * beyond the margin than they lie apart show it all the same: so small a drift explains nothing.
 */
export const isDependent = (values: readonly number[], margin: number): boolean => {
  if (serialDependence(values) > levelAt(values.length)) return false;
  const least = Math.min(...values);
  return least - margin <= Math.max(...values) - least;
};
