import { GateError } from '../errors.ts';

/**
 * Holm's step-down adjusted p values, in the order given: reject where ≤ alpha, and the chance of any false rejection is ≤ alpha
 * whatever the dependence. `family` counts hypotheses that are not in the list too (they stand in as p = 1).
 * Throws `document-invalid` where a p is outside [0, 1] or the family is smaller than the list.
 */
export const holm = (pValues: readonly number[], family = pValues.length): number[] => {
  if (family < pValues.length)
    throw new GateError('document-invalid', `P values were corrected. Expected at most ${family} of them, got ${pValues.length}.`);
  if (pValues.some((p) => !(p >= 0 && p <= 1)))
    throw new GateError('document-invalid', 'P values were corrected. Expected numbers from 0 to 1, got another.');
  const order = pValues.map((p, index) => ({ p, index })).sort((a, b) => a.p - b.p || a.index - b.index);
  const adjusted = new Array<number>(pValues.length).fill(1);
  let largest = 0;
  order.forEach(({ p, index }, rank) => {
    largest = Math.max(largest, Math.min(1, p * (family - rank)));
    adjusted[index] = largest;
  });
  return adjusted;
};
