import type { GatePolicy } from '../records/plan.ts';
import { holm } from '../statistics/holm.ts';
import { signedRankGreater } from '../statistics/signed-rank.ts';
import { isDependent } from './dependence.ts';
import type { Candidate } from './looks.ts';

/** What the last test says of one metric. */
export interface LastTest {
  /** Launches that it read: those of the longest look that was reached. */
  readonly launches: number;
  /** Adjusted for the family and for the share of alpha. */
  readonly p: number;
  readonly rejected: boolean;
  /** Whether it would have rejected, but for launches that depend on each other. */
  readonly dependent: boolean;
}

/**
 * Tests every metric of the family once more when measuring has ended, with all launches that hold
 * its point. `members`: all metrics whose point the screening launches sent to confirmation, so that the
 * family does not depend on what is tested; a metric that a look rejected is not asked again.
 *
 * How many launches there are depends on the data, so that each possible number has a share of
 * alpha of its own: a series that ended at a look is tested at the share of that look, by Holm over
 * the whole family, in which all others stand as p = 1. The first true hypothesis to fall at a look
 * had p ≤ share ÷ (number of true ones) there, whether or not its series ended there; so the union
 * over looks keeps the family at the sum of the shares.
 */
export const lastTests = (
  members: readonly Candidate[],
  rejected: ReadonlySet<string>,
  { looks, alpha }: Pick<GatePolicy, 'looks' | 'alpha'>,
): ReadonlyMap<string, LastTest> => {
  const found = new Map<string, LastTest>();
  for (const [at, look] of looks.entries()) {
    const next = looks[at + 1]?.launches ?? Number.POSITIVE_INFINITY;
    const ended = members.filter(({ key, values }) => !rejected.has(key) && values.length >= look.launches && values.length < next);
    const adjusted = holm(
      ended.map(({ values, margin }) => signedRankGreater(values.slice(0, look.launches), margin)),
      members.length,
    );
    for (const [i, member] of ended.entries()) {
      const p = adjusted[i] ?? 1;
      if (look.lastAlpha <= 0) continue;
      const falls = p <= look.lastAlpha;
      const dependent = falls && isDependent(member.values.slice(0, look.launches), member.margin);
      found.set(member.key, {
        launches: look.launches,
        p: Math.min(1, (p * alpha) / look.lastAlpha),
        rejected: falls && !dependent,
        dependent,
      });
    }
  }
  return found;
};
