import type { Plan, PlannedCell } from '../records/plan.ts';
import type { Samples } from '../records/sample.ts';
import type { Verdict } from '../records/verdict.ts';

/**
 * The builds that an arm itself needs: its `main`, or without one the whole pool that it serves from, and what these are built on. Left out
 * is what was built for a comparator, or to see how passes compose.
 */
const neededBuilds = ({ builds }: Plan, { arms, comparators }: PlannedCell, arm: 'base' | 'head'): ReadonlySet<string> => {
  const own = arms.find(({ id }) => id === arm)?.builds ?? {};
  const forComparators = new Set(Object.values(comparators));
  const served = Object.hasOwn(own, 'main') ? ['main'] : Object.keys(own).filter((variant) => !forComparators.has(variant));
  const needed = new Set<string>();
  for (const variant of served)
    for (let key = own[variant] ?? null; key !== null && !needed.has(key); key = onOf(builds, key)) needed.add(key);
  return needed;
};

const onOf = (builds: Plan['builds'], key: string): string | null => builds.find((build) => build.key === key)?.on ?? null;

/** Seconds that the builds took which an arm needs; null where there are none, or one of them has no known duration. */
export const buildSeconds = (plan: Plan, cell: PlannedCell, arm: 'base' | 'head', { built }: Samples): number | null => {
  const needed = [...neededBuilds(plan, cell, arm)];
  const seconds = needed.flatMap((key) => built.get(key)?.seconds ?? []);
  return needed.length === 0 || seconds.length < needed.length ? null : seconds.reduce((sum, each) => sum + each, 0);
};

/** How many builds were made twice, and the seconds of their repetitions. */
export const repeatedBuilds = ({ built }: Pick<Samples, 'built'>): Verdict['repeatedBuilds'] => {
  const seconds = [...built.values()].flatMap(({ repeatSeconds }) => repeatSeconds ?? []);
  return { count: seconds.length, seconds: seconds.reduce((sum, each) => sum + each, 0) };
};
