/** How much a change of a metric matters: what the gate names first, and the order in which a report lists changes. */
import type { MetricVerdict } from './verdict.ts';

type Changed = Pick<MetricVerdict, 'better' | 'change' | 'tolerance' | 'unit'>;

/** Units of what something takes up. How fast and how good it is matters more to those who use it. */
const resource = /^(bytes|count|multiply-adds)\b/;

/** How many tolerances worse head is than base (negative: better); 0 without a change. */
const severity = ({ better, change, tolerance }: Changed): number => {
  if (change === null || !Number.isFinite(change.estimate)) return 0;
  return ((better === 'lower' ? 1 : -1) * change.estimate) / (tolerance > 0 ? tolerance : 1e-6);
};

/** Sorts speed and quality before bytes and counts, then what moved most for the worse (or for the better) first. */
export const byImportance = (a: Changed, b: Changed, towards: 'worse' | 'better' = 'worse'): number =>
  Number(resource.test(a.unit)) - Number(resource.test(b.unit)) ||
  (towards === 'worse' ? severity(b) - severity(a) : severity(a) - severity(b));
