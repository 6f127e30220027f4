import { GateError } from '../errors.ts';
import type { GatePolicy } from '../records/plan.ts';
import { hodgesLehmann } from '../statistics/hodges-lehmann.ts';
import { holm } from '../statistics/holm.ts';
import { signedRankGreater } from '../statistics/signed-rank.ts';
import { isDependent } from './dependence.ts';

type Looks = GatePolicy['looks'];

/**
 * One metric that advanced: its fresh launch values in order of index, positive in the direction
 * that is tested. H0: centre ≤ margin.
 */
export interface Candidate {
  readonly key: string;
  readonly values: readonly number[];
  readonly margin: number;
  /** More values may still come; without, a missing look counts as p = 1. */
  readonly waiting: boolean;
}

/**
 * `rejected`: the change is real. `futile`: given up at a look. `exhausted`: the last look passed.
 * `dependent`: a look would have rejected, but for launches that depend on each other, and no later
 * one did. `open`: its next look has too few values.
 */
export interface Decision {
  readonly outcome: 'rejected' | 'futile' | 'exhausted' | 'dependent' | 'open';
  /** Launches of the deciding look, or of the one that is wanted. */
  readonly launches: number;
  /** Adjusted for the family and for the looks; null before the first look. */
  readonly p: number | null;
}

/** Refuses looks that are not a plan: they must grow, and their alphas, those of the last test included, together must not exceed the budget. */
export const requireLooks = (policy: Pick<GatePolicy, 'looks' | 'alpha'>): void => {
  let before = 0;
  let spent = 0;
  for (const { launches, alpha, lastAlpha } of policy.looks) {
    if (launches <= before)
      throw new GateError(
        'document-invalid',
        'The policy of the plan was read. Expected each look to rest on more measurements than the one before.',
        { where: 'policy.looks' },
      );
    before = launches;
    spent += alpha + lastAlpha;
  }
  if (spent > policy.alpha * (1 + 1e-9))
    throw new GateError(
      'document-invalid',
      `The policy of the plan was read. Expected its looks to spend at most alpha, ${policy.alpha}, got ${spent}.`,
      { where: 'policy.looks' },
    );
};

interface State {
  readonly candidate: Candidate;
  decision: Decision;
  /** A look would have rejected it, but for dependent launches. */
  held: boolean;
}

/**
 * Replays the looks of one family of `candidates.length` metrics over the whole pull request. At each look the exact one-sided
 * signed rank p values of the open metrics go through Holm's step-down over all that are not rejected yet (given-up and missing
 * ones count on, as p = 1) at the look's share of alpha. The first true hypothesis to fall had p ≤ alpha_look ÷ (number of true
 * ones), so the union over looks keeps the family at the sum of the shares, whatever the dependence.
 *
 * While one open metric still waits for values of a look, the others are decided only as far as Bonferroni over the family
 * already does (Holm would agree), or by futility: centre ≤ half the margin.
 *
 * A look rejects nothing by launches that depend on each other: that metric goes on to the next look. In Holm's count it has
 * fallen, as it would have without that. So what is rejected is never more than the looks alone would reject, and others lose nothing.
 */
export const replayLooks = (candidates: readonly Candidate[], looks: Looks, alpha: number): ReadonlyMap<string, Decision> => {
  const first = looks[0]?.launches ?? 0;
  const states: State[] = candidates.map((candidate) => ({
    candidate,
    decision: { outcome: 'open', launches: first, p: null },
    held: false,
  }));
  const family = candidates.length;
  let fallen = 0;
  for (const look of looks) {
    const open = states.filter((state) => state.decision.outcome === 'open');
    const ready = open.filter((state) => state.candidate.values.length >= look.launches);
    const waiting = open.some((state) => state.candidate.waiting && state.candidate.values.length < look.launches);
    const readBy = ({ candidate }: State): readonly number[] => candidate.values.slice(0, look.launches);
    const pOf = (state: State): number => signedRankGreater(readBy(state), state.candidate.margin);
    const [held, fresh] = [ready.filter((state) => state.held), ready.filter((state) => !state.held)];
    const bonferroni = (states: readonly State[]): number[] => states.map((state) => Math.min(1, pOf(state) * family));
    const adjusted = [...bonferroni(held), ...(waiting ? bonferroni(fresh) : holm(fresh.map(pOf), family - fallen))];
    [...held, ...fresh].forEach((state, i) => {
      const pLook = adjusted[i] ?? 1;
      const p = Math.min(1, state.decision.p ?? 1, (pLook * alpha) / look.alpha);
      const falls = pLook <= look.alpha;
      const rejected = falls && !isDependent(readBy(state), state.candidate.margin);
      state.held ||= falls && !rejected;
      const givenUp = !falls && hodgesLehmann(readBy(state)).estimate <= state.candidate.margin / 2;
      const outcome = rejected ? 'rejected' : givenUp ? endOf(state, 'futile') : 'open';
      state.decision = { outcome, launches: look.launches, p };
    });
    for (const state of open) {
      const { decision, candidate } = state;
      const ranLast = decision.launches <= candidate.values.length;
      if (decision.outcome === 'open' && !ready.includes(state) && ranLast) state.decision = { ...decision, launches: look.launches };
    }
    fallen = states.filter((state) => state.held || state.decision.outcome === 'rejected').length;
    if (waiting) break;
  }
  const last = looks.at(-1)?.launches ?? 0;
  for (const state of states) {
    if (state.decision.outcome === 'open' && state.decision.launches === last && state.candidate.values.length >= last)
      state.decision = { ...state.decision, outcome: endOf(state, 'exhausted') };
  }
  return new Map(states.map((state) => [state.candidate.key, state.decision]));
};

const endOf = ({ held }: State, otherwise: 'futile' | 'exhausted'): Decision['outcome'] => (held ? 'dependent' : otherwise);
